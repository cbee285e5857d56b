"""Whose colours a fusion has."""

from __future__ import annotations

import numpy as np
import pytest

from app.view.fused_pixels import own_colours
from tests.scenes import volume

DRAW = np.random.default_rng(0)
COLOUR = DRAW.integers(0, 256, (1, 4, 5, 3), dtype=np.uint8)
GREY = np.repeat(COLOUR[..., :1], 3, axis=-1)


def picture(modality="", rgb=None):
    return volume(np.zeros((1, 4, 5), np.uint8), modality=modality, in_mm=False, rgb=rgb)


@pytest.mark.parametrize("rgb", [None, GREY])
def test_grey_pictures_lend_none_however_they_are_stored(rgb):
    assert own_colours(picture(rgb=rgb), picture(rgb=rgb)) is None


def test_a_partners_colours_come_first():
    mri, partner = picture(rgb=COLOUR), picture(rgb=COLOUR)
    assert own_colours(mri, partner) is partner
    assert own_colours(mri, picture(rgb=GREY)) is mri


def test_a_visible_picture_keeps_its_colours_beside_an_infrared_one():
    visible, infrared = picture("XC", COLOUR), picture("TG", COLOUR)
    assert own_colours(visible, infrared) is visible
    assert own_colours(picture("XC", GREY), infrared) is infrared
