from pathlib import Path

import numpy as np
import pytest

from app.base.errors import RegistrationError
from app.base.progress import Cancelled
from app.core.geometry import Geometry
from app.core.transforms import rigid
from app.core.volume import Series, Volume
from app.registration.resample import Resampler, resample, resample_slice, slab_geometry


def grid(size, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), turned=(0.0, 0.0, 0.0), in_mm=True):
    affine = rigid(turned, origin) @ np.diag([*spacing, 1.0])
    return Geometry(size, affine, in_mm)


def volume(stored, geometry, **fields):
    series = Series(
        uid="1.2", modality="PT", description="", paths=(Path("x"),), size=geometry.size,
        spacing_mm=geometry.spacing_mm, orientation=geometry.orientation, unit="a.u.", reader="test",
    )  # fmt: skip
    fields = {"slope": np.ones(1), "intercept": np.zeros(1), **fields}
    return Volume(stored=stored, geometry=geometry, modality="PT", unit="a.u.", series=series, **fields)


def trilinear(moving, onto, fixed_to_moving):
    """The slow obvious version: voxel by voxel, edge voxels reach half a voxel outward with their own value."""
    data, size = moving.values().astype(np.float64), np.array(moving.geometry.size)
    values, inside = np.zeros(onto.shape), np.zeros(onto.shape, dtype=bool)
    for k, j, i in np.ndindex(onto.shape):
        x, y, z, _ = fixed_to_moving @ np.append(onto.to_lps((i, j, k)), 1.0)
        at = moving.geometry.to_index((x, y, z))
        if (at < -0.5).any() or (at > size - 0.5).any():
            continue
        low = np.floor(at).astype(int)
        part = at - low
        total, usable = 0.0, True
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, part, 1 - part))
            a, b, c = np.clip(low + corner, 0, size - 1)
            if weight > 1e-6 and moving.valid is not None and not moving.valid[c, b, a]:
                usable = False
            total += weight * data[c, b, a]
        values[k, j, i], inside[k, j, i] = (total, True) if usable else (0.0, False)
    return values, inside


NOISE = np.random.default_rng(5).integers(-500, 3000, size=(7, 9, 8), dtype=np.int16)
CASES = {
    "anisotropic": (grid((8, 9, 7), (2.0, 1.5, 4.0), (-7, -5, -12)), rigid((0, 0, 0), (0.7, -1.3, 2.1))),
    "oblique": (grid((8, 9, 7), (2.0, 1.5, 4.0), (-4, -9, -10), (20, -35, 15)), rigid((9, 5, -12), (2, -1, 0.5))),
    "far larger voxels": (grid((8, 9, 7), (6.0, 6.0, 9.0), (-25, -20, -30)), rigid((3, 2, 1), (0, 0, 0))),
    "sheared": (Geometry((8, 9, 7), [[2, 0, 0, -8], [0, 2, 1.2, -9], [0, 0, 3, -8], [0, 0, 0, 1.0]]), np.eye(4)),
}


@pytest.mark.parametrize("case", CASES)
def test_it_equals_the_slow_trilinear_version(case):
    geometry, transform = CASES[case]
    moving = volume(NOISE, geometry, slope=np.full(7, 0.5), intercept=np.full(7, -100.0))
    onto = grid((11, 10, 9), (1.7, 1.9, 2.3), (-9, -8, -11), (-5, 8, 3))
    resampled = resample(moving, onto, transform)
    values, inside = trilinear(moving, onto, transform)
    assert inside.any()
    np.testing.assert_array_equal(resampled.inside, inside)
    np.testing.assert_allclose(resampled.values, values, atol=2e-3)
    assert resampled.values.dtype == np.float32


def test_each_slice_keeps_its_own_slope_and_intercept():
    moving = volume(NOISE, grid((8, 9, 7)), slope=np.linspace(0.1, 3, 7), intercept=np.linspace(-9, 9, 7))
    onto = grid((5, 5, 9), origin=(1.5, 1.5, -0.25), spacing=(1, 1, 0.7))
    values, inside = trilinear(moving, onto, np.eye(4))
    resampled = resample(moving, onto, np.eye(4))
    np.testing.assert_allclose(resampled.values, values, rtol=1e-5, atol=1e-2)
    np.testing.assert_array_equal(resampled.inside, inside)


def test_a_pixel_that_any_padded_voxel_contributes_to_is_outside():
    valid = np.random.default_rng(1).random(NOISE.shape) > 0.1
    moving = volume(NOISE, grid((8, 9, 7)), valid=valid)
    for transform in (np.eye(4), rigid((4, 5, 6), (0.3, 0.2, 0.1))):  # on the grid no neighbour contributes
        values, inside = trilinear(moving, moving.geometry, transform)
        resampled = resample(moving, moving.geometry, transform)
        np.testing.assert_array_equal(resampled.inside, inside)
        np.testing.assert_allclose(resampled.values, values, atol=1e-2)


def test_values_that_are_not_finite_are_outside_and_spoil_no_other_voxel():
    data = np.ones((5, 5, 5), dtype=np.float32)
    data[2, 2, 2] = np.nan
    resampled = resample(volume(data, grid((5, 5, 5))), grid((5, 5, 5), origin=(0.5, 0, 0)), np.eye(4))
    expected = np.ones((5, 5, 5), dtype=bool)
    expected[2, 2, 1] = expected[2, 2, 2] = False
    np.testing.assert_array_equal(resampled.inside, expected)
    np.testing.assert_array_equal(resampled.values, expected.astype(np.float32))


