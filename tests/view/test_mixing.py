"""Tables of two levels against slow, obvious versions, and bars against the pictures that they explain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.palettes import PALETTES, fused_colours, palette
from app.view.colours import rgb
from app.view.mixing import Mix, colour_bar, fusion_table, mix_of, overlay_table
from app.view.state import ViewState
from tests.scenes import head, pair

HALF = Mix("Hot Iron", overlay=0.5)
PLACES = [(0, 0), (255, 255), (10, 200), (200, 10), (128, 128)]


def test_an_overlay_table_holds_every_pair_of_levels():
    table = rgb(overlay_table(Mix("Hot Iron", overlay=0.25))).reshape(256, 256, 3)
    hot = palette("Hot Iron").astype(float)
    for mri, uptake in PLACES:
        np.testing.assert_array_equal(table[mri, uptake], np.floor(0.75 * mri + 0.25 * hot[uptake] + 0.5))


def test_either_side_of_an_overlay_runs_backwards_when_inverted():
    table = rgb(overlay_table(HALF)).reshape(256, 256, 3)
    np.testing.assert_array_equal(
        rgb(overlay_table(replace(HALF, grey_inverted=True))).reshape(256, 256, 3), table[::-1]
    )
    np.testing.assert_array_equal(rgb(overlay_table(replace(HALF, inverted=True))).reshape(256, 256, 3), table[:, ::-1])


@pytest.mark.parametrize("name", PALETTES)
def test_a_fading_overlay_leaves_the_mri_clean_where_there_is_no_uptake(name):
    for share in (0.3, 1.0):
        table = rgb(overlay_table(Mix(name, overlay=share, fading=True))).reshape(256, 256, 3)
        np.testing.assert_array_equal(table[:, 0], np.repeat(np.arange(256)[:, None], 3, axis=1))
        even = rgb(overlay_table(Mix(name, overlay=share))).reshape(256, 256, 3)
        np.testing.assert_array_equal(table[:, 64:], even[:, 64:])  # from a quarter of the scale on as without


def test_a_fading_overlay_grows_evenly():
    table = rgb(overlay_table(Mix("Hot Iron", fading=True))).reshape(256, 256, 3).astype(int)
    # Hot Iron's green and blue are 0 up to the middle: what is left of the MRI's is what shines through
    np.testing.assert_allclose(table[200, [16, 32, 48, 64], 1], [150, 100, 50, 0], atol=1)


@pytest.mark.parametrize("name", PALETTES)
def test_a_fusion_table_holds_the_palettes_colours_of_fused_grey_and_uptake(name):
    np.testing.assert_array_equal(rgb(fusion_table(name)).reshape(256, 256, 3), fused_colours(name))


def test_the_bar_of_a_palette_alone_is_the_palette_highest_on_top():
    np.testing.assert_array_equal(rgb(colour_bar(Mix("PET")))[::-1, 0], palette("PET"))
    np.testing.assert_array_equal(rgb(colour_bar(Mix("PET", inverted=True)))[:, 0], palette("PET"))


@pytest.mark.parametrize(
    "mix",
    [HALF, replace(HALF, fading=True), replace(HALF, grey_inverted=True), Mix("Hot Iron", fusion=1.0)],
)
def test_the_bar_shows_each_uptake_on_each_grey_as_the_picture_does(mix):
    bar = rgb(colour_bar(mix))
    assert bar.shape == (256, 16, 3)
    table = rgb(fusion_table("Hot Iron") if mix.fusion else overlay_table(mix)).reshape(256, 256, 3)
    greys = np.arange(0, 256, 17)[:: -1 if mix.grey_inverted else 1]  # dark at the left
    for column, grey in enumerate(greys):
        np.testing.assert_array_equal(bar[::-1, column], table[grey])


def test_the_bar_of_a_mixture_lies_between_both():
    low, high = (rgb(colour_bar(Mix("Hot Iron", overlay=0.5, fusion=share))).astype(int) for share in (0.0, 1.0))
    half = rgb(colour_bar(Mix("Hot Iron", overlay=0.5, fusion=0.5)))
    np.testing.assert_allclose(half, (low + high) / 2, atol=0.51)


def test_the_mix_is_what_the_reader_set():
    case = pair(*head(32, 24))
    case = case.with_layer(case.partner_uid, palette="PET", fading=True, inverted=True)
    mix = mix_of(ViewState(overlay=0.3333, fusion=0.25), case)
    assert mix == Mix("PET", True, 85 / 256, True, 0.25, False)
    assert mix.on_grey
    assert not Mix("PET").on_grey
