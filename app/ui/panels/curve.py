"""One number per slice as a curve; a click picks a slice.

pyqtgraph is imported when the curve is first shown: by then a worker has loaded it (`application`), and the window's
start need not wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStackedLayout, QWidget

_PAPER, _LINE, _HERE, _INK = "#121316", "#8fc7ff", "#ffc861", "#b9bec7"


class Curve(QWidget):
    """Values over slices 0 .. count - 1, counted from 1 on the axis; gaps where a value is missing or not a number."""

    picked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(130)
        self.setToolTip("Click to go to a slice")
        self.count = 0
        self.values: dict[int, float] = {}
        self._current = -1
        self._plot: Any = None  # a pyqtgraph PlotWidget, with its curve and the line of the slice in view
        self._curve: Any = None
        self._here: Any = None
        self._empty = QLabel("drawn when all slices are fused")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)

    def show_values(self, values: Mapping[int, float], count: int) -> None:
        self.values, self.count = {k: v for k, v in values.items() if math.isfinite(v)}, count
        self._draw()

    def show_current(self, k: int) -> None:
        if k != self._current:
            self._current = k
            self._draw_here()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._plot is None:
            self._build()
            self._draw()

    def slice_at(self, place: QPointF) -> int:
        """The slice nearest to a point of the plot's scene, within the axis."""
        x = self._plot.getViewBox().mapSceneToView(place).x()
        return min(max(round(x) - 1, 0), max(self.count - 1, 0))

    def place_of(self, k: int, value: float) -> QPointF:
        """Where a slice's value is drawn, in the plot's scene."""
        return self._plot.getViewBox().mapViewToScene(QPointF(k + 1, value))

    def _build(self) -> None:
        import pyqtgraph as pg

        self._plot = pg.PlotWidget(self, background=_PAPER)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)  # the wheel and drags belong to the images
        self._plot.showGrid(x=True, y=True, alpha=0.15)
        self._plot.setLabel("bottom", "slice")
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setTextPen(_INK)
            axis.enableAutoSIPrefix(False)
        self._curve = self._plot.plot(
            pen=pg.mkPen(_LINE, width=1.4),
            connect="finite",
            symbol="o",
            symbolSize=3,
            symbolBrush=_LINE,
            symbolPen=None,
        )
        self._here = pg.InfiniteLine(angle=90, pen=pg.mkPen(_HERE))
        self._plot.addItem(self._here, ignoreBounds=True)
        self._plot.scene().sigMouseClicked.connect(self._clicked)
        self._stack.addWidget(self._plot)

    def _draw(self) -> None:
        if self._plot is None:
            return
        self._stack.setCurrentWidget(self._plot if self.values else self._empty)
        if not self.values:  # pyqtgraph asks for the extent of what it draws
            self._curve.setData([], [])
            return
        heights = np.full(self.count, np.nan)
        for k, value in self.values.items():
            heights[k] = value
        self._curve.setData(np.arange(1, self.count + 1), heights)
        self._plot.setXRange(1, max(self.count, 2), padding=0.02)
        self._draw_here()

    def _draw_here(self) -> None:
        if self._here is not None:
            self._here.setVisible(0 <= self._current < self.count)
            self._here.setValue(self._current + 1)

    def _clicked(self, event: Any) -> None:
        if self.count and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(self.slice_at(event.scenePos()))
