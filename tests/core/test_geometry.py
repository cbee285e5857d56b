"""The grid: pixel centres, letters and planes, against answers worked out by hand."""

import numpy as np
import pytest

from app.core.geometry import Geometry, transform_points


def axial(spacing=(1.0, 2.0, 3.0), origin=(10.0, 20.0, 30.0)) -> Geometry:
    return Geometry(
        (4, 5, 6),
        np.array(
            [[spacing[0], 0, 0, origin[0]], [0, spacing[1], 0, origin[1]], [0, 0, spacing[2], origin[2]], [0, 0, 0, 1]]
        ),
    )


def test_the_origin_is_the_centre_of_the_first_voxel():
    np.testing.assert_array_equal(axial().to_lps((0, 0, 0)), (10, 20, 30))
    np.testing.assert_array_equal(axial().to_lps((1, 1, 1)), (11, 22, 33))
    np.testing.assert_array_equal(axial().centre_mm, (11.5, 24, 37.5))


def test_index_and_position_are_inverse_on_an_oblique_grid():
    a, b = np.deg2rad([20, -35])
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn * (0.7, 0.8, 2.5)
    affine[:3, 3] = (-120, 33, 8)
    grid = Geometry((10, 11, 12), affine)
    points = np.random.default_rng(0).uniform(-5, 15, (20, 3))
    np.testing.assert_allclose(grid.to_index(grid.to_lps(points)), points, atol=1e-12)
    np.testing.assert_allclose(grid.spacing_mm, (0.7, 0.8, 2.5))
    np.testing.assert_allclose(grid.direction, turn, atol=1e-15)


@pytest.mark.parametrize(
    ("columns", "letters", "plane"),
    [
        (np.eye(3), "LPS", "axial"),
        (np.diag([-1, -1, 1]), "RAS", "axial"),
        (np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]]), "PIL", "sagittal"),  # i to posterior, j to inferior, k to left
        (np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]), "LIP", "coronal"),
    ],
)
def test_letters_and_plane_come_from_the_direction_alone(columns, letters, plane):
    affine = np.eye(4)
    affine[:3, :3] = columns
    grid = Geometry((3, 3, 3), affine)
    assert grid.orientation == letters
    assert grid.plane == plane


def test_the_end_an_axis_comes_from_is_the_opposite_letter():
    assert [axial().letter(axis, end=False) for axis in range(3)] == ["R", "A", "I"]


def test_grids_are_the_same_only_where_every_corner_is():
    tilted = np.array(axial().affine)
    tilted[0, 2] = 1e-3  # the last slice lies 5 um aside
    assert axial().same_grid(axial())
    assert not axial().same_grid(Geometry((4, 5, 6), tilted))
    assert not axial().same_grid(Geometry((4, 5, 7), axial().affine))


@pytest.mark.parametrize("broken", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.eye(3)])
def test_an_affine_that_cannot_be_inverted_is_refused(broken):
    with pytest.raises(ValueError, match="affine"):
        Geometry((2, 2, 2), broken)


def test_the_affine_cannot_be_changed_behind_its_back():
    given = np.eye(4)
    grid = Geometry((2, 2, 2), given)
    given[0, 3] = 99
    assert grid.origin_mm[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 3] = 1


def test_transforms_apply_rotation_before_translation():
    quarter = np.array([[0, -1, 0, 5], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    np.testing.assert_array_equal(transform_points(quarter, [[1, 0, 0], [0, 2, 0]]), [[5, 1, 0], [3, 0, 0]])