def test_the_field_of_view_ends_half_a_voxel_beyond_the_outer_centres():
    moving = volume(np.full((4, 4, 4), 7, dtype=np.int16), grid((4, 4, 4), (4.0, 4.0, 4.0)))
    onto = grid((23, 1, 1), origin=(-4, 6, 6))  # x = -4 .. 18 mm; the voxels cover -2 .. 14
    resampled = resample(moving, onto, np.eye(4))
    x = np.arange(-4, 19)
    np.testing.assert_array_equal(resampled.inside[0, 0], (x >= -2) & (x <= 14))
    np.testing.assert_array_equal(resampled.values[0, 0], np.where(resampled.inside[0, 0], 7, 0))


def test_the_transform_takes_fixed_points_to_moving_points():
    # a single bright voxel at moving (20, 10, 5); a turn and a shift that do not commute decide where it is seen
    data = np.zeros((32, 32, 32), dtype=np.uint8)
    data[5, 10, 20] = 100
    moving = volume(data, grid((32, 32, 32)))
    turn = rigid((0, 0, 90), (0, 0, 0))  # (x, y) -> (-y, x)
    shift = rigid((0, 0, 0), (30, 0, 0))
    resampled = resample(moving, grid((40, 40, 40)), shift @ turn)  # (30 - y, x, z) = (20, 10, 5): p = (10, 10, 5)
    assert np.argwhere(resampled.values > 50).tolist() == [[5, 10, 10]]
    resampled = resample(
        moving, grid((40, 40, 40), origin=(-20, -20, 0)), turn @ shift
    )  # (-y, x + 30) : p = (-20, -20, 5)
    assert np.argwhere(resampled.values > 50).tolist() == [[5, 0, 0]]


@pytest.mark.parametrize("case", CASES)
def test_one_slice_equals_the_same_slice_of_the_volume(case):
    geometry, transform = CASES[case]
    moving = volume(NOISE, geometry, slope=np.linspace(0.5, 2, 7), valid=NOISE > -450)
    onto = grid((11, 10, 9), (1.7, 1.9, 2.3), (-9, -8, -11), (-5, 8, 3))
    whole = resample(moving, onto, transform)
    held = Resampler(moving, onto)
    for k in range(9):
        for resampled in (resample_slice(moving, onto, k, transform), held.slice(k, transform)):
            assert resampled.values.shape == (1, 10, 11)
            np.testing.assert_array_equal(resampled.inside[0], whole.inside[k])
            np.testing.assert_allclose(resampled.values[0], whole.values[k], atol=1e-2)


def test_a_moving_image_of_one_slice_covers_its_thickness_only():
    moving = volume(np.full((1, 6, 6), 3, dtype=np.int16), grid((6, 6, 1), (1, 1, 5.0), (0, 0, 10)))
    resampled = resample(moving, grid((6, 6, 30)), np.eye(4))
    covered = [k for k in range(30) if resampled.inside[k].all()]
    assert covered == [8, 9, 10, 11, 12]  # 7.5 to 12.5 mm
    assert not resampled.inside[:8].any()
    assert (resampled.values[8:13] == 3).all()


def test_a_moving_volume_elsewhere_leaves_nothing_inside():
    moving = volume(NOISE, grid((8, 9, 7)))
    resampled = resample(moving, grid((4, 4, 4), origin=(500, 0, 0)), np.eye(4))
    assert not resampled.inside.any()
    assert not resampled.values.any()


def test_big_endian_and_boolean_voxels_are_read():
    for stored in (NOISE.astype(">i2"), NOISE > 0, NOISE.astype(np.float16)):
        resampled = resample(volume(stored, grid((8, 9, 7))), grid((8, 9, 7)), np.eye(4))
        np.testing.assert_allclose(resampled.values, stored.astype(np.float32))


def test_a_picture_and_a_volume_are_kept_apart():
    picture = volume(np.zeros((1, 4, 4), dtype=np.uint8), grid((4, 4, 1), in_mm=False))
    with pytest.raises(RegistrationError, match="picture"):
        resample(picture, grid((4, 4, 4)), np.eye(4))
    with pytest.raises(RegistrationError, match="picture"):
        resample_slice(picture, grid((4, 4, 4)), 0, np.eye(4))


def test_cancel_leaves_from_between_two_slabs():
    moving = volume(NOISE, grid((8, 9, 7)))
    reports = []

    def progress(fraction, message=""):
        reports.append(fraction)
        if len(reports) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        resample(moving, grid((256, 256, 256)), np.eye(4), progress)
    assert reports == sorted(reports)


def test_progress_is_called_often_enough_for_cancel_to_answer_at_once():
    moving = volume(np.zeros((64, 64, 64), dtype=np.int16), grid((64, 64, 64), (2, 2, 2)))
    done = []
    transform = rigid((3, 4, 5), (1, 2, 3))
    resample(moving, grid((160, 160, 160)), transform, lambda fraction, message="": done.append(fraction))
    assert np.diff([*done, 1.0]).max() * 160**3 <= 1_000_000  # voxels, some 20 to 40 ms


def test_a_slab_has_the_positions_of_the_whole():
    whole = grid((3, 4, 9), (1, 2, 3), (5, 6, 7), (10, 20, 30))
    slab = slab_geometry(whole, 4, 7)
    assert slab.size == (3, 4, 3)
    np.testing.assert_allclose(slab.to_lps((1, 2, 0)), whole.to_lps((1, 2, 4)))
