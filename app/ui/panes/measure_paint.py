"""Measurements drawn on the slice they were made on."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from app.ui.flow.workspace import Workspace
from app.ui.panes.pane_paint import BANNER_HEIGHT, text, text_width
from app.view.measure import describe
from app.view.memo import Memo
from app.view.state import Measurement
from app.view.viewport import Viewport

_COLOUR = QColor(140, 255, 140)
_SHADE = QColor(0, 0, 0, 200)
_ROOMY = 450  # logical pixels: a narrower pane shows the size alone, the values would cover the picture


def measurements(painter: QPainter, workspace: Workspace, view: Viewport, memo: Memo) -> None:
    """Those of this plane's axis whose points lie in the slice shown."""
    for one in workspace.state.measurements:
        places = [view.to_pane(point_mm) for point_mm in one.points_mm]
        if one.axis != view.plane.axis or any(abs(off) > 0.5 for _, _, off in places):
            continue
        spots = [QPointF(x, y) for x, y, _ in places]
        _draw(painter, one, spots)
        scene = workspace.scene
        key = ("measured", one, view.index, scene.generation)
        lines = memo.get(view.plane, key, partial(describe, one, scene, view))
        lines = lines if view.width >= _ROOMY else lines[:1]
        room = max(text_width(line) for line in lines)
        x = min(max(spot.x() for spot in spots) + 8, view.width - room - 4)
        y = min(max(spot.y() for spot in spots), view.height - BANNER_HEIGHT - 40 - 15 * (len(lines) - 1))
        for row, line in enumerate(lines):
            text(painter, x, y + 15 * row, line)


def _draw(painter: QPainter, one: Measurement, spots: list[QPointF]) -> None:
    for pen in (QPen(_SHADE, 3), QPen(_COLOUR, 1.4)):
        painter.setPen(pen)
        if one.kind == "ellipse":
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.drawEllipse(QRectF(spots[0], spots[1]).normalized())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        else:
            painter.drawPolyline(spots)
