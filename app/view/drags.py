"""What dragging the mouse over a pane changes: functions without Qt, from a press to a drag.

A drag is told where the mouse is, in the pane's logical pixels, as often as it moves; it asks the desk, which is the
workspace, for changes. A function gives None where there is nothing to drag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp
from typing import Any, Protocol

import numpy as np

from app.case.document import Case
from app.core.geometry import Point, point
from app.view import drawing
from app.view.state import ZOOM_RANGE, ViewState, ZoomRect, windowed, zoomed
from app.view.viewport import Viewport, zoom_rect
from app.view.windows import shown_window

_WINDOW_PIXELS = 250.0  # a drag of so many pixels changes the window by its own width
_ZOOM_PIXELS = 160.0  # and of so many the scale by e
_HANDLE = 8.0  # so near a corner of the zoom rectangle a press takes hold of it

Drag = Callable[[float, float], None]


class Desk(Protocol):
    """What a drag reads and changes."""

    @property
    def state(self) -> ViewState: ...
    @property
    def case(self) -> Case: ...
    def update(self, **changes: Any) -> None: ...
    def change(self, **changes: Any) -> None: ...
    def change_layer(self, which: str, **display: Any) -> None: ...


class DraggedPane(Protocol):
    """What of a pane a drag needs to know."""

    @property
    def zoomed(self) -> bool: ...
    def view(self) -> Viewport | None: ...
    def linked(self) -> bool: ...
    def windowed_role(self, *, other: bool = False) -> str | None: ...
    def shows_fusion(self) -> bool: ...


@dataclass(frozen=True)
class Press:
    """Where a drag begins: on which pane, over which picture, at which logical pixel.

    other : of a picture of two, the one that lies below is meant
    """

    desk: Desk
    pane: DraggedPane
    view: Viewport
    x: float
    y: float
    other: bool = False


def change_window(press: Press) -> Drag | None:
    """The window of the pane's volume: right = wider, up = lower centre.

    On a fusion it is what the network is given, so that the picture is fused again; the panes go with it, on one scale.
    """
    role, reverse = press.pane.windowed_role(other=press.other), press.desk.state.reverse_window_drag
    layer = None if role is None else press.desk.case.of_role(role)
    if role is None or layer is None:
        return None
    fused = layer.fusion_window if press.pane.shows_fusion() else None
    first = shown_window(layer) if fused is None else ((fused.low + fused.high) / 2, fused.high - fused.low)

    def drag(x: float, y: float) -> None:
        right, up = (x - press.x) / _WINDOW_PIXELS, (press.y - y) / _WINDOW_PIXELS
        centre, width = windowed(first, right, up, reverse=reverse)
        given = (
            layer.fusion_window if fused is None else replace(fused, low=centre - width / 2, high=centre + width / 2)
        )
        press.desk.change_layer(role, window=(centre, width), fusion_window=given)

    return drag


def pan(press: Press) -> Drag | None:
    """Moves all pictures, or in the zoomed pane the rectangle."""
    if not press.pane.linked():
        return None

    def drag(x: float, y: float) -> None:
        centre = press.view.panned(x - press.x, y - press.y)
        if press.pane.zoomed:
            rect = zoom_rect(press.desk.state, press.view.plane)
            press.desk.update(zoom_rect=ZoomRect(centre, rect.width_mm, rect.height_mm))
        else:
            press.desk.update(centre_mm=centre)

    return drag


def zoom(press: Press) -> Drag | None:
    """Up enlarges."""
    state, rect = press.desk.state, zoom_rect(press.desk.state, press.view.plane)

    def drag(x: float, y: float) -> None:
        factor = exp((press.y - y) / _ZOOM_PIXELS)
        if press.pane.zoomed:
            press.desk.update(zoom_rect=_scaled(rect, factor))
        else:
            press.desk.update(**zoomed(state, factor))

    return drag


def move_crosshair(press: Press) -> Drag | None:
    """The crosshair follows, over the picture as it lies then: a zoomed region may move along."""

    def drag(x: float, y: float) -> None:
        view = press.pane.view()
        if view is not None:
            put_crosshair(replace(press, view=view), x, y)

    return drag


def draw_region(kind: str) -> Callable[[Press], Drag | None]:
    """Draws a region of this kind; see `drawing`."""

    def begin(press: Press) -> Drag | None:
        grown = drawing.begin(press.desk.case, kind, press.view, (press.x, press.y)) if press.pane.linked() else None
        return None if grown is None else lambda x, y: press.desk.change(regions=grown(x, y))

    return begin


def move_rectangle(press: Press) -> Drag | None:
    """Moves the zoom rectangle, or resizes it by a corner; None where the press was not on it."""
    view, rect = press.view, zoom_rect(press.desk.state, press.view.plane)
    left, top, width, height = view.rect_in_pane(rect)
    dx, dy = press.x - (left + width / 2), press.y - (top + height / 2)
    if abs(abs(dx) - width / 2) <= _HANDLE and abs(abs(dy) - height / 2) <= _HANDLE:
        smallest = min(view.plane.spacing_mm) * 4

        def resize(x: float, y: float) -> None:
            wide, tall = 2 * abs(x - left - width / 2), 2 * abs(y - top - height / 2)
            size = max(wide / view.scale, smallest), max(tall / view.scale, smallest)
            press.desk.update(zoom_rect=ZoomRect(rect.centre_mm, *size))

        return resize
    if abs(dx) > width / 2 or abs(dy) > height / 2:
        return None
    grabbed = np.subtract(rect.centre_mm, view.to_lps(press.x, press.y))

    def shift(x: float, y: float) -> None:
        centre: Point = point(view.to_lps(x, y) + grabbed)
        press.desk.update(zoom_rect=ZoomRect(centre, rect.width_mm, rect.height_mm))

    return shift


def put_crosshair(press: Press, x: float, y: float) -> None:
    """Move the crosshair to a place of the pane, if it lies on the picture."""
    place = place_at(press, x, y)
    if place is not None:
        press.desk.update(crosshair_mm=place)


def place_at(press: Press, x: float, y: float) -> Point | None:
    """The point of the shared grid at a place of the pane; None off the picture."""
    return point(press.view.to_lps(x, y)) if press.pane.linked() and press.view.holds(x, y) else None


def zoom_at(press: Press, factor: float) -> None:
    """Zoom so that what lies under the press stays there."""
    view, state = press.view, press.desk.state
    if press.pane.zoomed:
        press.desk.update(zoom_rect=_scaled(zoom_rect(state, view.plane), factor))
        return
    low, high = ZOOM_RANGE
    factor = min(max(state.zoom * factor, low), high) / state.zoom
    changes = zoomed(state, factor)
    if press.pane.linked():
        column, row = view.to_picture(press.x, press.y)
        middle = view.plane.to_lps(
            column + (view.centre_column - column) / factor,
            row + (view.centre_row - row) / factor,
            view.centre_slice,
        )
        changes["centre_mm"] = point(middle)
    press.desk.update(**changes)


def _scaled(rect: ZoomRect, factor: float) -> ZoomRect:
    return ZoomRect(rect.centre_mm, rect.width_mm / factor, rect.height_mm / factor)
