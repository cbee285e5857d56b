"""Lengths, angles and ellipses in the patient, values from native voxels."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.planes import plane_of
from app.view import measure as m
from app.view.scene import Scene
from app.view.state import Measurement, ViewState
from app.view.viewport import viewport
from tests.scenes import registered, volume


def test_lengths_and_angles_in_space():
    assert m.length_mm(Measurement("length", ((0, 0, 0), (3, 4, 12)), 2)) == pytest.approx(13)
    right = Measurement("angle", ((5, 0, 0), (0, 0, 0), (0, 7, 0)), 2)
    assert m.angle_deg(right) == pytest.approx(90)
    assert m.angle_deg(Measurement("angle", ((1, 0, 0), (0, 0, 0), (-1, 1, 0)), 2)) == pytest.approx(135)
    with pytest.raises(ValueError, match="three points"):
        m.angle_deg(Measurement("angle", ((1, 0, 0), (0, 0, 0)), 2))


def grid_volume(**more):
    stored = np.arange(5 * 40 * 50, dtype=np.int16).reshape(5, 40, 50) % 997
    affine = np.diag([0.8, 1.2, 4.0, 1.0])
    return volume(stored, affine=affine, **more)


def test_an_ellipse_holds_the_voxels_whose_centres_lie_in_it():
    mri = grid_volume()
    one = Measurement("ellipse", ((10.0, 8.0, 8.0), (26.0, 32.0, 8.0)), 2)
    found = m.ellipse_statistics(mri, one, np.eye(3), np.eye(4))
    x, y = np.meshgrid(np.arange(50) * 0.8, np.arange(40) * 1.2)
    inside = ((x - 18) / 8) ** 2 + ((y - 20) / 12) ** 2 <= 1
    values = mri.stored[2][inside].astype(float)
    assert found.count == inside.sum()
    assert (found.mean, found.deviation) == pytest.approx((values.mean(), values.std()))
    assert (found.low, found.high) == (values.min(), values.max())
    assert m.area_mm2(one, np.eye(3)[:2]) == pytest.approx(np.pi * 8 * 12)


def test_the_partners_values_are_read_in_its_own_grid_through_the_transform():
    mri = grid_volume()
    matrix = np.eye(4)
    matrix[:3, 3] = (4.0, -2.4, 8.0)  # whole voxels of the partner's grid: 5, -2 and 2
    pet = grid_volume(modality="PT", unit="SUVbw", slope=0.5)
    one = Measurement("ellipse", ((12.1, 12.1, 0.0), (20.3, 24.3, 0.0)), 2)
    found = m.ellipse_statistics(pet, one, np.eye(3), matrix)
    moved = Measurement("ellipse", ((16.1, 9.7, 8.0), (24.3, 21.9, 8.0)), 2)
    assert found == m.ellipse_statistics(pet, moved, np.eye(3), np.eye(4))
    assert (
        m.ellipse_statistics(mri, Measurement("ellipse", ((500, 500, 0), (510, 510, 0)), 2), np.eye(3), np.eye(4))
        is None
    )


def test_what_stands_beside_a_measurement():
    mri = grid_volume()
    scene = Scene().having(mri=mri, partner=grid_volume(modality="PT", unit="SUVbw"))
    scene = scene.having(registration=registered())
    view = viewport(ViewState(), plane_of(mri.geometry, 2), 2, 300, 300)
    assert m.describe(Measurement("length", ((0, 0, 8), (30, 40, 8)), 2), scene, view) == ("50.0 mm",)
    assert m.describe(Measurement("angle", ((0, 0, 8), (30, 40, 8)), 2), scene, view) == ("draw the second leg",)
    size, first, second = m.describe(Measurement("ellipse", ((10, 8, 8), (26, 32, 8)), 2), scene, view)
    assert size == "3.02 cm²"
    assert first.startswith("MRI ")
    assert first.endswith("a.u.")
    assert second.startswith("PET ")
    assert second.endswith("SUVbw")
