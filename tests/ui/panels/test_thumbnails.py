"""Thumbnails: their shape, their grey values, and how little of a picture they look at."""

from __future__ import annotations

import tracemalloc

import numpy as np

from app.ui.panels import thumbnails
from tests.scenes import volume


def test_a_thumbnail_keeps_the_slice_s_shape_and_inverts_pet(volumes):
    wide = volume(np.tile(np.arange(10, 50, dtype=np.int16), (1, 10, 1)), window=(25.0, 50.0))
    picture = thumbnails.of_volume(wide)
    assert picture.shape == (thumbnails.SIZE, thumbnails.SIZE)
    lit = np.flatnonzero(picture.any(axis=1))
    assert lit.size == thumbnails.SIZE / 4
    assert thumbnails.of_volume(volumes[1])[32].max() == 255  # air of a PET is white


def test_a_thumbnail_of_a_large_picture_looks_at_few_of_its_pixels():
    """It is made in the GUI thread: the whole picture as numbers would take 1.5 s and 400 MB."""
    large = volume(np.zeros((1, 6000, 8000), np.uint8), modality="", in_mm=False)
    thumbnails.of_volume(large)
    tracemalloc.start()
    thumbnails.of_volume(large)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000
