"""Slices of a volume as levels and colours, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.palettes import palette
from app.core.planes import plane_of
from app.view.colours import rgb
from app.view.memo import Memo
from app.view.picture import Note
from app.view.slices import interpolated, native_levels, native_pixels, rgb_pixels
from tests.scenes import volume

FULL = (127.5, 255.0)  # values 0 to 255 as they are


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_slice_has_its_own_slope_and_intercept_in_every_plane(axis):
    stored = np.random.default_rng(0).integers(0, 60, (3, 4, 5)).astype(np.float32)
    given = volume(stored, slope=[1.0, 2.0, 3.0], intercept=[5.0, 0.0, 7.0])
    values = stored * np.array([1, 2, 3])[:, None, None] + np.array([5, 0, 7])[:, None, None]
    plane = plane_of(given.geometry, axis)
    np.testing.assert_array_equal(native_levels(given, plane, 1, FULL, Memo()), plane.take(values, 1))


def test_a_slice_is_shown_in_its_palette_and_a_colour_picture_in_its_own():
    grey = np.arange(12, dtype=np.uint8).reshape(1, 3, 4) * 20
    plain = volume(grey, in_mm=False)
    plane = plane_of(plain.geometry, 2)
    shown = rgb(native_pixels(plain, plane, 0, FULL, "PET", True, Memo()))
    np.testing.assert_array_equal(shown, palette("PET")[255 - grey[0].astype(int)])
    colour = np.random.default_rng(1).integers(0, 256, (1, 3, 4, 3), dtype=np.uint8)
    picture = volume(grey, in_mm=False, rgb=colour)
    for pixels in (
        native_pixels(picture, plane, 0, FULL, "PET", True, Memo()),
        rgb_pixels(picture, plane, 0, Memo()),
    ):
        np.testing.assert_array_equal(rgb(pixels), colour[0])


def test_a_slice_seen_again_is_not_worked_out_again():
    given, memo = volume(np.zeros((2, 3, 4), np.int16)), Memo()
    plane = plane_of(given.geometry, 2)
    first = native_levels(given, plane, 1, FULL, memo)
    assert native_levels(given, plane, 1, FULL, memo) is first
    assert native_levels(given, plane, 0, FULL, memo) is not first
    assert native_levels(given, plane, 1, (10.0, 20.0), memo) is not first


def test_slices_that_fill_gaps_are_noted_where_they_are_seen():
    given = volume(np.zeros((3, 4, 5), np.int16), interpolated=np.array([False, True, False]))
    axial, coronal = plane_of(given.geometry, 2), plane_of(given.geometry, 1)
    assert interpolated(given, axial, 1) == (Note.INTERPOLATED,)
    assert interpolated(given, axial, 0) == ()
    assert interpolated(given, coronal, 0) == (Note.HOLDS_INTERPOLATED,)
    assert interpolated(volume(np.zeros((3, 4, 5), np.int16)), coronal, 0) == ()
