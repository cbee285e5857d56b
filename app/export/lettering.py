"""Text in pixels, drawn by Pillow with the font it carries, so that it looks the same on every machine."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.base.errors import ExportError

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_SMALLEST = 7  # pixels: below it the letters cannot be told apart
_SHARES = (0.34, 0.52)  # of the picture's height that a banner may cover: first choice, and for small matrices
_DRAWN = frozenset((*map(chr, range(0x20, 0x7F)), *"±°…·"))  # the font draws every other letter as an empty box
_NEAREST = {"–": "-", "—": "-", "−": "-", "×": "x", "²": "2", "³": "3", "µ": "u", "μ": "u", "≤": "<=", "≥": ">="}


class BannerRoomError(ExportError):
    hint = "Export this series as NIfTI, or as a picture with text beside it."

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(f"Slices of {columns} x {rows} pixels are too small to carry the notice that belongs in them.")


@cache
def font(size: int) -> Font:
    return ImageFont.load_default(size)


def printable(text: str) -> str:
    """The text with what the font has no letter for replaced by its nearest ASCII, or by "?"."""
    return "".join(_NEAREST.get(letter, letter if letter in _DRAWN else "?") for letter in text)


def wrapped(text: str, face: Font, width: int) -> list[str]:
    """The text in lines of at most `width` pixels, broken between words; a longer word stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and face.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def banner(rows: int, columns: int, lines: tuple[str, ...]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A notice along the bottom of a slice, as large as fits into a third of it, in small matrices into half.

    Returns
    -------
    uint8 [j, i] : 0 to 255, how much of a pixel is letter
    bool [j, i] : letters and the dark rim that sets them off from any picture

    Raises
    ------
    BannerRoomError : the slice is too small for readable letters
    """
    size, broken = _layout(rows, columns, lines)
    face, step = font(size), _step(size)
    letters, rim = Image.new("L", (columns, rows)), Image.new("L", (columns, rows))
    top = rows - step * len(broken) - 1
    for number, part in enumerate(broken):
        place = (columns / 2, top + step * number)
        ImageDraw.Draw(letters).text(place, part, fill=255, font=face, anchor="ma")
        ImageDraw.Draw(rim).text(place, part, fill=255, font=face, anchor="ma", stroke_width=2, stroke_fill=255)
    bold = np.minimum(np.asarray(letters, dtype=np.uint16) * 3 // 2, 255)  # thin strokes of small letters fade
    return bold.astype(np.uint8), np.asarray(rim) > 0


def _layout(rows: int, columns: int, lines: tuple[str, ...]) -> tuple[int, list[str]]:
    """The largest size of letters, and the lines broken to it."""
    for share in _SHARES:
        for size in range(max(_SMALLEST, min(rows, columns) // 16), _SMALLEST - 1, -1):
            face = font(size)
            broken = [part for line in lines for part in wrapped(line, face, columns - 4)]
            wide = max(face.getlength(part) for part in broken)
            if wide <= columns - 4 and _step(size) * len(broken) <= share * rows:
                return size, broken
    raise BannerRoomError(rows, columns)


def _step(size: int) -> int:
    """From line to line."""
    return size + max(1, size // 5)
