"""What is drawn over a picture: letters, scale bar, colour bar, corner labels, crosshair, rectangle, banner.

Everything has a dark edge, so that it can be read on white bone as on black air.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPixmap

from app import NOT_FOR_DIAGNOSIS
from app.core.planes import Plane
from app.view.colours import colours
from app.view.labels import Bar, Labels, Line
from app.view.viewport import Viewport

MARGIN = 8.0
BANNER_HEIGHT = 18.0
_TONES = {"plain": QColor(225, 232, 238), "warn": QColor(255, 196, 64), "stop": QColor(255, 96, 88)}
_SMALLEST = 8  # logical pixels: letters smaller than this nobody reads
_SHADE = QColor(0, 0, 0, 210)
_CROSSHAIR = QColor(88, 200, 255, 190)
_RECT = QColor(255, 214, 10)
_EDGE = 2.0  # room for the dark edge around letters
_GAP = 9.0  # the crosshair leaves what it points at in sight


@lru_cache(maxsize=8)
def font(size: float, *, bold: bool = False) -> QFont:
    """The panes' font; size in logical pixels."""
    made = QFont()
    made.setStyleHint(QFont.StyleHint.SansSerif)
    made.setPixelSize(round(size))
    made.setBold(bold)
    return made


@lru_cache(maxsize=512)
def _elided(words: str, width: int, size: float, bold: bool) -> str:
    return QFontMetricsF(font(size, bold=bold)).elidedText(words, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=1024)
def _drawn(words: str, tone: str, size: float, bold: bool, ratio: float) -> QPixmap:
    """A line with an edge all round, drawn once: outlining at every paint would cost more than the picture."""
    metrics = QFontMetricsF(font(size, bold=bold))
    width, height = metrics.horizontalAdvance(words) + 2 * _EDGE, metrics.height() + 2 * _EDGE
    made = QPixmap(max(ceil(width * ratio), 1), max(ceil(height * ratio), 1))
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path, place = QPainterPath(), QPointF(_EDGE, _EDGE + metrics.ascent())
    path.addText(place, font(size, bold=bold), words)
    painter.strokePath(path, QPen(_SHADE, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.setFont(font(size, bold=bold))
    painter.setPen(_TONES[tone])
    painter.drawText(place, words)
    painter.end()
    return made


def text(
    painter: QPainter,
    x: float,
    baseline: float,
    words: str,
    *,
    tone: str = "plain",
    size: float = 12,
    bold: bool = False,
    anchor: str = "left",
    width: float = 10_000,
) -> None:
    """One line with a dark edge; anchor "left", "right" or "middle" says which part of it stands at x."""
    words = _elided(words, int(width), size, bold)
    if not words:
        return
    made = _drawn(words, tone, size, bold, painter.device().devicePixelRatioF())
    made_size = made.deviceIndependentSize()
    advance = made_size.width() - 2 * _EDGE
    x -= {"left": 0.0, "right": advance, "middle": advance / 2}[anchor]
    ascent = QFontMetricsF(font(size, bold=bold)).ascent()
    painter.drawPixmap(QPointF(round(x - _EDGE), round(baseline - ascent - _EDGE)), made)


@lru_cache(maxsize=512)
def text_width(words: str, size: float = 12) -> float:
    """Logical pixels of one line."""
    return QFontMetricsF(font(size)).horizontalAdvance(words)


def corners(painter: QPainter, width: float, height: float, shown: Labels, *, size: float = 12) -> None:
    """The labels of three corners; the fourth is the scale bar's."""
    step, room, whole = size + 4, width / 2 - 2 * MARGIN, width - 2 * MARGIN
    for lines, x, anchor in ((shown.top_left, MARGIN, "left"), (shown.top_right, width - MARGIN, "right")):
        for row, line in enumerate(lines):
            words, letters_size = _fitting(line, room, size)
            text(
                painter,
                x,
                MARGIN + size + row * step,
                words,
                tone=line.tone,
                size=letters_size,
                width=room,
                anchor=anchor,
            )
    last = height - BANNER_HEIGHT - MARGIN
    for row, line in enumerate(reversed(shown.bottom_left)):
        free = room if row == 0 else whole
        words, letters_size = _fitting(line, free, size)
        text(painter, MARGIN, last - row * step, words, tone=line.tone, size=letters_size, width=free)


def _fitting(line: Line, room: float, size: float) -> tuple[str, float]:
    """A line's words and their size where there is little room: said short, and a warning rather small than cut."""
    words = line.short if line.short and text_width(line.text, size) > room else line.text
    while line.tone != "plain" and size > _SMALLEST and text_width(words, size) > room:
        size -= 1
    return words, size


def banner(painter: QPainter, width: float, height: float) -> None:
    """The strip that is never hidden."""
    strip = QRectF(0, height - BANNER_HEIGHT, width, BANNER_HEIGHT)
    painter.fillRect(strip, QColor(0, 0, 0, 150))
    text(
        painter,
        width / 2,
        height - 5,
        NOT_FOR_DIAGNOSIS,
        tone="warn",
        size=_banner_size(int(width)),
        bold=True,
        anchor="middle",
        width=width,
    )


@lru_cache(maxsize=64)
def _banner_size(width: int) -> float:
    """The largest letters with which the whole warning stands in a narrow pane."""
    for size in range(11, _SMALLEST, -1):
        if QFontMetricsF(font(size, bold=True)).horizontalAdvance(NOT_FOR_DIAGNOSIS) <= width:
            return size
    return _SMALLEST - 1


def letters(painter: QPainter, width: float, height: float, plane: Plane, *, right_inset: float = 0) -> None:
    """Patient sides at the middle of the four edges."""
    left, right, top, bottom = plane.letters
    middle = (height - BANNER_HEIGHT) / 2 + 6
    text(painter, MARGIN, middle, left, size=16, bold=True)
    text(painter, width - MARGIN - right_inset, middle, right, size=16, bold=True, anchor="right")
    text(painter, width / 2, MARGIN + 14, top, size=16, bold=True, anchor="middle")
    text(painter, width / 2, height - BANNER_HEIGHT - MARGIN, bottom, size=16, bold=True, anchor="middle")


def scale_length_mm(pixels_per_mm: float, room: float) -> float:
    """The longest of 1, 2, 5, 10, 20, 50, ... mm that fits into `room` logical pixels."""
    most = room / pixels_per_mm
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9)))


