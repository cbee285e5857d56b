"""One number per slice as a curve: drawn by hand in a page of code, so that no plotting library is loaded for it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 18


class Curve(QWidget):
    """Values over slices 0 .. count - 1; gaps where a value is missing or not a number. A click picks a slice."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(110)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click to go to a slice")
        self.count = 0
        self.values: dict[int, float] = {}
        self._current = -1

    def show_values(self, values: Mapping[int, float], count: int) -> None:
        self.values, self.count = {k: v for k, v in values.items() if math.isfinite(v)}, count
        self.update()

    def show_current(self, k: int) -> None:
        if k != self._current:
            self._current = k
            self.update()

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value drawn; a little apart where they are equal."""
        if not self.values:
            return 0.0, 1.0
        low, high = min(self.values.values()), max(self.values.values())
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def slice_at(self, x: float) -> int:
        """The slice drawn at horizontal pixel x, nearest within the axis."""
        field = self._field()
        share = (x - field.left()) / max(field.width(), 1)
        return min(max(round(share * (self.count - 1)), 0), max(self.count - 1, 0))

    def point_of(self, k: int, value: float) -> QPointF:
        field, (low, high) = self._field(), self.limits
        x = field.left() + field.width() * (k / max(self.count - 1, 1))
        return QPointF(x, field.bottom() - field.height() * (value - low) / (high - low))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pick(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._pick(event)

    def _pick(self, event: QMouseEvent) -> None:
        if self.count and event.position().x() >= 0:
            self.picked.emit(self.slice_at(event.position().x()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        field, (low, high) = self._field(), self.limits
        painter.fillRect(self.rect(), QColor("#121316"))
        painter.setPen(QColor("#33373e"))
        painter.drawRect(field)
        painter.setPen(QColor("#b9bec7"))
        if not self.values:
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "drawn when all slices are fused")
            return
        labels = QRectF(0, 0, _LEFT - 4, 14)
        for value, y in ((high, field.top()), (low, field.bottom())):
            labels.moveCenter(QPointF(labels.center().x(), min(max(y, 7), self.height() - 7)))
            painter.drawText(labels, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:.4g}")
        below = QRectF(field.left(), field.bottom() + 2, field.width(), _BOTTOM - 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "1")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, str(self.count))
        if 0 <= self._current < self.count:
            x = self.point_of(self._current, low).x()
            painter.setPen(QPen(QColor("#ffc861"), 1))
            painter.drawLine(QPointF(x, field.top()), QPointF(x, field.bottom()))
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, f"slice {self._current + 1}")
        painter.setPen(QPen(QColor("#8fc7ff"), 1.4))
        for run in self._runs():
            points = [self.point_of(k, self.values[k]) for k in run]
            if len(points) == 1:
                painter.drawEllipse(points[0], 1.2, 1.2)
            else:
                painter.drawPolyline(QPolygonF(points))

    def _runs(self) -> list[list[int]]:
        """Slices with values, broken where one is missing: nothing is drawn across a gap."""
        runs: list[list[int]] = []
        for k in sorted(self.values):
            if runs and runs[-1][-1] == k - 1:
                runs[-1].append(k)
            else:
                runs.append([k])
        return runs

    def _field(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(self.width() - _LEFT - _RIGHT, 1), max(self.height() - _TOP - _BOTTOM, 1))
