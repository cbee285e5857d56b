"""What a reader must be able to rely on in a fused picture's colours, at every fused grey and for every eye."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.fusion_colours import FusionForm, colour_table, form_of, grey_table
from app.core.oklab import JUST_NOTICEABLE, from_srgb
from app.core.palettes import PALETTES, palette
from tests.colour_vision import VISION, apparent_uptake, falls_back

FORMS = {name: entry.form for name, entry in PALETTES.items() if entry.form is not None}
FOR_EVERY_EYE = [name for name, entry in PALETTES.items() if entry.every_eye]
GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


@pytest.mark.parametrize("name", FORMS)
def test_no_uptake_is_the_fused_grey_unchanged(name):
    np.testing.assert_array_equal(colour_table(FORMS[name])[:, 0], GREYS)


@pytest.mark.parametrize("name", FORMS)
def test_the_hottest_keeps_a_full_colour_on_every_grey(name):
    hottest = from_srgb(colour_table(FORMS[name])[:, 255])
    assert np.hypot(hottest[:, 1], hottest[:, 2]).min() > 5 * JUST_NOTICEABLE
    # at the edge of what sRGB can show: a channel is empty or full
    rgb = colour_table(FORMS[name])[:, 255].astype(int)
    assert ((rgb.min(axis=1) <= 12) | (rgb.max(axis=1) >= 254)).all()


@pytest.mark.parametrize("name", FORMS)
def test_more_uptake_never_looks_like_less(name):
    assert falls_back(colour_table(FORMS[name]), "normal") < JUST_NOTICEABLE / 5  # rounding to 8 bits


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", FOR_EVERY_EYE)
def test_palettes_for_every_eye_keep_the_order_of_uptake(name, vision):
    table = colour_table(FORMS[name])
    assert falls_back(table, vision) < JUST_NOTICEABLE
    apparent = apparent_uptake(table, vision)
    assert apparent[:, 255].min() > 3 * JUST_NOTICEABLE
    assert (apparent[:, 128] > JUST_NOTICEABLE).all()


@pytest.mark.parametrize("name", [name for name in FORMS if name not in FOR_EVERY_EYE])
def test_the_other_palettes_are_known_to_fail_some_eye(name):
    assert max(falls_back(colour_table(FORMS[name]), vision) for vision in VISION) > JUST_NOTICEABLE


@pytest.mark.parametrize("name", FORMS)
def test_brighter_fused_is_never_darker_on_screen(name):
    lightness = from_srgb(colour_table(FORMS[name]))[..., 0]
    assert np.diff(lightness, axis=0).min() > -0.004  # rounding to 8 bits
    assert (lightness[255] - lightness[0]).min() > 0.3  # the band at full uptake


@pytest.mark.parametrize("name", FORMS)
def test_two_places_that_differ_in_grey_or_uptake_differ_in_colour(name):
    lab = from_srgb(colour_table(FORMS[name]))
    places = lab[32::32, ::32].reshape(-1, 3)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert apart[~np.eye(len(places), dtype=bool)].min() > JUST_NOTICEABLE / 2


def test_hues_are_those_asked_for():
    table = colour_table(FusionForm(((0, 30), (1, 90))))
    _, a, b = from_srgb(table[128]).T
    hue = np.degrees(np.arctan2(b, a))
    for uptake in (64, 128, 255):
        assert hue[uptake] == pytest.approx(30 + 60 * uptake / 255, abs=2)


def test_a_palette_in_steps_has_as_many_hues_and_still_grows_evenly():
    _, a, b = from_srgb(colour_table(FusionForm(((0, 265), (1, 29)), steps=20))[128]).T
    hue, chroma = np.degrees(np.arctan2(b, a)) % 360, np.hypot(a, b)
    turns = 65 + np.flatnonzero(np.abs(np.diff(hue[64:])) > 5)  # before that there is too little colour for a sure hue
    np.testing.assert_array_equal(turns, np.ceil(np.arange(6, 20) * 12.8))
    assert (np.diff(chroma[::16]) > 0).all()


def test_a_palette_gives_its_own_hues_where_none_are_stated():
    form = form_of(palette("Hot Iron"))
    assert form is not None
    places, degrees = zip(*form.hues, strict=True)
    assert places[0] == 0
    assert places[-1] == 1
    np.testing.assert_allclose(degrees[:5], 29.2, atol=0.5)  # pure red up to the middle
    assert 45 < degrees[6] < 60  # orange at three quarters
    assert form_of(palette("Grey")) is None


def test_hues_are_followed_through_the_turn_of_the_circle():
    angle = np.radians(np.linspace(300, 420, 256))  # through red, where degrees begin again
    rgb = np.rint(127.5 + 60 * np.stack([np.cos(angle), np.cos(angle - 2.1), np.cos(angle + 2.1)], axis=1))
    form = form_of(rgb.astype(np.uint8))
    assert form is not None
    degrees = np.array([degree for _, degree in form.hues])
    assert np.abs(np.diff(degrees)).max() < 60


def test_a_table_is_made_once_and_cannot_be_written_to():
    table = colour_table(FORMS["Hot Iron"])
    assert table is colour_table(FORMS["Hot Iron"])
    assert (table.shape, table.dtype, table.flags.writeable) == ((256, 256, 3), np.uint8, False)


def test_a_palette_without_colour_leaves_the_fused_grey():
    np.testing.assert_array_equal(grey_table(), np.repeat(GREYS[:, None], 256, axis=1))
    assert not grey_table().flags.writeable
