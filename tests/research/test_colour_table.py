"""Colour tables: found in their order, and the scalar that is a colour's place in one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.research.colour_table import ColourTableError, colour_table, scalar_of


def rainbow() -> np.ndarray:
    """Black, blue, green, yellow, red: 128 entries in steps like those of the PET pictures; luma is not monotonic."""
    corners = np.array([[0, 0, 0], [0, 0, 128], [0, 85, 255], [247, 249, 7], [255, 0, 0]])
    counts = (16, 16, 32, 63)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(corners[:-1], corners[1:], counts, strict=True)]
    return np.rint(np.concatenate([*parts, corners[-1:]])).astype(np.uint8)


def test_a_colour_table_is_found_in_its_order():
    table = rainbow()
    shuffled = np.random.default_rng(0).permutation(np.repeat(table, 3, axis=0))
    np.testing.assert_array_equal(colour_table([shuffled.reshape(-1, 4, 3)]), table)


def test_a_colour_that_the_path_passes_over_is_put_back_where_it_belongs():
    corner = [[239, 244, 15], [247, 249, 7], [255, 255, 0], [255, 247, 0], [255, 239, 0]]  # as in the PET pictures
    up = [[8 * i, 5 + 8 * i, 15] for i in range(29)]
    down = [[255, 231 - 8 * i, 0] for i in range(29)]
    table = np.array([*up, *corner, *down], np.uint8)
    np.testing.assert_array_equal(colour_table([table[None]]), table)


def test_the_scalar_is_the_place_in_the_table():
    table = rainbow()
    place = np.random.default_rng(1).integers(0, len(table), (20, 30))
    np.testing.assert_array_equal(scalar_of(table[place], table), np.rint(place * 255 / 127))


def test_colours_with_a_hole_between_them_are_no_table():
    with pytest.raises(ColourTableError, match=r"\[15, 0, 0\] and \[200, 0, 0\]"):
        colour_table([np.array([[[0, 0, 0], [15, 0, 0], [200, 0, 0]]], np.uint8)])


def test_interpolated_colours_are_no_table():
    with pytest.raises(ColourTableError, match="different colours"):
        colour_table([np.random.default_rng(2).integers(0, 256, (64, 64, 3)).astype(np.uint8)])


def test_a_colour_the_table_lacks_is_refused():
    with pytest.raises(ColourTableError, match="lacks"):
        scalar_of(np.full((2, 2, 3), 99, np.uint8), rainbow())


@pytest.mark.data
def test_the_real_pairs_have_the_tables_their_manifest_tells_of():
    folder = Path(os.environ["SYNOPTIC_DATA"]) / "pairs"
    for task, entries in (("pet", 128), ("spect", 156)):
        rgb = [np.asarray(Image.open(path)) for path in sorted((folder / f"{task}-mri/train/{task}").glob("*.png"))]
        table = colour_table(rgb).astype(int)
        assert len(table) == entries
        assert np.abs(np.diff(table, axis=0)).sum(axis=1).max() <= 22
        scalar = [scalar_of(one, table.astype(np.uint8)) for one in rgb[:20]]
        rough = [np.abs(np.diff(one.astype(int), axis=1)).mean() for one in scalar]
        luma = [np.abs(np.diff(one @ (0.299, 0.587, 0.114), axis=1)).mean() for one in rgb[:20]]
        assert np.mean(rough) < np.mean(luma)  # uptake is smooth; a wrong order of the colours would not be
