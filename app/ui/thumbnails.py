"""Small pictures of series for the list: the middle slice in its default window, as 8-bit grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.imaging.volume import Series, Volume
from app.progress import Progress

SIZE = 64
Thumbnail = NDArray[np.uint8]  # [SIZE, SIZE]


def of_volume(volume: Volume) -> Thumbnail:
    """The middle slice, radiological for axial stacks as stored, aspect kept by its spacing, on black."""
    from app.ui.windows import default_window

    values = volume.values(volume.geometry.size[2] // 2)
    centre, width = default_window(volume)
    unit = np.clip((np.nan_to_num(values) - (centre - width / 2)) / max(width, 1e-9), 0, 1)
    if volume.inverted or (volume.modality in ("PT", "NM") and volume.rgb is None):
        unit = 1 - unit
    return _fitted((unit * 255).astype(np.uint8), volume.geometry.spacing_mm[:2])


def of_series(series: Series, progress: Progress) -> Thumbnail:
    """Read the series as the viewer would; the volume is dropped again."""
    from app.imaging import readers

    return of_volume(readers.read(series, progress))


def _fitted(grey: Thumbnail, spacing_mm: tuple[float, float]) -> Thumbnail:
    """Nearest pixels on a square of SIZE that holds the whole slice."""
    height, width = grey.shape
    extent = np.array([height * spacing_mm[1], width * spacing_mm[0]])
    rows, columns = np.maximum(1, np.rint(SIZE * extent / extent.max()).astype(int))
    picked = grey[np.arange(rows) * height // rows][:, np.arange(columns) * width // columns]
    square = np.zeros((SIZE, SIZE), np.uint8)
    top, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    square[top : top + rows, left : left + columns] = picked
    return square
