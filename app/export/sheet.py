"""The sheet of an annotated export: a slice with room around it for the words and scales of the window."""

from __future__ import annotations

import numpy as np
from PIL import Image

from app import NOT_FOR_DIAGNOSIS
from app.export.colour import Colouring
from app.export.mark_print import measure_at, print_marks
from app.view.annotations import BAR_ROOM, LABEL_SIZE, STEP, bar_width
from app.view.bars import Bar, bar
from app.view.labels import Labels, labels
from app.view.marks import BANNER_HEIGHT, MARGIN, Frame, Mark, Measure
from app.view.memo import Memo
from app.view.pane_marks import marks_of
from app.view.viewport import Viewport

_LONGEST = 640  # pixels: a smaller slice is enlarged to it, so that text beside it fits
_LETTERS = 44  # of them beside each other are as wide as the picture, more or less


def annotated(colouring: Colouring, k: int) -> tuple[Image.Image, float]:
    """The fused slice with all that the window says of it, as RGB; and the size of its pixels in mm."""
    slice_image, pixel_mm = squared(colouring, k, _LONGEST)
    ratio = max(13, slice_image.width // _LETTERS) / LABEL_SIZE  # pixels of one logical pixel
    frame = _frame(colouring, k, slice_image.width / ratio, slice_image.height / ratio, measure_at(ratio))
    sheet = Image.new("RGB", (round(frame.width * ratio), round(frame.height * ratio)))
    left, top = (round(ratio * edge) for edge in frame.picture[:2])
    sheet.paste(slice_image, (left, top))
    print_marks(sheet, marks(colouring, k, frame, measure_at(ratio)), ratio)
    return sheet, pixel_mm


def marks(colouring: Colouring, k: int, frame: Frame, measure: Measure) -> list[Mark]:
    """What is printed on the sheet of slice k."""
    state, case, picture = colouring.state(k), colouring.case, colouring.picture(k)
    return marks_of(state, case, "fused", picture, _view(colouring, k, frame), frame, measure, Memo())


def squared(colouring: Colouring, k: int, longest: int) -> tuple[Image.Image, float]:
    """Slice k with square pixels, its longer side at least `longest`: grey (L) or RGB; and the size of a pixel in mm.

    A slice with longer pixels in one direction is stretched, linearly, to the finer spacing, as on the screen.
    """
    picture = Image.fromarray(np.ascontiguousarray(colouring.shown(k)))
    row_mm, column_mm = colouring.plane.spacing_mm
    pixel_mm = min(row_mm, column_mm)
    width, height = picture.width * column_mm / pixel_mm, picture.height * row_mm / pixel_mm
    enlarged = max(1.0, longest / max(width, height))
    size = max(1, round(width * enlarged)), max(1, round(height * enlarged))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    return picture, pixel_mm / enlarged


def _frame(colouring: Colouring, k: int, width: float, height: float, measure: Measure) -> Frame:
    """A sheet with room for the words above and below the picture, and for the colour bar on its right."""
    state, case, picture = colouring.state(k), colouring.case, colouring.picture(k)
    words, scale, step = labels(state, case, "fused", picture), bar(state, case, picture), LABEL_SIZE + STEP
    above = max(len(words.top_left), len(words.top_right)) * step + 2 * MARGIN
    below = len(words.bottom_left) * step + 2 * MARGIN + BANNER_HEIGHT
    beside = MARGIN if scale is None else _bar_room(scale, measure)
    whole = max(MARGIN + width + beside, _words_room(words, measure))
    spare = max(BAR_ROOM - height, 0) if scale is not None else 0
    box = ((whole - width - beside + MARGIN) / 2, above + spare / 2, width, height)
    return Frame(whole, above + height + spare + below, box)


def _words_room(words: Labels, measure: Measure) -> float:
    """The width in which no line is cut: those that share a row have half of it each."""
    shared = (*words.top_left, *words.top_right, *words.bottom_left[-1:])
    halves = [2 * (measure(line.text, LABEL_SIZE, False) + 2 * MARGIN) for line in shared]
    wholes = [measure(line.text, LABEL_SIZE, False) + 2 * MARGIN for line in words.bottom_left]
    return max(*halves, *wholes, measure(NOT_FOR_DIAGNOSIS, 11, True) + 2 * MARGIN) + 1


def _bar_room(scale: Bar, measure: Measure) -> float:
    words = (scale.caption, scale.low, scale.high, scale.other)
    return max(bar_width(scale), *(measure(line, 11, False) for line in words)) + 2 * MARGIN


def _view(colouring: Colouring, k: int, frame: Frame) -> Viewport:
    """The sheet as a viewport: where in it the points of the slice lie."""
    plane = colouring.plane
    left, top, width, height = frame.picture
    scale = width / plane.extent_mm[0]
    (row_mm, column_mm), (rows, columns) = plane.spacing_mm, plane.shape
    column = (columns - 1) / 2 + (frame.width / 2 - left - width / 2) / (column_mm * scale)
    row = (rows - 1) / 2 + (frame.height / 2 - top - height / 2) / (row_mm * scale)
    return Viewport(plane, k, frame.width, frame.height, scale, column, row, k)
