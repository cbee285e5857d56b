"""A heat map as a picture: rows by columns, values in [-1, 1] from blue over white to red, a text in every cell."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]

CELL = 74, 34  # pixels
MARGIN = 12
WORST: Colour = (33, 102, 172)  # of ColorBrewer's RdBu, which colour-blind readers can tell apart
BEST: Colour = (178, 24, 43)
UNKNOWN: Colour = (200, 200, 200)
INK: Colour = (0, 0, 0)


def colour(value: float) -> Colour:
    """-1 WORST, 0 white, 1 BEST, linear in between; NaN grey."""
    if value != value:
        return UNKNOWN
    end = BEST if value > 0 else WORST
    share = min(1.0, abs(value))
    red, green, blue = (round(255 + share * (channel - 255)) for channel in end)
    return red, green, blue


def draw(
    title: str,
    note: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
) -> Image.Image:
    """RGB; values and texts by row and column; the note stands below."""
    face, bold = ImageFont.load_default(15), ImageFont.load_default(18)
    left = MARGIN + max(round(face.getlength(row)) for row in rows) + 8
    top = MARGIN + 2 * CELL[1]
    width = (
        max(left + CELL[0] * len(columns), round(max(bold.getlength(title), face.getlength(note))) + MARGIN) + MARGIN
    )
    picture = Image.new("RGB", (width, top + CELL[1] * (len(rows) + 1) + MARGIN), (255, 255, 255))
    pen = ImageDraw.Draw(picture)
    pen.text((MARGIN, MARGIN), title, fill=INK, font=bold)
    for i, column in enumerate(columns):
        pen.text((left + CELL[0] * (i + 0.5), top - 8), column, fill=INK, font=face, anchor="ms")
    for j, row in enumerate(rows):
        y = top + CELL[1] * j
        pen.text((left - 8, y + CELL[1] / 2), row, fill=INK, font=face, anchor="rm")
        for i, value in enumerate(values[j]):
            box = (left + CELL[0] * i, y, left + CELL[0] * (i + 1) - 2, y + CELL[1] - 2)
            pen.rectangle(box, fill=colour(value))
            ink = (255, 255, 255) if abs(value) > 0.6 else INK
            pen.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), texts[j][i], fill=ink, font=face, anchor="mm")
    pen.text((MARGIN, top + CELL[1] * len(rows) + 8), note, fill=INK, font=face)
    return picture
