"""OKLab against published values, and the gamut's edge against a slow search."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.oklab import from_linear, from_srgb, largest_chroma, linear_srgb, to_srgb

PUBLISHED = {  # CSS Color Module Level 4: the primaries, and the sample colours of its section on oklab()
    "ff0000": (0.62796, 0.22486, 0.12585),
    "00ff00": (0.86644, -0.23389, 0.17950),
    "0000ff": (0.45201, -0.03246, -0.31153),
    "ffffff": (1.0, 0.0, 0.0),
    "000000": (0.0, 0.0, 0.0),
    "68a639": (0.66016, -0.1084, 0.1114),
}


def rgb_of(text: str) -> np.ndarray:
    return np.array(list(bytes.fromhex(text)), dtype=np.uint8)


@pytest.mark.parametrize("colour", PUBLISHED)
def test_colours_have_their_published_coordinates(colour):
    np.testing.assert_allclose(from_srgb(rgb_of(colour)), PUBLISHED[colour], atol=2e-4)


def test_light_is_srgbs():
    # IEC 61966-2-1: level 10 is on the straight part, 128 on the curve
    np.testing.assert_allclose(linear_srgb(np.uint8([0, 10, 128, 255])), [0, 0.003035, 0.215861, 1], atol=1e-6)
    np.testing.assert_allclose(from_linear(np.array([0.2, 0.2, 0.2])), [0.2 ** (1 / 3), 0, 0], atol=1e-6)


def test_every_colour_comes_back():
    rgb = np.random.default_rng(0).integers(0, 256, (20000, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_srgb(from_srgb(rgb)), rgb)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    np.testing.assert_array_equal(to_srgb(from_srgb(greys)), greys)


def test_what_srgb_cannot_show_is_clipped():
    np.testing.assert_array_equal(to_srgb([1.2, 0, 0]), [255, 255, 255])
    np.testing.assert_array_equal(to_srgb([0.62796, 0.3, 0.16])[0], 255)


@pytest.mark.parametrize("colour", ["ff0000", "00ff00", "0000ff", "ff00ff", "ffff00", "00ffff", "ff8000", "0080ff"])
def test_a_colour_on_the_edge_of_srgb_has_the_largest_chroma_of_its_hue(colour):
    lightness, a, b = from_srgb(rgb_of(colour))
    assert largest_chroma(lightness, np.arctan2(b, a)) == pytest.approx(np.hypot(a, b), abs=5e-4)


def test_the_largest_chroma_is_that_of_a_slow_search():
    rng = np.random.default_rng(1)
    for lightness, hue in zip(rng.uniform(0.1, 0.95, 40), rng.uniform(0, 2 * np.pi, 40), strict=True):
        chroma = np.linspace(0, 0.4, 4001)
        lab = np.stack([np.full(4001, lightness), chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
        back = from_srgb(to_srgb(lab))
        shown = np.linalg.norm(back - lab, axis=1) < 0.02  # rounding to 8 bits moves a dark colour by as much
        first_lost = chroma[np.argmin(shown)]
        largest = float(largest_chroma(lightness, hue))
        assert largest <= first_lost + 2e-4
        edge = to_srgb([lightness, (largest + 0.002) * np.cos(hue), (largest + 0.002) * np.sin(hue)])
        assert edge.min() == 0 or edge.max() == 255


def test_white_and_grey_have_room_as_they_should():
    assert largest_chroma(1.0, 1.0) < 2e-4
    room = largest_chroma(np.linspace(0.3, 0.9, 4)[:, None], np.linspace(0, 6, 7)[None])
    assert room.shape == (4, 7)
    assert room.min() > 0.02
