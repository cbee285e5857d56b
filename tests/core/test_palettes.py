"""The tables against their sources, and what each palette makes of a fused picture."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.pixels.processing import apply_color_lut

from app import export
from app.base import settings
from app.base.errors import AppError
from app.cli.parser import parse
from app.core.palettes import (
    PALETTES,
    Palette,
    UnknownPaletteError,
    fused_colours,
    palette,
)
from tests.export.studies import study

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
def test_no_uptake_leaves_the_fused_grey_in_every_palette(name):
    np.testing.assert_array_equal(fused_colours(name)[:, 0], np.stack([RAMP] * 3, axis=1))


@pytest.mark.parametrize("name", ["Grey", "Inverted Grey"])
def test_a_palette_without_colour_shows_the_fused_grey(name):
    np.testing.assert_array_equal(fused_colours(name)[RAMP, RAMP[::-1]], np.stack([RAMP] * 3, axis=1))


def test_the_hottest_of_hot_iron_is_yellow_on_black_and_on_white():
    red, green, blue = fused_colours("Hot Iron")[[0, 128, 255], 255].astype(int).T
    assert (red > green).all()
    assert (green > 0.7 * red).all()
    np.testing.assert_array_equal(blue, 0)


def test_a_palette_that_states_no_form_gets_that_of_its_own_hues(monkeypatch):
    greens = np.stack([RAMP // 4, RAMP, RAMP // 4], axis=1)
    monkeypatch.setitem(PALETTES, "Greens", Palette("Greens", greens.copy))
    palette.cache_clear()
    red, green, blue = fused_colours("Greens")[128, 200].astype(int)
    assert green > red + 30
    assert green > blue + 30
    palette.cache_clear()


def test_a_palettes_table_is_made_once():
    # a picture is lookups alone: `tests/bench/scroll.py` times them
    assert fused_colours("Hot Iron") is fused_colours("Hot Iron")


RUST = Palette("Rust", lambda: np.stack([RAMP, RAMP // 2, RAMP // 8], axis=1))


@pytest.fixture
def rust(monkeypatch):
    monkeypatch.setitem(PALETTES, "Rust", RUST)
    yield
    palette.cache_clear()


def test_a_palette_added_to_the_list_is_a_choice_of_the_command_line(rust, capsys):
    words = ["fuse", "a", "b", "--network", "x", "--out", "o", "--palette"]
    assert parse([*words, "Rust"]).palette == "Rust"
    with pytest.raises(UnknownPaletteError, match="no palette 'Dust'") as refused:
        parse([*words, "Dust"])
    assert "Cividis, Rust" in refused.value.hint
    with pytest.raises(SystemExit):
        parse(["fuse", "--help"])
    assert "Cividis, Rust" in " ".join(capsys.readouterr().out.split())


def test_a_palette_added_to_the_list_may_be_kept_as_a_setting(rust, tmp_path):
    kept = settings.Settings(palettes={"PT": "Rust"})
    settings.save(kept, tmp_path)
    assert settings.load(tmp_path, choices={"palettes": PALETTES}) == (kept, "")


def test_a_palette_added_to_the_list_colours_an_exported_picture(rust, tmp_path):
    pair = study(tmp_path / "pair")
    (path,) = export.write(pair, tmp_path, formats=("png",), slices=(2,), palette="Rust", switches=("plain",))
    with Image.open(path) as picture:
        red, _, blue = np.asarray(picture.convert("RGB"), dtype=int).transpose(2, 0, 1)
    assert (red - blue).max() > 40
