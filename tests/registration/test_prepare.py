from dataclasses import replace

import numpy as np
import pytest

from app.core.geometry import transform_points
from app.registration.prepare import otsu, prepare
from tests.heads import acquisition, mri, partner


def test_blocks_are_means_at_the_middle_of_what_they_replace():
    ct = partner("ct", np.eye(4))  # voxels of 1.3 x 1.3 x 4 mm: three by three become one
    steps = np.zeros(ct.stored.shape, dtype=np.uint16)
    steps[:, :, 90:92], steps[:, :, 93:96] = 600, 400  # two thirds of one block of columns, all of the next
    steps[:, :, 96:] = 1000
    image = prepare(replace(ct, stored=steps, unit="a.u.", intercept=np.zeros(len(steps))), 4.0)
    np.testing.assert_allclose(image.values[9, 20, 29:33], [0, 0.4, 0.4, 1], atol=1e-6)
    np.testing.assert_allclose(image.grid.to_lps((5, 6, 7)), ct.geometry.to_lps((16, 19, 7)))
    assert prepare(ct, 0.1).grid.same_grid(ct.geometry)


@pytest.mark.parametrize("name", ["mr", "ct", "pet", "spect"])
def test_the_body_holds_the_brain_and_not_the_air(name):
    scan = acquisition(name)
    volume = mri() if name == "mr" else partner(name, scan.from_head @ np.linalg.inv(acquisition("mr").from_head))
    image = prepare(volume, 2.0)
    for head_mm, expected in (((28.0, 14.0, 31.0), True), ((0.0, 0.0, 8.0), True), ((-84.0, -80.0, 60.0), False)):
        i, j, k = np.rint(image.grid.to_index(transform_points(scan.from_head, head_mm))).astype(int)
        if min(i, j, k) >= 0 and i < image.body.shape[2] and j < image.body.shape[1]:
            assert image.body[k, j, i] == expected
    assert 0 <= image.values.min() <= image.values.max() <= 1
    assert (image.near | ~image.body).all()
    assert image.near.sum() > image.body.sum()


def test_padding_and_values_that_are_not_finite_count_as_nothing():
    volume = mri()
    stored = volume.stored.astype(np.float32)
    stored[10:20] = np.nan
    valid = np.ones(stored.shape, dtype=bool)
    valid[:, :, :20] = False
    image = prepare(replace(volume, stored=stored, valid=valid), 2.0)
    assert np.isfinite(image.values).all()
    assert not image.usable[10:20].any()
    assert not image.usable[:, :, :20].any()
    assert not image.body[:, :, :20].any()
    assert not prepare(replace(volume, stored=stored, valid=valid), 2.0).shrunk(4.0).usable[:, :, :9].any()


def test_a_crop_keeps_its_place():
    image = prepare(mri(), 2.0)
    part = image.cropped(np.array([4.2, 5, 6]), np.array([30, 31, 300]))
    np.testing.assert_array_equal(part.values[0], image.values[6, 5:32, 4:31])
    np.testing.assert_allclose(part.grid.to_lps((1, 2, 3)), image.grid.to_lps((5, 7, 9)))


def test_otsu_parts_two_humps():
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(0.2, 0.03, 5000), random.normal(0.7, 0.05, 3000)])
    assert 0.3 < otsu(values) < 0.6


@pytest.mark.parametrize("scale", [1 - 1e-15, 1, 1 + 1e-15])
def test_the_last_digit_of_a_spacing_changes_nothing(scale):
    """Voxels of 4 mm in a margin of 10 mm: 2.5 of them, which must not round one way here and another way there."""
    volume = mri()
    grid = volume.geometry
    affine = np.array(grid.affine)
    affine[:3, :3] = np.eye(3) * 2 * scale
    straight = replace(volume, geometry=type(grid)(grid.size, affine))
    affine[:3, :3] = np.eye(3) * 2
    exact = replace(volume, geometry=type(grid)(grid.size, affine))
    np.testing.assert_array_equal(prepare(straight, 2.0).near, prepare(exact, 2.0).near)
