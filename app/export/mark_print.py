"""Marks printed with Pillow, whose own font looks the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial

from PIL import Image, ImageDraw

from app.export.lettering import font, printable
from app.view.colours import rgb
from app.view.marks import EDGE, INKS, Box, Ellipse, Fill, Mark, Measure, Polyline, Ramp, Text
from app.view.mixing import colour_bar


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


def _pixels(box: Box, ratio: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom pixel of a box, all of them in it."""
    left, top, width, height = (edge * ratio for edge in box)
    return round(left), round(top), max(round(left + width) - 1, round(left)), max(round(top + height) - 1, round(top))
