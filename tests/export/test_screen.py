"""Radiological convention for every way to store a volume."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from app.export.screen import screen
from app.imaging.geometry import Geometry

SIDES = {  # what stands at the left, right, top, bottom of the picture
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "S", "I"),
    "sagittal": ("A", "P", "S", "I"),
}
DIRECTIONS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
STORAGES = [
    (order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)
]


@pytest.mark.parametrize(("order", "signs"), STORAGES)
def test_sides_stand_where_readers_expect_them(order, signs):
    affine = np.eye(4)
    affine[:3, :3] = 0
    for index_axis, (patient_axis, sign) in enumerate(zip(order, signs, strict=True)):
        affine[patient_axis, index_axis] = sign * (1 + index_axis)  # mm: 1, 2, 3
    tilt = np.eye(4)
    tilt[:3, :3] = [[0.96, -0.28, 0], [0.28, 0.96, 0], [0, 0, 1]]  # 16 degrees: still the same plane
    grid = Geometry((7, 6, 5), tilt @ affine)
    view = screen(grid)
    assert view.letters == SIDES[grid.plane]
    j, i = np.indices((6, 7))
    points = grid.to_lps(np.stack([i, j, np.full_like(i, 2)], -1)) - grid.centre_mm
    shown = view.show(points)
    edges = shown[:, 0].mean(0), shown[:, -1].mean(0), shown[0].mean(0), shown[-1].mean(0)
    for letter, edge in zip(view.letters, edges, strict=True):
        axis, sign = DIRECTIONS[letter]
        assert int(np.argmax(np.abs(edge))) == axis
        assert edge[axis] * sign > 0
    step = np.linalg.norm(shown[1, 0] - shown[0, 0]), np.linalg.norm(shown[0, 1] - shown[0, 0])
    assert view.spacing_mm == pytest.approx(step)


def test_plain_pictures_stay_as_they_are():
    view = screen(Geometry((4, 3, 1), np.diag([-1.0, -1, 1, 1]), in_mm=False))
    picture = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(view.show(picture), picture)
    assert view.letters == ("", "", "", "")


def test_colour_turns_like_grey():
    affine = np.array([[0, 0, 1, 0], [0, -1, 0, 0], [-1.0, 0, 0, 0], [0, 0, 0, 1]])  # sagittal, stored turned
    view = screen(Geometry((5, 4, 3), affine))
    grey = np.arange(20).reshape(4, 5)
    np.testing.assert_array_equal(view.show(np.stack([grey] * 3, -1))[..., 1], view.show(grey))
