"""Lengths, angles and ellipses in the patient, values from native voxels."""

from __future__ import annotations

import numpy as np
import pytest

from app.case import regions as r
from app.case.layers import Layer
from app.case.links import End, linked
from app.case.regions import Region
from app.core.transforms import rigid
from tests.scenes import registered, volume

DRAWN = End("drawn", "1.2")


def test_lengths_and_angles_in_space():
    assert r.length_mm(Region(1, "length", ((0, 0, 0), (3, 4, 12)), DRAWN)) == pytest.approx(13)
    right = Region(1, "angle", ((5, 0, 0), (0, 0, 0), (0, 7, 0)), DRAWN)
    assert r.angle_deg(right) == pytest.approx(90)
    assert r.angle_deg(Region(1, "angle", ((1, 0, 0), (0, 0, 0), (-1, 1, 0)), DRAWN)) == pytest.approx(135)
    with pytest.raises(ValueError, match="three points"):
        r.angle_deg(Region(1, "angle", ((1, 0, 0), (0, 0, 0)), DRAWN))


def grid_volume(**more):
    stored = np.arange(5 * 40 * 50, dtype=np.int16).reshape(5, 40, 50) % 997
    return volume(stored, affine=np.diag([0.8, 1.2, 4.0, 1.0]), **more)


def ellipse(first, second, drawn_on=DRAWN):
    return Region(1, "ellipse", (first, second), drawn_on)


def test_an_ellipse_holds_the_voxels_whose_centres_lie_in_it():
    mri = grid_volume()
    drawn = ellipse((10.0, 8.0, 8.0), (26.0, 32.0, 8.0), Layer.of(mri).end)
    inside_of = r.statistics(drawn, Layer.of(mri), ())
    x, y = np.meshgrid(np.arange(50) * 0.8, np.arange(40) * 1.2)
    inside = ((x - 18) / 8) ** 2 + ((y - 20) / 12) ** 2 <= 1
    values = mri.stored[2][inside].astype(float)
    assert inside_of.count == inside.sum()
    assert (inside_of.mean, inside_of.deviation) == pytest.approx((values.mean(), values.std()))
    assert (inside_of.low, inside_of.high) == (values.min(), values.max())
    assert r.area_mm2(drawn) == pytest.approx(np.pi * 8 * 12)


def test_another_layers_values_are_read_in_its_own_grid_through_the_link():
    mri, pet = grid_volume(), grid_volume(modality="PT", unit="SUVbw", slope=0.5)
    matrix = np.eye(4)
    matrix[:3, 3] = (4.0, -2.4, 8.0)  # whole voxels of the partner's grid: 5, -2 and 2
    ends = Layer.of(mri).end, Layer.of(pet).end
    drawn = ellipse((12.1, 12.1, 0.0), (20.3, 24.3, 0.0), ends[0])
    assert r.statistics(drawn, Layer.of(pet), ()) is None  # nothing says where the PET lies
    through = r.statistics(drawn, Layer.of(pet), linked((), *ends, registered(matrix)))
    own = r.statistics(ellipse((16.1, 9.7, 8.0), (24.3, 21.9, 8.0), ends[1]), Layer.of(pet), ())
    assert through == own
    assert own.count > 10
    assert r.statistics(ellipse((500, 500, 0), (510, 510, 0), ends[0]), Layer.of(mri), ()) is None


def test_padding_and_lines_have_no_values():
    mri = grid_volume(valid=np.zeros((5, 40, 50), bool))
    assert r.statistics(ellipse((10.0, 8.0, 8.0), (26.0, 32.0, 8.0), Layer.of(mri).end), Layer.of(mri), ()) is None
    length = Region(1, "length", ((0, 0, 0), (9, 9, 0)), Layer.of(mri).end)
    assert r.statistics(length, Layer.of(mri), ()) is None


def test_an_ellipse_turns_with_its_plane():
    drawn = ellipse((0.0, 0.0, 0.0), (4.0, 8.0, 0.0))
    turned = r.moved(drawn, rigid((0, 90, 0), (1, 2, 3)))
    assert r.area_mm2(turned) == pytest.approx(r.area_mm2(drawn))
    np.testing.assert_allclose(np.abs(turned.axes[2]), (1, 0, 0), atol=1e-12)
    back = r.moved(turned, np.linalg.inv(rigid((0, 90, 0), (1, 2, 3))))
    np.testing.assert_allclose(back.points_mm, drawn.points_mm, atol=1e-9)
