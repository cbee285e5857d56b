"""What belongs to one volume: parts by geometry, by traits and by far gaps; copies left out, all of it in words."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset

from app.files import readers
from tests.files.dicom.dicom_files import ROOT, only_series, put_pixels, slice_values, write_series


def test_another_size_orientation_or_spacing_splits_and_says_so(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        if k == 4:
            put_pixels(ds, slice_values(0, rows=5))
        if k == 5:
            ds.PixelSpacing = [3, 3]
        if k == 6:
            ds.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]

    all_series = readers.scan([write_series(tmp_path, places=range(7), change=change)]).series
    assert [series.size[2] for series in all_series] == [4, 1, 1, 1]
    assert [series.uid for series in all_series] == [f"{ROOT}.2", f"{ROOT}.2#2", f"{ROOT}.2#3", f"{ROOT}.2#4"]
    assert all("split into 4 parts" in series.warnings[0] for series in all_series)


def test_echoes_at_the_same_places_become_a_series_each(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.EchoTime = 80 if k % 2 else 12
        ds.ImagePositionPatient = [0, 0, 2.0 * (k // 2)]

    all_series = readers.scan([write_series(tmp_path, "MR", places=range(8), change=change)]).series
    assert [series.description for series in all_series] == ["MR head (echo time 12 ms)", "MR head (echo time 80 ms)"]
    assert [series.size[2] for series in all_series] == [4, 4]
    np.testing.assert_array_equal(readers.read(all_series[1]).stored[:, 0, 0], [1000, 3000, 5000, 7000])


@pytest.mark.parametrize(
    ("keyword", "first", "second", "label"),
    [
        ("FrameReferenceTime", 1000, 61000, "frame reference time 1000 ms"),
        ("AcquisitionNumber", 1, 2, "acquisition number 1"),
        ("TemporalPositionIdentifier", 1, 2, "temporal position 1"),
    ],
)
def test_frames_of_a_dynamic_series_are_told_apart_by_time(tmp_path, keyword, first, second, label):
    def change(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [0, 0, 2.0 * (k % 4)]
        setattr(ds, keyword, first if k < 4 else second)
        ds.ContentTime = f"1200{k:02d}"  # differs between slices of one volume too: it must not tear it to pieces

    all_series = readers.scan([write_series(tmp_path, "PT", places=range(8), change=change)]).series
    assert [series.size[2] for series in all_series] == [4, 4]
    assert label in all_series[0].description


def test_copies_are_left_out_and_named(tmp_path):
    write_series(tmp_path, places=range(4))
    first = sorted(tmp_path.iterdir())[0]
    (tmp_path / "copy.dcm").write_bytes(first.read_bytes())
    series = only_series(tmp_path)
    assert series.size[2] == 4
    assert any("copy.dcm" in warning or first.name in warning for warning in series.warnings)


def test_a_tall_stack_far_from_another_is_a_series_of_its_own(tmp_path):
    all_series = readers.scan([write_series(tmp_path, places=[0, 1, 2, 3, 500, 501, 502])]).series
    assert [series.size[2] for series in all_series] == [4, 3]


def test_a_lone_slice_far_away_is_not_joined_by_hundreds_of_invented_ones(tmp_path):
    all_series = readers.scan([write_series(tmp_path, places=[0, 1, 500])]).series
    assert [series.size[2] for series in all_series] == [2, 1]


def test_a_frame_of_reference_of_its_own_in_every_file_means_nothing(tmp_path):
    """PS3.3 C.7.4.1.1.1: one for a series; some anonymisers give one to each file."""
    folder = write_series(tmp_path, change=lambda ds, k: ds.update({"FrameOfReferenceUID": f"{ROOT}.9.{k}"}))
    series = only_series(folder)
    assert series.size[2] == 5
    assert series.frame_of_reference_uid == ""
    assert any("FrameOfReferenceUID of its own" in warning for warning in series.warnings)
    np.testing.assert_array_equal(readers.read(series).stored[:, 0, 0], [0, 1000, 2000, 3000, 4000])


def test_two_frames_of_reference_in_a_series_stay_apart(tmp_path):
    folder = write_series(
        tmp_path, places=range(6), change=lambda ds, k: ds.update({"FrameOfReferenceUID": f"{ROOT}.9.{k // 3}"})
    )
    all_series = readers.scan([folder]).series
    assert [series.size[2] for series in all_series] == [3, 3]
    assert len({series.frame_of_reference_uid for series in all_series}) == 2
