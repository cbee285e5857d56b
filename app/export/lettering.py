"""Text in pixels, drawn by Pillow with the font it carries, so that it looks the same on every machine."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.errors import ExportError

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_SMALLEST = 7  # pixels: below it the letters cannot be told apart
_SHARE = 0.34  # of the picture's height that a banner may cover


class BannerRoomError(ExportError):
    hint = "Export this series as NIfTI, or as a picture with text beside it."

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(f"Slices of {columns} x {rows} pixels are too small to carry the notice that belongs in them.")


@cache
def font(size: int) -> Font:
    return ImageFont.load_default(size)


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
    """A notice along the bottom of a slice, as large as a third of its height allows.

    Returns
    -------
    uint8 [j, i] : 0 to 255, how much of a pixel is letter
    bool [j, i] : letters and the dark rim that sets them off from any picture

    Raises
    ------
    BannerRoomError : the slice is too small for readable letters
    """
    for size in range(max(_SMALLEST, min(rows, columns) // 16), _SMALLEST - 1, -1):
        face = font(size)
        broken = [part for line in lines for part in wrapped(line, face, columns - 4)]
        step = size + max(2, size // 5)
        if step * len(broken) <= _SHARE * rows and all(face.getlength(part) <= columns - 4 for part in broken):
            break
    else:
        raise BannerRoomError(rows, columns)
    letters, rim = Image.new("L", (columns, rows)), Image.new("L", (columns, rows))
    top = rows - step * len(broken) - 1
    for number, part in enumerate(broken):
        place = (columns / 2, top + step * number)
        ImageDraw.Draw(letters).text(place, part, fill=255, font=face, anchor="ma")
        ImageDraw.Draw(rim).text(place, part, fill=255, font=face, anchor="ma", stroke_width=2, stroke_fill=255)
    return np.asarray(letters), np.asarray(rim) > 0
