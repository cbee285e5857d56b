"""Marks painted with Qt. Words are drawn once and kept: outlining them at every paint would cost more than pictures."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPixmap

from app.view.marks import EDGE, INKS, Ellipse, Fill, Mark, Polyline, Ramp, Text
from app.view.mixing import Mix, colour_bar

_COLOURS = {name: QColor(*ink) for name, ink in INKS.items()}
_ROUND = 2.0  # logical pixels of room for the dark edge around letters


def paint(painter: QPainter, marks: Iterable[Mark]) -> None:
    """One mark after the other."""
    ratio = painter.device().devicePixelRatioF()
    for mark in marks:
        match mark:
            case Text():
                _text(painter, mark, ratio)
            case Fill():
                painter.fillRect(QRectF(*mark.box), _COLOURS[mark.ink])
            case Polyline():
                points = [QPointF(x, y) for x, y in mark.points]
                for pen in _pens(mark.ink, mark.width):
                    painter.setPen(pen)
                    painter.drawPolyline(points)
            case Ellipse():
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
                for pen in _pens(mark.ink, mark.width):
                    painter.setPen(pen)
                    painter.drawEllipse(QRectF(*mark.box))
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            case Ramp():
                box = QRectF(*mark.box)
                painter.drawImage(box, _ramp(mark.mix))
                painter.setPen(QPen(_COLOURS["plain"], 1))
                painter.drawRect(box)


@lru_cache(maxsize=1024)
def text_width(words: str, size: float, bold: bool) -> float:
    """Logical pixels of one line: the panes' `Measure`."""
    return QFontMetricsF(font(size, bold=bold)).horizontalAdvance(words)


@lru_cache(maxsize=16)
def font(size: float, *, bold: bool = False) -> QFont:
    """The panes' font; size in logical pixels."""
    font = QFont()
    font.setStyleHint(QFont.StyleHint.SansSerif)
    font.setPixelSize(round(size))
    font.setBold(bold)
    return font


def _text(painter: QPainter, mark: Text, ratio: float) -> None:
    if not mark.words:
        return
    image, advance, ascent = _drawn(mark.words, mark.ink, mark.size, mark.bold, ratio)
    x, baseline = mark.at
    x -= {"left": 0.0, "right": advance, "middle": advance / 2}[mark.anchor]
    painter.drawPixmap(QPointF(round(x - _ROUND), round(baseline - ascent - _ROUND)), image)


@lru_cache(maxsize=1024)
def _drawn(words: str, ink: str, size: float, bold: bool, ratio: float) -> tuple[QPixmap, float, float]:
    """A line with an edge all round; how far it advances, and its ascent."""
    metrics = QFontMetricsF(font(size, bold=bold))
    advance, ascent = metrics.horizontalAdvance(words), metrics.ascent()
    width, height = advance + 2 * _ROUND, metrics.height() + 2 * _ROUND
    image = QPixmap(max(ceil(width * ratio), 1), max(ceil(height * ratio), 1))
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path, place = QPainterPath(), QPointF(_ROUND, _ROUND + ascent)
    path.addText(place, font(size, bold=bold), words)
    edge = QPen(_COLOURS["edge"], 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, edge)
    painter.setFont(font(size, bold=bold))
    painter.setPen(_COLOURS[ink])
    painter.drawText(place, words)
    painter.end()
    return image, image.deviceIndependentSize().width() - 2 * _ROUND, ascent


@lru_cache(maxsize=16)
def _pens(ink: str, width: float) -> tuple[QPen, QPen]:
    """Of the dark edge, and of the line on it."""
    return QPen(_COLOURS["edge"], width + EDGE), QPen(_COLOURS[ink], width)


@lru_cache(maxsize=32)
def _ramp(mix: Mix) -> QImage:
    bar = colour_bar(mix)
    rows, columns = bar.shape
    return QImage(bar.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32).copy()
