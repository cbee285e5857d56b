"""What the mouse does in a pane: the defaults most readers already know (left drag window/level, wheel slices, ...).

left drag: window/level, or the tool chosen by key (pan, zoom, crosshair, a measurement); right = wider, up = lower
centre. left click: the crosshair. middle drag: pan. right drag: zoom; right click: menu. wheel: slices; with Ctrl:
zoom. Shift and moving: the crosshair follows. double click: the pane fills the window, or goes back. In the layout
"zoom" the rectangle is dragged by its inside and resized by its corners.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from typing import Protocol

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from app.core.geometry import Point, point
from app.ui.flow.workspace import Workspace
from app.view import drawing, measure
from app.view.layouts import LAYOUTS
from app.view.state import ZOOM_RANGE, ViewState, Window, ZoomRect, windowed, zoomed
from app.view.viewport import Viewport, zoom_rect
from app.view.windows import window_of

CLICK_PIXELS = 4  # a press that moved less than this is a click
_WINDOW_PIXELS = 250.0  # a drag of so many pixels changes the window by its own width
_ZOOM_PIXELS = 160.0
_HANDLE = 8.0
_NOTCH = 120  # QWheelEvent's eighths of a degree in one notch

Drag = Callable[[float, float], None]  # told where the mouse is, in the pane's logical pixels


class Pane(Protocol):
    """What of a pane the mouse needs to know."""

    @property
    def zoomed(self) -> bool: ...

    def view(self) -> Viewport | None: ...
    def linked(self) -> bool: ...
    def windowed_role(self) -> str | None: ...
    def ask_menu(self, at: QPointF) -> None: ...
    def toggle_maximised(self) -> None: ...


class PaneMouse:
    """One pane's mouse: turns Qt's events into changes of the workspace."""

    def __init__(self, pane: Pane, workspace: Workspace) -> None:
        self._pane = pane
        self._workspace = workspace
        self._button = Qt.MouseButton.NoButton
        self._start = QPointF()
        self._moved = False
        self._drag: Drag | None = None
        self._wheel = 0.0

    def press(self, event: QMouseEvent) -> None:
        if self._button != Qt.MouseButton.NoButton:
            return  # a second button during a drag means nothing
        self._button, self._start, self._moved = event.button(), event.position(), False
        self._drag = self._begin(event.button(), event.position())
        self._touch()

    def move(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._button == Qt.MouseButton.NoButton:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.put_crosshair(at)
            self._probe(at)
            return
        if not self._moved and (at - self._start).manhattanLength() < CLICK_PIXELS:
            return
        self._moved = True
        if self._drag is not None:
            self._drag(at.x(), at.y())

    def release(self, event: QMouseEvent) -> None:
        if event.button() != self._button:
            return
        button, self._button, self._drag = self._button, Qt.MouseButton.NoButton, None
        self._workspace.end_gesture()
        if self._moved:
            return
        if button == Qt.MouseButton.LeftButton:
            self.put_crosshair(event.position())
        elif button == Qt.MouseButton.RightButton:
            self._pane.ask_menu(event.position())

    def double_click(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pane.toggle_maximised()

    def wheel(self, event: QWheelEvent) -> None:
        self._wheel += event.angleDelta().y() / _NOTCH  # touchpads send fractions of a notch
        notches = int(self._wheel)
        if not notches:
            return
        self._wheel -= notches
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            at = event.position()
            self._zoom_at(1.2**notches, at.x(), at.y())
        else:
            view = self._pane.view()
            if view is not None:
                axis = view.plane.axis if self._pane.linked() else None
                self._workspace.scroll(-notches, axis)
                self._touch()

    def leave(self, event: QEvent) -> None:
        self._workspace.probed.emit(None)

    def put_crosshair(self, at: QPointF) -> None:
        """Move the crosshair to a place of the pane, if it lies on the picture."""
        view = self._pane.view()
        if view is not None and self._pane.linked() and view.holds(at.x(), at.y()):
            self._workspace.update(crosshair_mm=point(view.to_lps(at.x(), at.y())))

    # Drags -----------------------------------------------------------------------------------------------------

    def _begin(self, button: Qt.MouseButton, at: QPointF) -> Drag | None:
        view = self._pane.view()
        if view is None:
            return None
        if button == Qt.MouseButton.MiddleButton:
            return self._pan(view)
        if button == Qt.MouseButton.RightButton:
            return self._zoom(self._workspace.state)
        if button != Qt.MouseButton.LeftButton:
            return None
        state = self._workspace.state
        if LAYOUTS[state.layout].has_zoom and not self._pane.zoomed and self._pane.linked():
            grabbed = self._rectangle(view, state, at)
            if grabbed is not None:
                return grabbed
        if state.tool == "pan":
            return self._pan(view)
        if state.tool == "zoom":
            return self._zoom(state)
        if state.tool == "crosshair":
            return lambda x, y: self.put_crosshair(QPointF(x, y))
        if state.tool in measure.KINDS:
            return self._draw(state.tool, view, at) if self._pane.linked() else None
        return self._window(state)

    def _draw(self, kind: str, view: Viewport, at: QPointF) -> Drag | None:
        grown = drawing.begin(self._workspace.scene, kind, view, (at.x(), at.y()))
        return None if grown is None else lambda x, y: self._workspace.change(regions=grown(x, y))

    def _window(self, state: ViewState) -> Drag | None:
        role = self._pane.windowed_role()
        first: Window | None = None if role is None else window_of(self._workspace.scene, role)
        if role is None or first is None:
            return None

        def drag(x: float, y: float) -> None:
            right, up = (x - self._start.x()) / _WINDOW_PIXELS, (self._start.y() - y) / _WINDOW_PIXELS
            window = windowed(first, right, up, reverse=state.reverse_window_drag)
            self._workspace.change_layer(role, window=window)

        return drag

    def _pan(self, view: Viewport) -> Drag | None:
        if not self._pane.linked():
            return None

        def drag(x: float, y: float) -> None:
            centre = view.panned(x - self._start.x(), y - self._start.y())
            if self._pane.zoomed:
                rect = zoom_rect(self._workspace.state, view.plane)
                self._workspace.update(zoom_rect=ZoomRect(centre, rect.width_mm, rect.height_mm))
            else:
                self._workspace.update(centre_mm=centre)

        return drag

    def _zoom(self, state: ViewState) -> Drag:
        view = self._pane.view()
        rect = None if view is None else zoom_rect(state, view.plane)

        def drag(x: float, y: float) -> None:
            factor = exp((self._start.y() - y) / _ZOOM_PIXELS)
            if self._pane.zoomed and rect is not None:
                self._workspace.update(zoom_rect=_scaled(rect, factor))
            else:
                self._workspace.update(**zoomed(state, factor))

        return drag

    def _zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom so that what lies under the mouse stays there."""
        view, state = self._pane.view(), self._workspace.state
        if view is None:
            return
        if self._pane.zoomed:
            self._workspace.update(zoom_rect=_scaled(zoom_rect(state, view.plane), factor))
            return
        low, high = ZOOM_RANGE
        factor = min(max(state.zoom * factor, low), high) / state.zoom
        changes = zoomed(state, factor)
        if self._pane.linked():
            column, row = view.to_picture(x, y)
            middle = view.plane.to_lps(
                column + (view.centre_column - column) / factor,
                row + (view.centre_row - row) / factor,
                view.centre_slice,
            )
            changes["centre_mm"] = point(middle)
        self._workspace.update(**changes)

    def _rectangle(self, view: Viewport, state: ViewState, at: QPointF) -> Drag | None:
        """Moving or resizing the zoom rectangle, where the press was on it."""
        rect = zoom_rect(state, view.plane)
        left, top, width, height = view.rect_in_pane(rect)
        dx, dy = at.x() - (left + width / 2), at.y() - (top + height / 2)
        if abs(abs(dx) - width / 2) <= _HANDLE and abs(abs(dy) - height / 2) <= _HANDLE:

            def resize(x: float, y: float) -> None:
                wide = max(2 * abs(x - left - width / 2) / view.scale, min(view.plane.spacing_mm) * 4)
                tall = max(2 * abs(y - top - height / 2) / view.scale, min(view.plane.spacing_mm) * 4)
                self._workspace.update(zoom_rect=ZoomRect(rect.centre_mm, wide, tall))

            return resize
        if abs(dx) > width / 2 or abs(dy) > height / 2:
            return None
        grabbed = np.subtract(rect.centre_mm, view.to_lps(at.x(), at.y()))

        def shift(x: float, y: float) -> None:
            centre: Point = point(view.to_lps(x, y) + grabbed)
            self._workspace.update(zoom_rect=ZoomRect(centre, rect.width_mm, rect.height_mm))

        return shift

    # Small things ----------------------------------------------------------------------------------------------

    def _touch(self) -> None:
        """In the layout of three planes, keys go to the plane last touched."""
        view = self._pane.view()
        if view is not None and self._pane.linked():
            self._workspace.update(axis=view.plane.axis)

    def _probe(self, at: QPointF) -> None:
        view = self._pane.view()
        on_image = view is not None and self._pane.linked() and view.holds(at.x(), at.y())
        self._workspace.probed.emit(point(view.to_lps(at.x(), at.y())) if on_image and view is not None else None)


def _scaled(rect: ZoomRect, factor: float) -> ZoomRect:
    return ZoomRect(rect.centre_mm, rect.width_mm / factor, rect.height_mm / factor)
