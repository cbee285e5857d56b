"""Series whose slices lie at known places: the order, spacing and gaps of the grid they are read into."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydicom import Dataset

from app.base.errors import AppError
from app.files import readers
from app.files.dicom.frames import frames
from app.files.dicom.grid import NotAStack, axes, part_at_far_gaps
from app.files.dicom.header import read_header
from tests.files.dicom.dicom_files import only_series, read_volume, write_series


def test_slices_follow_the_normal_not_names_or_instance_numbers_and_sources_follow_the_slices(tmp_path):
    read = read_volume(write_series(tmp_path, places=[9, 0, 6, 3]))
    assert [int(read.stored[k, 0, 0]) for k in range(4)] == [1000, 3000, 2000, 0]
    assert [path.name[-6:-4] for path in read.sources if path] == ["01", "03", "02", "00"]


def test_missing_slices_are_told_with_both_positions_interpolated_and_marked(tmp_path):
    series = only_series(write_series(tmp_path, places=[0, 2, 4, 10, 12]))
    assert series.size[2] == 7
    assert series.acquired == 5
    (warning,) = series.warnings
    assert "2 slices are missing" in warning
    assert "4.00 mm" in warning
    assert "10.00 mm" in warning
    read = readers.read(series)
    np.testing.assert_array_equal(read.interpolated, [0, 0, 0, 1, 1, 0, 0])
    assert [path is None for path in read.sources] == [False, False, False, True, True, False, False]
    np.testing.assert_allclose(read.values()[:, 0, 0], [-1000, 0, 1000, 4000 / 3, 5000 / 3, 2000, 3000], rtol=1e-6)


def test_an_uneven_gap_is_told_with_both_positions_and_values_stay_at_their_true_place(tmp_path):
    places = [0.0, 2.0, 4.0, 7.0, 9.0]
    series = only_series(write_series(tmp_path, places=places))
    assert any("3.00 mm instead of 2.00 mm" in warning and "7.00 mm" in warning for warning in series.warnings)
    read = readers.read(series)
    along = read.geometry.to_lps(
        np.stack([np.zeros(read.geometry.size[2])] * 2 + [np.arange(read.geometry.size[2])], 1)
    )
    np.testing.assert_allclose(read.values()[:, 0, 0], np.interp(along[:, 2], places, 1000.0 * np.arange(5)) - 1000)
    assert along[-1, 2] == pytest.approx(9)


def test_a_spacing_within_a_hundredth_of_a_millimetre_is_even(tmp_path):
    series = only_series(write_series(tmp_path, places=[0, 3.375, 6.745, 10.12, 13.49]))
    assert series.warnings == ()
    assert series.spacing_mm[2] == pytest.approx(3.3725)


def test_oblique_axes_come_from_the_cosines(tmp_path):
    c, s = np.cos(0.3), np.sin(0.3)

    def change(ds: Dataset, k: int) -> None:
        ds.ImageOrientationPatient = [0, c, -s, 0, -s, -c]  # not axial: rows run back and down
        ds.ImagePositionPatient = [4.0 * k, 0, 0]

    read = read_volume(write_series(tmp_path, places=range(3), change=change))
    np.testing.assert_allclose(read.geometry.direction[:, 2], np.cross([0, c, -s], [0, -s, -c]), atol=1e-12)
    assert read.geometry.spacing_mm[2] == pytest.approx(4)
    assert read.geometry.plane == "sagittal"
    assert [int(v) for v in read.stored[:, 0, 0]] == (
        [0, 1000, 2000] if read.geometry.direction[0, 2] > 0 else [2000, 1000, 0]
    )


def test_two_different_slices_at_one_place_are_refused_with_both_names(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        if k == 4:
            ds.ImagePositionPatient = [-10.0, -20.0, 2.0]

    series = only_series(write_series(tmp_path, places=range(5), change=change))
    assert "both lie at 2.00 mm" in series.problem
    with pytest.raises(AppError, match="both lie at"):
        readers.read(series)


@pytest.mark.parametrize(
    ("gone", "fact"), [("PixelSpacing", "PixelSpacing"), ("ImagePositionPatient", "where they lie")]
)
def test_without_spacing_or_position_it_is_no_volume(tmp_path, gone, fact):
    series = only_series(write_series(tmp_path, change=lambda ds, k: ds.__delattr__(gone)))
    assert fact in series.problem
    assert series.spacing_mm is None


def test_far_gaps_part_stacks_and_usual_ones_do_not(tmp_path):
    paths = write_series(tmp_path, places=[0, 2, 4, 60, 62])
    every = [frame for path in sorted(paths.iterdir()) for frame in frames(read_header(path))]
    pieces = part_at_far_gaps(every)
    assert [[frame.position[2] for frame in piece] for piece in pieces] == [[0, 2, 4], [60, 62]]
    near = [frame for frame in every if frame.position[2] < 60]
    assert [len(piece) for piece in part_at_far_gaps(near)] == [3]


def test_axes_that_are_not_perpendicular_are_no_stack(tmp_path):
    (path,) = write_series(tmp_path, places=[0]).iterdir()
    (frame,) = frames(read_header(path))
    row, column, normal = axes(replace(frame, orientation=(1.0, 0, 0, 0, 0, -1.0)))
    np.testing.assert_array_equal([row, column, normal], [[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    with pytest.raises(NotAStack, match="perpendicular"):
        axes(replace(frame, orientation=(1, 0, 0, 0.5, 0.8, 0)))
