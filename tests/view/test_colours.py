"""Tables against slow, obvious versions."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.palettes import PALETTES, palette
from app.view import colours as c


def test_levels_follow_dicoms_linear_exact_window():
    values = np.array([-10.0, 0.0, 5.0, 10.0, 20.0, np.nan, np.inf, -np.inf], np.float32)
    np.testing.assert_array_equal(c.levels(values, (5, 10)), [0, 0, 128, 255, 255, 0, 255, 0])
    np.testing.assert_array_equal(c.levels(np.array([3e38, -3e38], np.float32), (0, 0.01)), [255, 0])


def test_levels_follow_dicoms_linear_window_for_whole_numbers():
    # PS3.3 C.11.2.1.2.1, its own example: c = 2048, w = 4096 shows 0 as 0 and 4095 as 255
    values = np.array([-1, 0, 4095, 4096], np.int16)
    np.testing.assert_array_equal(c.levels(values, (2048, 4096), linear=True), [0, 0, 255, 255])
    x = np.arange(0, 4096, 37)
    expected = np.floor(((x - 2047.5) / 4095 + 0.5) * 255 + 0.5)
    np.testing.assert_array_equal(c.levels(x.astype(np.int16), (2048, 4096), linear=True), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
def test_a_table_gives_what_arithmetic_gives(dtype):
    info = np.iinfo(dtype)
    stored = np.random.default_rng(0).integers(info.min, info.max, (40, 50), dtype=dtype, endpoint=True)
    window = (10.0, 0.4 * (int(info.max) - int(info.min)))
    expected = c.levels(stored * 1.5 - 3, window)
    np.testing.assert_array_equal(c.stored_levels(stored, 1.5, -3, window), expected)
    np.testing.assert_array_equal(c.stored_levels(stored.T[::-1], 1.5, -3, window), expected.T[::-1])


@pytest.mark.parametrize("dtype", [">i2", np.int32, np.float32, np.float64])
def test_types_without_a_table_are_computed(dtype):
    stored = np.array([[-100, 0, 40], [80, 100, 3000]]).astype(dtype)
    np.testing.assert_array_equal(c.stored_levels(stored, 1, 0, (40, 80)), [[0, 0, 128], [255, 255, 255]])


def test_pixels_pack_and_unpack():
    values = np.random.default_rng(1).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    pixels = c.packed(values)
    np.testing.assert_array_equal(c.rgb(pixels), values)
    assert (pixels >> 24 == 255).all()


@pytest.mark.parametrize("name", PALETTES)
def test_colours_are_the_palettes(name):
    np.testing.assert_array_equal(c.rgb(c.colours(name)), palette(name))
    np.testing.assert_array_equal(c.rgb(c.colours(name, True)), palette(name)[::-1])


def test_a_blend_is_linear_in_display_levels_and_exact_at_its_ends():
    rng = np.random.default_rng(2)
    a, b = (rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(2))
    first, second = c.packed(a), c.packed(b)
    np.testing.assert_array_equal(c.blend(first, second, 0), first)
    np.testing.assert_array_equal(c.blend(first, second, 1), second)
    for step in range(1, 256, 17):
        share = step / 256
        slow = np.floor(a * (1 - share) + b * share + 0.5)
        np.testing.assert_array_equal(c.rgb(c.blend(first, second, share)), slow)
        assert (c.blend(first, second, share) >> 24 == 255).all()


def test_looking_up_two_slices_together():
    a, b = np.array([[1, 255]], np.uint8), np.array([[2, 0]], np.uint8)
    np.testing.assert_array_equal(c.joint(a, b), [[258, 65280]])
    np.testing.assert_array_equal(c.look_up(np.arange(65536), c.joint(a, b)), [[258, 65280]])
