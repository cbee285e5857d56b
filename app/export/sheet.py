"""An exported slice with its marks, printed by Pillow: the words and scales of the window, around the picture."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial

import numpy as np
from PIL import Image, ImageDraw

from app import NOT_FOR_DIAGNOSIS
from app.export.colour import Colouring
from app.export.lettering import font, printable
from app.view.annotations import BAR_ROOM, STEP, bar_width, label_size
from app.view.colours import rgb
from app.view.labels import Bar, Labels, bar, labels
from app.view.marks import BANNER_HEIGHT, EDGE, INKS, MARGIN, Ellipse, Fill, Frame, Mark, Measure, Polyline, Ramp, Text
from app.view.memo import Memo
from app.view.mixing import colour_bar
from app.view.pane_marks import marks_of
from app.view.viewport import Viewport

_LONGEST = 640  # pixels: a smaller slice is enlarged to it, so that text beside it fits
_LETTERS = 44  # of them beside each other are as wide as the picture, more or less


def annotated(colouring: Colouring, k: int) -> tuple[Image.Image, float]:
    """The fused slice with all that the window says of it, as RGB; and the size of its pixels in mm."""
    slice_image, pixel_mm = squared(colouring, k, _LONGEST)
    ratio = max(13, slice_image.width // _LETTERS) / label_size(slice_image.width)  # pixels of one logical pixel
    frame = _frame(colouring, k, slice_image.width / ratio, slice_image.height / ratio, measure_at(ratio))
    sheet = Image.new("RGB", (round(frame.width * ratio), round(frame.height * ratio)))
    left, top = (round(ratio * edge) for edge in frame.picture[:2])
    sheet.paste(slice_image, (left, top))
    print_marks(sheet, marks(colouring, k, frame, measure_at(ratio)), ratio)
    return sheet, pixel_mm


def marks(colouring: Colouring, k: int, frame: Frame, measure: Measure) -> list[Mark]:
    """What is printed on the sheet of slice k."""
    state, scene, picture = colouring.state(k), colouring.scene, colouring.picture(k)
    return marks_of(state, scene, "fused", picture, _view(colouring, k, frame), frame, measure, Memo())


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
    state, scene, picture = colouring.state(k), colouring.scene, colouring.picture(k)
    words, scale, size = labels(state, scene, "fused", picture), bar(state, scene, picture), label_size(width)
    above = max(len(words.top_left), len(words.top_right)) * (size + STEP) + 2 * MARGIN
    below = len(words.bottom_left) * (size + STEP) + 2 * MARGIN + BANNER_HEIGHT
    beside = MARGIN if scale is None else _bar_room(scale, measure)
    whole = max(MARGIN + width + beside, _words_room(words, size, measure))
    spare = max(BAR_ROOM - height, 0) if scale is not None else 0
    box = ((whole - width - beside + MARGIN) / 2, above + spare / 2, width, height)
    return Frame(whole, above + height + spare + below, box)


def _words_room(words: Labels, size: float, measure: Measure) -> float:
    """The width in which no line is cut: those that share a row have half of it each."""
    shared = (*words.top_left, *words.top_right, *words.bottom_left[-1:])
    halves = [2 * (measure(line.text, size, False) + 2 * MARGIN) for line in shared]
    wholes = [measure(line.text, size, False) + 2 * MARGIN for line in words.bottom_left]
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


# Painting ------------------------------------------------------------------------------------------------------


def print_marks(sheet: Image.Image, marks: Iterable[Mark], ratio: float) -> None:
    """Marks on an RGB picture, `ratio` pixels for each of their logical ones."""
    draw = ImageDraw.Draw(sheet, "RGBA")
    for mark in marks:
        match mark:
            case Text():
                _text(draw, mark, ratio)
            case Fill():
                draw.rectangle(_pixels(mark.box, ratio), fill=INKS[mark.ink])
            case Polyline():
                points = [(x * ratio, y * ratio) for x, y in mark.points]
                for ink, width in (("edge", mark.width + EDGE), (mark.ink, mark.width)):
                    draw.line(points, fill=INKS[ink], width=max(1, round(width * ratio)), joint="curve")
            case Ellipse():
                for ink, width in (("edge", mark.width + EDGE), (mark.ink, mark.width)):
                    draw.ellipse(_pixels(mark.box, ratio), outline=INKS[ink], width=max(1, round(width * ratio)))
            case Ramp():
                left, top, right, bottom = _pixels(mark.box, ratio)
                ramp = Image.fromarray(rgb(colour_bar(mark.mix))).resize((right - left + 1, bottom - top + 1))
                sheet.paste(ramp, (left, top))
                draw.rectangle((left, top, right, bottom), outline=INKS["plain"])


@cache
def measure_at(ratio: float) -> Measure:
    """The width of words on a sheet with `ratio` pixels for each logical one, in logical pixels."""
    return partial(_text_width, ratio)


def _text_width(ratio: float, words: str, size: float, bold: bool) -> float:
    return (font(round(size * ratio)).getlength(printable(words)) + bold) / ratio


def _text(draw: ImageDraw.ImageDraw, mark: Text, ratio: float) -> None:
    words, face = printable(mark.words), font(round(mark.size * ratio))
    at = mark.at[0] * ratio, mark.at[1] * ratio
    anchor = {"left": "ls", "middle": "ms", "right": "rs"}[mark.anchor]
    draw.text(at, words, fill=INKS["edge"], font=face, anchor=anchor, stroke_width=2, stroke_fill=INKS["edge"])
    for step in range(1 + mark.bold):  # the font has no bold letters: a second strike makes them
        draw.text((at[0] + step, at[1]), words, fill=INKS[mark.ink], font=face, anchor=anchor)


def _pixels(box: tuple[float, float, float, float], ratio: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom pixel of a box, all of them in it."""
    left, top, width, height = (edge * ratio for edge in box)
    return round(left), round(top), max(round(left + width) - 1, round(left)), max(round(top + height) - 1, round(top))
