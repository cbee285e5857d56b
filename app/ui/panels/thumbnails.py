"""Small pictures of series for the list: the middle slice in its default window, as 8-bit grey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.base.progress import Progress
from app.core.modalities import modality_of
from app.core.volume import Series, Volume

SIZE = 64
Thumbnail = NDArray[np.uint8]  # [SIZE, SIZE]


def of_volume(volume: Volume) -> Thumbnail:
    """The middle slice, radiological for axial stacks as stored, aspect kept by its spacing, on black."""
    from app.view.windows import default_window

    k = volume.geometry.size[2] // 2
    picked = _picked(volume.stored[k], volume.geometry.spacing_mm[:2])  # first: a picture can have 50 million pixels
    values = (picked * volume.slope[k] + volume.intercept[k]).astype(np.float32)
    centre, width = default_window(volume)
    unit = np.clip((np.nan_to_num(values) - (centre - width / 2)) / max(width, 1e-9), 0, 1)
    if volume.inverted or (modality_of(volume.modality).uptake and volume.rgb is None):
        unit = 1 - unit
    return _centred((unit * 255).astype(np.uint8))


def of_series(series: Series, progress: Progress) -> Thumbnail:
    """Read the series as the viewer would; the volume is dropped again."""
    from app.files import readers

    return of_volume(readers.read(series, progress))


def _picked(pixels: NDArray[Any], spacing_mm: tuple[float, float]) -> NDArray[Any]:
    """The nearest pixels of a whole slice on a grid that just fits into a square of SIZE."""
    height, width = pixels.shape
    extent = np.array([height * spacing_mm[1], width * spacing_mm[0]])
    rows, columns = np.maximum(1, np.rint(SIZE * extent / extent.max()).astype(int))
    return pixels[np.arange(rows) * height // rows][:, np.arange(columns) * width // columns]


def _centred(grey: Thumbnail) -> Thumbnail:
    rows, columns = grey.shape
    square = np.zeros((SIZE, SIZE), np.uint8)
    top, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    square[top : top + rows, left : left + columns] = grey
    return square
