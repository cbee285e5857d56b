"""What a picture and a region must be, and which windows lie inside a region."""

from __future__ import annotations

import numpy as np
import pytest

from app.metrics.image_checks import ImageShapeError, ImageValueError, as_picture, picked, same_shape, windows_inside
from tests.metrics.pictures import DISC, SHAPE, X


def test_a_window_is_inside_where_all_its_pixels_are():
    whole = windows_inside(DISC, SHAPE, 3, 3)
    for y, x in np.random.default_rng(1).integers(1, 89, (200, 2)):
        assert whole[y, x] == DISC[y - 1 : y + 2, x - 1 : x + 2].all()


def test_the_picture_s_own_border_is_no_border_of_the_region():
    inside = X < 60
    assert windows_inside(inside, SHAPE, 3, 3)[0, 0]
    assert not windows_inside(inside, SHAPE, 3, 3)[0, 59]


def test_colour_becomes_rounded_luma():
    rgb = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    luma = [[round(0.299 * r + 0.587 * g + 0.114 * b) for r, g, b in row] for row in rgb.tolist()]
    np.testing.assert_array_equal(as_picture(rgb), luma)


@pytest.mark.parametrize(
    ("pixels", "error"),
    [
        (np.zeros((2, 2, 4), np.uint8), ImageShapeError),
        (np.zeros((0, 3), np.uint8), ImageShapeError),
        (np.full((2, 2), 0.5), ImageValueError),
        (np.full((2, 2), 256), ImageValueError),
        (np.full((2, 2), True), ImageValueError),
    ],
)
def test_what_is_no_8_bit_picture_is_named_and_refused(pixels, error):
    with pytest.raises(error, match="the map"):
        as_picture(pixels, "the map")


def test_sizes_that_differ_are_both_named():
    with pytest.raises(ImageShapeError, match=r"4 x 3 and 5 x 3"):
        same_shape(np.zeros((3, 4)), np.zeros((3, 5)), np.zeros((3, 4)))


def test_without_a_region_all_pixels_are_picked_row_by_row():
    image = np.array([[1.0, 2], [3, 4]])
    np.testing.assert_array_equal(picked(image, None), [1, 2, 3, 4])
    np.testing.assert_array_equal(picked(image, np.array([[False, True], [True, False]])), [2, 3])
