"""Radiological convention from the affine alone, for every way to store a volume."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.core.planes import axis_named, plane_of, three_axes

ORDERS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
SIZE_LPS = (7, 9, 11)  # voxels towards left, posterior, superior
SPACING_LPS = (1.0, 2.0, 3.0)


def stored(order: tuple[int, ...], signs: tuple[int, ...]) -> tuple[np.ndarray, Geometry]:
    """One patient stored in one of 48 ways: 200 at the right anterior inferior corner, 100 at the left one above it.

    order: the patient axis of i, j, k; signs: whether the index grows towards L, P, S (+) or away.
    """
    patient = np.zeros(SIZE_LPS, np.uint8)  # [x, y, z]
    patient[0, 0, 0] = 200  # right, anterior, inferior
    patient[-1, 0, 0] = 150  # left, anterior, inferior
    patient[0, -1, 0] = 100  # right, posterior, inferior
    patient[0, 0, -1] = 50  # right, anterior, superior
    voxels = patient.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]  # [i, j, k]
    affine = np.eye(4)
    for index, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        affine[:3, index] = 0
        affine[axis, index] = sign * SPACING_LPS[axis]
        affine[axis, 3] = 0 if sign > 0 else (SIZE_LPS[axis] - 1) * SPACING_LPS[axis]
    return voxels.transpose(2, 1, 0), Geometry(voxels.shape, affine)


@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_every_way_to_store_a_volume_looks_the_same(order, signs):
    voxels, grid = stored(order, signs)
    for name, patient_axis, letters in (("axial", 2, "RLAP"), ("coronal", 1, "RLSI"), ("sagittal", 0, "APSI")):
        axis = axis_named(grid, name)
        plane = plane_of(grid, axis)
        assert order[axis] == patient_axis
        assert plane.name == name
        assert "".join(plane.letters) == letters
        low = round(plane.to_picture((0, 0, 0))[2])  # the slice through the 200
        picture = plane.take(voxels, low)
        assert picture.shape == plane.shape
        expected = {"axial": (200, 150, 100), "coronal": (50, 200, 150), "sagittal": (50, 200, 100)}[name]
        corners = {
            "axial": (picture[0, 0], picture[0, -1], picture[-1, 0]),
            "coronal": (picture[0, 0], picture[-1, 0], picture[-1, -1]),
            "sagittal": (picture[0, 0], picture[-1, 0], picture[-1, -1]),
        }[name]
        assert corners == expected


@pytest.mark.parametrize(("order", "signs"), ORDERS[::7])
def test_points_and_pictures_agree(order, signs):
    voxels, grid = stored(order, signs)
    for axis in range(3):
        plane = plane_of(grid, axis)
        rows, columns = plane.shape
        for column, row, index in ((0, 0, 0), (columns - 1, rows - 2, plane.slices - 1)):
            lps = plane.to_lps(column, row, index)
            np.testing.assert_allclose(plane.to_picture(lps), (column, row, index), atol=1e-9)
            i, j, k = np.rint(grid.to_index(lps)).astype(int)
            assert plane.take(voxels, index)[row, column] == voxels[k, j, i]


@pytest.mark.parametrize(("order", "signs"), ORDERS[::5])
def test_a_slice_as_a_grid_lies_where_its_pixels_lie(order, signs):
    _, grid = stored(order, signs)
    for axis in range(3):
        plane = plane_of(grid, axis)
        grid = plane.geometry(2)
        assert grid.shape == (1, *plane.shape)
        np.testing.assert_allclose(grid.to_lps((3, 4, 0)), plane.to_lps(3, 4, 2), atol=1e-9)
        assert grid.spacing_mm[1::-1] == pytest.approx(plane.spacing_mm)


def test_screen_steps_of_anisotropic_planes_are_true():
    _, grid = stored((1, 2, 0), (1, -1, -1))
    plane = plane_of(grid, axis_named(grid, "coronal"))
    assert plane.spacing_mm == (3.0, 1.0)  # rows along z, columns along x
    assert plane.extent_mm == (7.0, 33.0)


def test_an_oblique_stack_still_gives_three_different_planes():
    angle = np.deg2rad(45)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    grid = Geometry((5, 6, 7), affine)
    assert sorted(three_axes(grid)) == [0, 1, 2]
    for axis in range(3):
        assert plane_of(grid, axis).shape[0] > 0


def test_pictures_are_shown_as_stored_without_letters():
    grid = Geometry((4, 3, 1), np.diag([-1.0, 1, 1, 1]), in_mm=False)
    plane = plane_of(grid, 2)
    voxels = np.arange(12).reshape(1, 3, 4)
    np.testing.assert_array_equal(plane.take(voxels, 0), voxels[0])
    assert plane.letters == ("", "", "", "")
    assert plane.name == ""
    assert axis_named(grid, "axial") is None


def test_colour_turns_like_grey():
    _, grid = stored((2, 1, 0), (-1, -1, 1))
    plane = plane_of(grid, 2)
    grey = np.arange(grid.size[1] * grid.size[0]).reshape(grid.size[1], grid.size[0])
    np.testing.assert_array_equal(plane.show(np.stack([grey] * 3, -1))[..., 1], plane.show(grey))
