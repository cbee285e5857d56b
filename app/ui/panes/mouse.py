"""What the mouse does in a pane: the defaults most readers already know (left drag window/level, wheel slices, ...).

left drag: window/level (on a picture of both the partner's, with Ctrl the MRI's), or the tool chosen by key (pan, zoom,
crosshair, a measurement); right = wider, up = lower centre. left click: the crosshair. middle drag: pan. right drag:
zoom; right click: menu. wheel: slices; with Ctrl: zoom. Shift and moving: the crosshair follows. double click: the pane
fills the window, or goes back. In the layout "zoom" the rectangle is dragged by its inside and resized by its corners.
"""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from app.core.geometry import point
from app.ui.flow.workspace import Workspace
from app.view import drags
from app.view.drags import Drag, DraggedPane, Press
from app.view.layouts import LAYOUTS
from app.view.tools import TOOLS

CLICK_PIXELS = 4  # a press that moved less than this is a click
_NOTCH = 120  # QWheelEvent's eighths of a degree in one notch


class Pane(DraggedPane, Protocol):
    """What of a pane the mouse needs to know."""

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
        self._over: QPointF | None = None  # where the mouse is, None while it is not over the pane

    def press(self, event: QMouseEvent) -> None:
        if self._button != Qt.MouseButton.NoButton:
            return  # a second button during a drag means nothing
        self._button, self._start, self._moved = event.button(), event.position(), False
        with_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        self._drag = self._begin(event.button(), event.position(), other=with_ctrl)
        self._touch()

    def move(self, event: QMouseEvent) -> None:
        at = self._over = event.position()
        if self._button == Qt.MouseButton.NoButton:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.put_crosshair(at)
            self.probe()
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
            self._jump_to(event.position())
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
            press = self._press(event.position())
            if press is not None:
                drags.zoom_at(press, 1.2**notches)
        else:
            view = self._pane.view()
            if view is not None:
                axis = view.plane.axis if self._pane.linked() else None
                self._workspace.scroll(-notches, axis)
                self._touch()

    def leave(self) -> None:
        """The mouse, or the pane under it, has gone."""
        if self._over is not None:
            self._over = None
            self._workspace.probed.emit(None)

    def probe(self) -> None:
        """Read what lies under the mouse: when it moves, and when the picture under it changes."""
        at, view = self._over, self._pane.view()
        if at is None:
            return
        on_image = view is not None and self._pane.linked() and view.holds(at.x(), at.y())
        self._workspace.probed.emit(point(view.to_lps(at.x(), at.y())) if on_image and view is not None else None)

    def put_crosshair(self, at: QPointF) -> None:
        """Move the crosshair to a place of the pane, if it lies on the picture."""
        press = self._press(at)
        if press is not None:
            drags.put_crosshair(press, at.x(), at.y())

    def _jump_to(self, at: QPointF) -> None:
        press = self._press(at)
        place = None if press is None else drags.place_at(press, at.x(), at.y())
        if place is not None:
            self._workspace.jump(crosshair_mm=place)

    # What a press begins ---------------------------------------------------------------------------------------

    def _press(self, at: QPointF, *, other: bool = False) -> Press | None:
        view = self._pane.view()
        return None if view is None else Press(self._workspace, self._pane, view, at.x(), at.y(), other)

    def _begin(self, button: Qt.MouseButton, at: QPointF, *, other: bool) -> Drag | None:
        press, state = self._press(at, other=other), self._workspace.state
        if press is None:
            return None
        if button == Qt.MouseButton.MiddleButton:
            return drags.pan(press)
        if button == Qt.MouseButton.RightButton:
            return drags.zoom(press)
        if button != Qt.MouseButton.LeftButton:
            return None
        on_rectangle = LAYOUTS[state.layout].has_zoom and not self._pane.zoomed and self._pane.linked()
        held = drags.move_rectangle(press) if on_rectangle else None
        return held or TOOLS[state.tool].begin(press)

    # Small things ----------------------------------------------------------------------------------------------

    def _touch(self) -> None:
        """In the layout of three planes, keys go to the plane last touched."""
        view = self._pane.view()
        if view is not None and self._pane.linked():
            self._workspace.update(axis=view.plane.axis)
