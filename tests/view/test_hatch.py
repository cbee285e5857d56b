"""Lines where there is no data, checked pixel by pixel against the plainest way to draw them."""

from __future__ import annotations

import numpy as np

from app.view.colours import packed, rgb
from app.view.hatch import hatched
from app.view.memo import Memo
from app.view.picture import PartnerSlice

DRAW = np.random.default_rng(1)


def test_lines_lie_on_the_mri_and_touch_nothing_inside():
    pixels, mri = (DRAW.integers(0, 256, (20, 31, 3), dtype=np.uint8) for _ in range(2))
    inside = DRAW.random((20, 31)) < 0.5
    partner = PartnerSlice(np.zeros(inside.shape, np.float32), inside)
    shown, has_lines = hatched(packed(pixels), partner, packed(mri), Memo())
    assert has_lines
    expected = pixels.astype(int)
    for row, column in np.argwhere(~inside):
        under = mri[row, column].astype(int)
        expected[row, column] = under // 2 + 0x38 if (row + column) % 7 == 0 else under
    np.testing.assert_array_equal(rgb(shown), expected)


def test_without_an_mri_the_ground_is_dark_and_the_lines_are_grey():
    partner = PartnerSlice(np.zeros((14, 14), np.float32), np.zeros((14, 14), bool))
    shown, _ = hatched(packed(np.full((14, 14, 3), 200, np.uint8)), partner, None, Memo())
    assert sorted(np.unique(rgb(shown))) == [0x10, 0x40]


def test_a_covered_slice_is_left_as_it_is():
    pixels = packed(np.zeros((4, 4, 3), np.uint8))
    shown, has_lines = hatched(pixels, PartnerSlice(np.zeros((4, 4)), np.ones((4, 4), bool)), None, Memo())
    assert shown is pixels
    assert not has_lines
