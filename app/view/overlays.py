"""Layers beyond the pair: laid over its picture as colour or as a contour, or shown alone in a pane of their own.

A layer is resampled onto the shared grid along the way of links that leads to it. Where none leads there, it is laid
over nothing, and its own pane says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.case.document import Case, Hindrance
from app.case.layers import Layer
from app.core.planes import Plane
from app.view.colours import Levels, Pixels, blend, colours, levels, look_up
from app.view.hatch import hatched
from app.view.memo import Memo
from app.view.picture import Blank, Note, PartnerSlice, Picture
from app.view.windows import has_whole_numbers, shown_window

LayerSlices = Callable[[Layer, Plane, int], PartnerSlice | None]
"""Gives a layer on a slice of the shared grid; None while it cannot."""

_LINES = (0xFF5CE1E6, 0xFFFFD447, 0xFFFF7AC6, 0xFF9BE564)  # of the contours, in the order of the layers
_BLANKS = {Hindrance.NOT_LINKED: Blank.NOT_LINKED, Hindrance.OTHER_PATIENT: Blank.OTHER_PATIENT}


def with_layers(picture: Picture, case: Case, slices: LayerSlices, memo: Memo) -> Picture:
    """The pair's picture with all layers over it that are shown, linked, and ready to be painted."""
    pixels, plane = picture.pixels, picture.plane
    if pixels is None or plane is None or plane.grid is not case.grid:
        return picture
    laid = 0
    for number, layer in enumerate(case.overlays):
        resampled = None if case.hindrance(layer) else slices(layer, plane, picture.index)
        if resampled is None or not resampled.inside.any():
            continue
        laid += 1
        if layer.shown_as == "contour":
            pixels = _with_contour(pixels, layer, resampled, _LINES[number % len(_LINES)], memo)
        else:
            coloured = blend(pixels, _coloured(layer, resampled, layer.palette, memo), layer.opacity)
            pixels = np.where(resampled.inside, coloured, pixels)
    return replace(picture, pixels=pixels, layers=laid) if laid else picture


def layer_alone(case: Case, plane: Plane, index: int, slices: LayerSlices | None, memo: Memo) -> Picture:
    """The uppermost layer in a pane of its own, on the shared grid."""
    if not case.overlays:
        return Picture(plane, index, blank=Blank.NO_LAYER)
    layer = case.overlays[-1]
    hindrance = case.hindrance(layer)
    if hindrance is not None:
        return Picture(plane, index, blank=_BLANKS[hindrance])
    resampled = None if slices is None else slices(layer, plane, index)
    if resampled is None:
        return Picture(plane, index, blank=Blank.RESAMPLING_LAYER)
    pixels, has_lines = hatched(_coloured(layer, resampled, layer.palette_alone, memo), resampled, None, memo)
    return Picture(plane, index, pixels, hatched=has_lines, notes=(Note.RESAMPLED,), kind="layer")


def _levels(layer: Layer, resampled: PartnerSlice, memo: Memo) -> Levels:
    window, linear = shown_window(layer), has_whole_numbers(layer.volume)
    made: Levels = memo.get(resampled, ("levels", window), lambda: levels(resampled.values, window, linear=linear))
    return made


def _coloured(layer: Layer, resampled: PartnerSlice, palette: str, memo: Memo) -> Pixels:
    inverted = layer.volume.inverted != layer.inverted
    return look_up(colours(palette, inverted), _levels(layer, resampled, memo))


def _with_contour(pixels: Pixels, layer: Layer, resampled: PartnerSlice, line: int, memo: Memo) -> Pixels:
    """A line along the pixels that reach the layer's level and have a neighbour with data that does not."""
    level = max(1, round(255 * layer.contour_at))

    def make() -> NDArray[np.intp]:
        above = _levels(layer, resampled, memo) >= level
        below = resampled.inside & ~above
        beside = np.zeros_like(below)
        for axis in (0, 1):
            for start, end in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
                here, there = [slice(None)] * 2, [slice(None)] * 2
                here[axis], there[axis] = start, end
                beside[tuple(here)] |= below[tuple(there)]
        return np.flatnonzero(above & resampled.inside & beside)

    edge: NDArray[np.intp] = memo.get(resampled, ("contour", level, shown_window(layer)), make)
    pixels = pixels.copy()
    pixels.reshape(-1)[edge] = np.uint32(line)
    return pixels
