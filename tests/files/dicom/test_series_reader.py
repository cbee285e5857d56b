"""Volumes of known values read from series: rescale, table, a tilted gantry, a file that vanished."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset

from app.base.errors import AppError
from app.files import readers
from tests.files.dicom.dicom_files import enhanced, only_series, put_pixels, read_volume, slice_values, write_series


def test_the_rescale_of_each_slice_is_its_own(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.RescaleSlope, ds.RescaleIntercept = 1 + k, -k

    read = read_volume(write_series(tmp_path, places=[0, 1, 2], change=change))
    for k in range(3):
        np.testing.assert_allclose(read.values(k), slice_values(k) * (1.0 + k) - k)


def test_a_modality_table_replaces_the_rescale(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        del ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType
        put_pixels(ds, np.array([[5, 6], [7, 99]], np.int16))
        table = Dataset()
        table.add_new("LUTDescriptor", "SS", [3, 5, 16])
        table.ModalityLUTType = "HU"
        table.add_new("LUTData", "OW", np.array([100, 200, 400], "<u2").tobytes())
        ds.ModalityLUTSequence = [table]

    read = read_volume(write_series(tmp_path, places=[0, 1], change=change))
    np.testing.assert_array_equal(read.values(0), [[100, 200], [400, 400]])
    assert read.unit == "HU"


def test_a_tilted_gantry_is_sheared_back_by_positions(tmp_path):
    """Each slice is 2 mm further in y than a straight stack's: one row of 2 mm."""

    def change(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [-10.0, -20.0 + 2 * k, 5.0 * k]
        ds.GantryDetectorTilt = -33  # wrong on purpose: it must not be used

    series = only_series(write_series(tmp_path, places=range(4), change=change))
    assert any("tilted by 21.8" in warning for warning in series.warnings)  # atan(2 / 5)
    read = readers.read(series)
    assert read.geometry.size == (8, 9, 4)
    assert read.interpolated.all()
    np.testing.assert_allclose(read.geometry.direction, np.eye(3), atol=1e-12)
    for k in range(4):
        np.testing.assert_allclose(read.values(k)[k : k + 6], slice_values(k) - 1000.0, atol=1e-3)
        assert read.valid[k, k : k + 6].all()
        assert not read.valid[k, :k].any()
        assert not read.valid[k, k + 6 :].any()
    assert all(read.sources)  # every slice still has its file


def test_a_file_that_vanished_is_named(tmp_path):
    folder = write_series(tmp_path / "größe 体", places=range(3))  # also: names beyond ASCII
    series = only_series(folder)
    series.paths[0].unlink()
    with pytest.raises(AppError, match=series.paths[0].name):
        readers.read(series)


def test_slices_of_a_multi_frame_file_know_their_frames(tmp_path):
    enhanced([6, 0, 3, 12]).save_as(tmp_path / "e.dcm", enforce_file_format=True)
    read = read_volume(tmp_path)
    assert read.source_frames == (2, 3, 1, None, 4)  # one is interpolated between 6 and 12 mm
    assert read.sources == (*(tmp_path / "e.dcm",) * 3, None, tmp_path / "e.dcm")


def test_slices_with_a_file_each_have_no_frames(tmp_path):
    assert set(read_volume(write_series(tmp_path)).source_frames) == {None}
