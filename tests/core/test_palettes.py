"""The tables against their sources, and the promise that a palette lends colour but never brightness."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from pydicom.pixels.processing import apply_color_lut

from app.base.errors import AppError
from app.core.palettes import PALETTES, chroma_table, palette

LUMA = np.array([0.299, 0.587, 0.114])
RAMP = np.arange(256, dtype=np.uint8)


def test_the_list_is_what_readers_are_offered():
    assert tuple(PALETTES) == ("Grey", "Inverted Grey", "Hot Iron", "PET", "Hot Metal Blue", "PET 20 Step", "Cividis")


@pytest.mark.parametrize("name", [name for name, entry in PALETTES.items() if entry.uid])
def test_the_well_known_palettes_are_those_of_the_standard(name):
    np.testing.assert_array_equal(palette(name), apply_color_lut(RAMP[None], palette=PALETTES[name].uid)[0])


def test_cividis_is_the_published_table():
    spec = find_spec("pyqtgraph")
    published = np.loadtxt(
        Path(spec.origin).parent / "colors" / "maps" / "cividis.csv", delimiter=",", comments=";", encoding="utf-8"
    )
    np.testing.assert_allclose(palette("Cividis") / 255, published, atol=0.5001 / 255)


def test_the_greys():
    np.testing.assert_array_equal(palette("Grey"), np.stack([RAMP] * 3, axis=1))
    np.testing.assert_array_equal(palette("Inverted Grey"), palette("Grey")[::-1])


@pytest.mark.parametrize("name", PALETTES)
def test_a_table_has_256_colours_and_cannot_be_written_to(name):
    lut = palette(name)
    assert (lut.shape, lut.dtype, lut.flags.writeable) == ((256, 3), np.uint8, False)


def test_an_unknown_palette_names_the_known_ones():
    with pytest.raises(AppError) as caught:
        palette("Jet")
    assert "Hot Iron" in caught.value.hint


@pytest.mark.parametrize("name", PALETTES)
def test_the_luma_is_the_fused_grey_for_every_colour(name):
    luma = chroma_table(name) @ LUMA
    assert np.abs(luma - RAMP[:, None]).max() <= 0.5 + 1e-9  # only the rounding of the channels


@pytest.mark.parametrize("name", PALETTES)
def test_brighter_fused_is_never_darker_on_screen(name):
    luma = chroma_table(name).astype(np.float64) @ LUMA
    assert np.diff(luma, axis=0).min() >= 0


@pytest.mark.parametrize("name", PALETTES)
def test_a_fused_grey_equal_to_the_palettes_luma_gives_the_palettes_colour(name):
    lut = palette(name)
    own = np.rint(lut @ LUMA).astype(int)
    found = chroma_table(name)[own, RAMP].astype(int)
    # half a grey level of luma rounding moves a saturated dark colour by a few levels before it is in gamut
    bright = (own > 25) & (own < 230)
    assert np.abs(found - lut)[bright].max() <= 8


def test_the_hue_stays_that_of_the_palette():
    rgb = chroma_table("Hot Iron")[60:200, 128].astype(float)  # the palette is (255, 2, 0) there: red
    assert (rgb[:, 0] > rgb[:, 1] + 50).all()
    assert np.abs(rgb[:, 1] - rgb[:, 2]).max() <= 3


@pytest.mark.parametrize("name", PALETTES)
def test_nothing_fused_is_black_whatever_the_uptake(name):
    assert (chroma_table(name)[0] == 0).all()


@pytest.mark.parametrize("name", ["Grey", "Inverted Grey"])
def test_a_palette_without_colour_shows_the_fused_grey(name):
    np.testing.assert_array_equal(chroma_table(name)[RAMP, RAMP[::-1]], np.stack([RAMP] * 3, axis=1))


def test_a_palettes_table_is_made_once():
    assert chroma_table("Hot Iron") is chroma_table("Hot Iron")
