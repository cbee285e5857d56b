"""Pixels of every role, exactly, on volumes small enough to know by heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.alignment import Aligned
from app.case.document import Case
from app.core.palettes import fused_colours, palette
from app.view.colours import rgb
from app.view.compose import compose
from app.view.memo import Memo
from app.view.picture import Blank, Note, PartnerSlice
from app.view.state import ViewState, at_slice
from tests.scenes import BERT, fused, head, pair, registered, shown, volume

GREY = {"mri_window": (127.5, 255), "partner_window": (0.5, 1.0), "palette": "Hot Iron", "palette_alone": "Grey"}


@pytest.fixture
def small():
    """A 4 x 3 x 2 float MRI of levels 0, 10, 20, ... and a partner of 0 to 1 on its grid; the last column has none."""
    mri = volume(np.arange(24, dtype=np.float32).reshape(2, 3, 4) * 10)
    partner = volume((np.arange(24).reshape(2, 3, 4) / 23).astype(np.float32), modality="PT", unit="SUVbw")
    registration = registered()
    inside = np.ones((2, 3, 4), bool)
    inside[..., 3] = False
    aligned = Aligned(mri, partner, registration, np.where(inside, partner.stored, 0).astype(np.float32), inside)
    case = Case().having(mri=mri, partner=partner).having(registration=registration, aligned=aligned)
    return shown(case, **GREY), ViewState(**at_slice(ViewState(), mri.geometry, 1))


def test_the_mri_is_shown_through_its_window(small):
    case, state = small
    picture = compose(state, case, "mri")
    np.testing.assert_array_equal(rgb(picture.pixels)[..., 1], case.mri.stored[1])
    assert (picture.index, picture.kind, picture.blank) == (1, "mri", None)


def test_inversion_is_display_only(small):
    case, state = small
    inverted = rgb(compose(state, shown(case, mri_inverted=True), "mri").pixels)[..., 0]
    np.testing.assert_array_equal(inverted, 255 - case.mri.stored[1])


def test_what_the_header_inverts_is_inverted_until_the_reader_turns_it_round(small):
    case, state = small
    case = shown(Case().having(mri=replace(case.mri, inverted=True)), **GREY)
    np.testing.assert_array_equal(rgb(compose(state, case, "mri").pixels)[..., 0], 255 - case.mri.stored[1])
    back = rgb(compose(state, shown(case, mri_inverted=True), "mri").pixels)[..., 0]
    np.testing.assert_array_equal(back, case.mri.stored[1])


def test_overlay_0_is_exactly_the_mri_and_1_exactly_the_partner(small):
    case, state = small
    mri = rgb(compose(state, case, "mri").pixels)
    at_0 = rgb(compose(replace(state, overlay=0.0), case, "fused").pixels)
    np.testing.assert_array_equal(at_0, mri)
    at_1 = rgb(compose(replace(state, overlay=1.0), case, "fused").pixels)
    levels = np.floor(case.aligned.values[1] * 255 + 0.5).astype(int)
    np.testing.assert_array_equal(at_1[:, :3], palette("Hot Iron")[levels[:, :3]])


def test_the_overlay_is_linear_between(small):
    case, state = small
    mri = rgb(compose(state, case, "mri").pixels).astype(float)
    partner = rgb(compose(replace(state, overlay=1.0), case, "fused").pixels).astype(float)
    for overlay in (0.25, 0.5, 0.75):
        mixed = rgb(compose(replace(state, overlay=overlay), case, "fused").pixels)
        expected = np.floor(mri * (1 - overlay) + partner * overlay + 0.5)
        np.testing.assert_array_equal(mixed[:, :3], expected[:, :3])


def test_outside_the_partners_field_of_view_the_mri_is_shown_with_lines_and_never_no_uptake(small):
    case, state = small
    for overlay in (0.3, 1.0):
        picture = compose(replace(state, overlay=overlay), case, "fused")
        assert picture.hatched
        outside = rgb(picture.pixels)[:, 3]
        mri = rgb(compose(state, case, "mri").pixels)[:, 3]
        on_line = [(row + 3) % 7 == 0 for row in range(3)]
        np.testing.assert_array_equal(outside[~np.array(on_line)], mri[~np.array(on_line)])
    alone = compose(state, case, "partner")
    assert alone.hatched
    assert alone.notes == (Note.RESAMPLED,)


def test_the_partners_own_pane_uses_its_own_palette(small):
    case, state = small
    pixels = rgb(compose(state, shown(case, palette_alone="Inverted Grey"), "partner").pixels)
    levels = np.floor(case.aligned.values[1] * 255 + 0.5)
    np.testing.assert_array_equal(pixels[:, :3, 0], 255 - levels[:, :3])


def test_holding_the_key_shows_the_mri_whatever_the_sliders_say(small):
    case, state = small
    held = compose(replace(state, overlay=1.0, fusion=1.0, hold_mri=True), case, "fused")
    np.testing.assert_array_equal(held.pixels, compose(state, case, "mri").pixels)


def test_a_fusion_shows_the_networks_grey_and_the_uptake_as_colour(small):
    case, state = small
    luma = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 3, 4)
    stack = fused(case.aligned, luma)
    case = case.having(stack=stack)
    pixels = rgb(compose(replace(state, fusion=1.0), case, "fused").pixels)
    fused_level, partner_level = (np.floor(unit * 255 + 0.5) for unit in (luma[1], case.aligned.values[1] / 10))
    expected = fused_colours("Hot Iron")[fused_level.astype(int), partner_level.astype(int)]
    np.testing.assert_array_equal(pixels[:, :3], expected[:, :3])


def test_the_fusion_slider_goes_linearly_from_overlay_to_fusion(small):
    case, state = small
    case = case.having(stack=fused(case.aligned, np.full((2, 3, 4), 0.5, np.float32)))
    plain = rgb(compose(state, case, "fused").pixels).astype(float)
    whole = rgb(compose(replace(state, fusion=1.0), case, "fused").pixels).astype(float)
    mixed = rgb(compose(replace(state, fusion=0.5), case, "fused").pixels)
    np.testing.assert_array_equal(mixed[:, :3], np.floor(plain * 0.5 + whole * 0.5 + 0.5)[:, :3])


def test_a_display_window_does_not_touch_the_fusion(small):
    case, state = small
    case = case.having(stack=fused(case.aligned, np.full((2, 3, 4), 0.5, np.float32)))
    first = compose(replace(state, fusion=1.0), case, "fused").pixels
    other = compose(replace(state, fusion=1.0), shown(case, partner_window=(9.0, 3.0)), "fused").pixels
    np.testing.assert_array_equal(first[:, :3], other[:, :3])


def test_a_slice_not_fused_yet_shows_the_overlay_and_says_so(small):
    case, state = small
    plain = compose(replace(state, fusion=0.0), case, "fused").pixels
    picture = compose(replace(state, fusion=1.0), case, "fused")
    np.testing.assert_array_equal(picture.pixels, plain)
    assert (picture.kind, Note.NOT_FUSED in picture.notes) == ("overlay", True)
    done = np.array([True, False])
    case = case.having(stack=fused(case.aligned, np.zeros((2, 3, 4), np.float32), done=done))
    picture = compose(replace(state, fusion=0.3), case, "fused")
    np.testing.assert_array_equal(picture.pixels, plain)  # no share of a picture that is not there
    assert Note.NOT_FUSED in picture.notes
    done[1] = True
    picture = compose(replace(state, fusion=0.3), case, "fused")
    assert (picture.kind, Note.NOT_FUSED in picture.notes) == ("fusion", False)


def test_a_plane_across_the_slices_waits_for_all_of_them(small):
    case, state = small
    done = np.array([True, False])
    case = case.having(stack=fused(case.aligned, np.zeros((2, 3, 4), np.float32), done=done))
    picture = compose(replace(state, fusion=1.0), case, "fused", axis=0)
    assert (picture.kind, picture.done, picture.slices) == ("overlay", 1, 2)
    done[:] = True
    assert compose(replace(state, fusion=1.0), case, "fused", axis=0).kind == "fusion"


def test_nothing_old_survives_a_change_with_a_shared_memo(small):
    case, state = small
    case, memo = shown(case, palette="Grey"), Memo()
    first = case.having(stack=fused(case.aligned, np.zeros((2, 3, 4), np.float32)))
    second = case.having(stack=fused(case.aligned, np.ones((2, 3, 4), np.float32)))
    state = replace(state, fusion=1.0)
    dark = compose(state, first, "fused", memo=memo).pixels
    bright = compose(state, second, "fused", memo=memo).pixels
    assert rgb(dark)[:, :3].max() == 0
    assert rgb(bright)[:, :3].min() == 255
    away = compose(state, first.having(network="maximum"), "fused", memo=memo)
    assert (away.kind, Note.NOT_FUSED in away.notes) == ("overlay", True)


def test_two_patients_are_never_laid_together(small):
    case, state = small
    other = replace(case.partner, series=replace(case.partner.series, patient=BERT))
    case = case.having(partner=other)
    case = case.having(registration=registered())
    picture = compose(state, case, "fused")
    assert picture.pixels is None
    assert picture.blank is Blank.STOPPED
    assert Note.OWN_GRID in compose(state, case, "partner").notes
    confirmed = case.having(different_patients_confirmed=True)
    assert compose(state, confirmed, "fused").blank is not Blank.STOPPED


def test_without_an_alignment_the_partner_is_shown_in_its_own_grid():
    mri, pet = head(32, 24)
    case = Case().having(mri=mri, partner=pet)
    state = ViewState(crosshair_mm=(0, 0, 11.5))
    picture = compose(state, case, "partner")
    assert picture.plane.grid is pet.geometry
    assert picture.index == pet.geometry.size[2] - 1  # as far up as the MRI's slice
    assert picture.notes == (Note.OWN_GRID, Note.NOT_ALIGNED)
    assert compose(state, case, "fused").blank is Blank.NOT_ALIGNED


def test_a_resampler_is_asked_where_there_is_no_aligned_volume():
    mri, pet = head(32, 24)
    case = shown(pair(mri, pet, with_aligned=False), partner_window=(5.0, 10.0))
    asked = []

    def resample(plane, index):
        asked.append((plane.axis, index))
        return PartnerSlice(np.full(plane.shape, 10, np.float32), np.ones(plane.shape, bool))

    state = ViewState(overlay=1.0)
    picture = compose(state, case, "fused", axis=1, resample=resample)
    assert asked == [(1, 16)]
    assert (rgb(picture.pixels) == palette("Hot Iron")[255]).all()
    assert compose(state, case, "fused", resample=lambda plane, index: None).blank is Blank.RESAMPLING


def test_one_series_alone_is_shown_on_its_own_grid():
    _, pet = head(32, 24)
    case = Case().having(partner=pet)
    own = shown(case, palette_alone="Grey", partner_window=(3.0, 6.0))
    picture = compose(ViewState(), own, "partner")
    values = pet.values(picture.index)
    expected = np.floor(np.clip(values / 6, 0, 1).astype(np.float64) * 255 + 0.5)
    assert np.abs(rgb(picture.pixels)[..., 0] - expected).max() <= 1  # a value on the edge of a level
    assert compose(ViewState(layout="overlay"), case, "fused").pixels is not None
    assert compose(ViewState(), case, "mri").blank is Blank.NO_MRI
    assert compose(ViewState(), Case(), "mri").plane is None


def test_each_slice_keeps_its_own_slope_in_every_plane():
    stored = np.full((3, 4, 5), 10, np.uint16)
    pet = volume(stored, modality="PT", unit="SUVbw", slope=[1.0, 2.0, 3.0])
    case = shown(Case().having(partner=pet), palette_alone="Grey", partner_window=(127.5, 255))
    state = ViewState()
    for axis in (0, 1):
        pixels = rgb(compose(state, case, "partner", axis=axis).pixels)[..., 0]
        np.testing.assert_array_equal(pixels, np.repeat([[30], [20], [10]], pixels.shape[1], axis=1))  # superior on top
    for k, expected in ((0, 10), (2, 30)):
        moved = replace(state, **at_slice(state, pet.geometry, k, 2))
        assert (rgb(compose(moved, case, "partner", axis=2).pixels)[..., 0] == expected).all()


def test_colour_pictures_keep_their_colours():
    colour = np.random.default_rng(0).integers(0, 256, (1, 6, 8, 3), dtype=np.uint8)
    grey = np.random.default_rng(1).integers(0, 256, (1, 6, 8), dtype=np.uint8)
    mri = volume(grey, modality="", in_mm=False)
    partner = volume(colour.mean(-1).astype(np.uint8), modality="", in_mm=False, rgb=colour)
    case = shown(pair(mri, partner), mri_window=(127.5, 255), partner_window=(127.5, 255))
    state = ViewState(overlay=1.0)
    np.testing.assert_array_equal(rgb(compose(state, case, "partner").pixels), colour[0])
    np.testing.assert_array_equal(rgb(compose(state, case, "fused").pixels), colour[0])
    half = rgb(compose(replace(state, overlay=0.5), case, "fused").pixels)
    np.testing.assert_array_equal(half, np.floor(colour[0] / 2 + grey[0, ..., None] / 2 + 0.5))
    luma = (colour[0] @ [0.299, 0.587, 0.114] / 255).astype(np.float32)[None]
    case = case.having(stack=fused(case.aligned, luma))
    same = rgb(compose(replace(state, fusion=1.0), case, "fused").pixels).astype(int)
    assert np.abs(same - colour[0]).max() <= 1  # its own luma put back gives the picture


def test_interpolated_slices_are_marked():
    mri = volume(np.zeros((3, 4, 4), np.int16), interpolated=np.array([False, True, False]))
    case = shown(Case().having(mri=mri), mri_window=(0, 10))
    state = ViewState()
    assert compose(state, case, "mri").notes == (Note.INTERPOLATED,)
    first = replace(state, **at_slice(state, mri.geometry, 0))
    assert compose(first, case, "mri").notes == ()
    assert compose(state, case, "mri", axis=0).notes == (Note.HOLDS_INTERPOLATED,)


def test_composing_twice_gives_the_same_with_and_without_a_memo():
    mri, pet = head(48, 24)
    case = pair(mri, pet)
    memo = Memo(entries=5)
    rng = np.random.default_rng(3)
    for _ in range(40):
        state = ViewState(overlay=float(rng.random()), crosshair_mm=tuple(rng.uniform(-11, 11, 3)))
        axis, role = int(rng.integers(3)), ("mri", "partner", "fused")[rng.integers(3)]
        one = compose(state, case, role, axis=axis, memo=memo).pixels
        np.testing.assert_array_equal(one, compose(state, case, role, axis=axis).pixels)


def test_around_the_partners_field_of_view_a_fusion_stays_as_it_is_when_the_mri_is_inverted(small):
    case, state = small
    case = case.having(stack=fused(case.aligned, np.full((2, 3, 4), 0.5, np.float32)))
    state = replace(state, fusion=1.0)
    np.testing.assert_array_equal(
        compose(state, shown(case, mri_inverted=True), "fused").pixels, compose(state, case, "fused").pixels
    )


def test_an_empty_pane_says_that_nothing_is_shown():
    assert compose(ViewState(), Case(), "mri").blank is Blank.NOTHING