def scale_bar(painter: QPainter, width: float, height: float, view: Viewport) -> None:
    """A length of known millimetres at the lower right."""
    length_mm = scale_length_mm(view.scale, width / 4)
    length = length_mm * view.scale
    right, y = width - MARGIN, height - BANNER_HEIGHT - MARGIN
    for pen in (QPen(_SHADE, 4), QPen(_TONES["plain"], 2)):
        painter.setPen(pen)
        painter.drawLine(QPointF(right - length, y), QPointF(right, y))
        for x in (right - length, right):
            painter.drawLine(QPointF(x, y - 4), QPointF(x, y + 1))
    words = f"{length_mm:g} mm" if length_mm < 10 else f"{length_mm / 10:g} cm"
    text(painter, right, y - 7, words, size=11, anchor="right")


@lru_cache(maxsize=32)
def _bar_image(palette: str, inverted: bool) -> QImage:
    table = np.ascontiguousarray(colours(palette, inverted)[::-1].reshape(256, 1))
    return QImage(table.data, 1, 256, 4, QImage.Format.Format_RGB32).copy()


def colour_bar(painter: QPainter, width: float, height: float, shown: Bar) -> None:
    """The palette at the right edge, its ends and its unit; high values at the top."""
    tall = min(max(height * 0.36, 60.0), 240.0)
    box = QRectF(width - MARGIN - 12, (height - BANNER_HEIGHT - tall) / 2, 12, tall)
    painter.drawImage(box, _bar_image(shown.palette, shown.inverted))
    painter.setPen(QPen(_TONES["plain"], 1))
    painter.drawRect(box)
    text(painter, width - MARGIN, box.top() - 20, shown.caption, size=11, anchor="right", width=width - 2 * MARGIN)
    text(painter, width - MARGIN, box.top() - 5, shown.high, size=11, anchor="right")
    text(painter, width - MARGIN, box.bottom() + 14, shown.low, size=11, anchor="right")


def crosshair(painter: QPainter, width: float, height: float, x: float, y: float) -> None:
    """Thin lines with a gap around the point."""
    column, row = float(floor(x)), float(floor(y))
    for bar in (
        QRectF(0, row, x - _GAP, 1),
        QRectF(x + _GAP, row, width - x - _GAP, 1),
        QRectF(column, 0, 1, y - _GAP),
        QRectF(column, y + _GAP, 1, height - y - _GAP),
    ):
        if bar.isValid():  # filling is much quicker than drawing a line
            painter.fillRect(bar, _CROSSHAIR)


def rectangle(painter: QPainter, box: tuple[float, float, float, float]) -> None:
    """The zoom rectangle with its handles."""
    painter.setPen(QPen(_SHADE, 3))
    painter.drawRect(QRectF(*box))
    painter.setPen(QPen(_RECT, 1.5))
    painter.drawRect(QRectF(*box))
    x, y, width, height = box
    for corner_x, corner_y in ((x, y), (x + width, y), (x, y + height), (x + width, y + height)):
        painter.fillRect(QRectF(corner_x - 3, corner_y - 3, 6, 6), _RECT)


def _wrapped(words: str, width: int) -> list[str]:
    """A message in as many lines as it needs; a word too long for any stays whole, and is cut when drawn."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, 14) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def message(painter: QPainter, width: float, height: float, words: str, *, tone: str = "plain") -> None:
    """Why a pane is blank, in its middle."""
    lines = [part for line in words.split("\n") for part in _wrapped(line, int(width - 2 * MARGIN))]
    for row, line in enumerate(lines):
        text(
            painter,
            width / 2,
            height / 2 + (row - (len(lines) - 1) / 2) * 22,
            line,
            tone=tone,
            size=14,
            bold=tone == "stop",
            anchor="middle",
            width=width - 2 * MARGIN,
        )


def border(painter: QPainter, width: float, height: float, *, active: bool) -> None:
    painter.setPen(QPen(QColor(64, 140, 190) if active else QColor(46, 52, 58), 1))
    painter.drawRect(QRectF(0.5, 0.5, width - 1, height - 1))
