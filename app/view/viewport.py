"""Where a picture lies in its pane: one scale in pixels per mm for both directions, so that no plane is ever squeezed.

Picture coordinates are pixels of the slice (whole numbers are centres); pane coordinates are Qt's logical pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.geometry import Point, point
from app.core.planes import Plane
from app.view.state import ViewState, ZoomRect


@dataclass(frozen=True, eq=False)
class Viewport:
    """plane and slice; pane size in logical pixels; scale in pixels per mm; what of the picture is in the middle."""

    plane: Plane
    index: int
    width: float
    height: float
    scale: float
    centre_column: float
    centre_row: float
    centre_slice: float

    def to_pane(self, lps_mm: ArrayLike) -> tuple[float, float, float]:
        """x, y in the pane, and how many slices the point lies off this one."""
        column, row, index = self.plane.to_picture(lps_mm)
        x, y = self.picture_to_pane(column, row)
        return x, y, index - self.index

    def picture_to_pane(self, column: float, row: float) -> tuple[float, float]:
        row_mm, column_mm = self.plane.spacing_mm
        return (
            self.width / 2 + (column - self.centre_column) * column_mm * self.scale,
            self.height / 2 + (row - self.centre_row) * row_mm * self.scale,
        )

    def to_picture(self, x: float, y: float) -> tuple[float, float]:
        """Column and row of the picture under a place of the pane."""
        row_mm, column_mm = self.plane.spacing_mm
        return (
            self.centre_column + (x - self.width / 2) / (column_mm * self.scale),
            self.centre_row + (y - self.height / 2) / (row_mm * self.scale),
        )

    def to_lps(self, x: float, y: float) -> NDArray[np.float64]:
        """The point of the shown slice under a place of the pane."""
        return self.plane.to_lps(*self.to_picture(x, y), self.index)

    def holds(self, x: float, y: float) -> bool:
        """Whether that place lies on a pixel of the slice."""
        column, row = self.to_picture(x, y)
        rows, columns = self.plane.shape
        return -0.5 <= column < columns - 0.5 and -0.5 <= row < rows - 0.5

    def target(self) -> tuple[float, float, float, float]:
        """x, y, width, height of the whole picture in the pane."""
        rows, columns = self.plane.shape
        x, y = self.picture_to_pane(-0.5, -0.5)
        right, bottom = self.picture_to_pane(columns - 0.5, rows - 0.5)
        return x, y, right - x, bottom - y

    def panned(self, dx: float, dy: float) -> Point:
        """The new centre_mm of the view after the picture was dragged by dx, dy logical pixels."""
        column, row = self.to_picture(self.width / 2 - dx, self.height / 2 - dy)
        return point(self.plane.to_lps(column, row, self.centre_slice))

    def rect_in_pane(self, rect: ZoomRect) -> tuple[float, float, float, float]:
        """x, y, width, height of a zoom rectangle."""
        x, y, _ = self.to_pane(rect.centre_mm)
        width, height = rect.width_mm * self.scale, rect.height_mm * self.scale
        return x - width / 2, y - height / 2, width, height


def viewport(
    state: ViewState, plane: Plane, index: int, width: float, height: float, *, linked: bool = True
) -> Viewport:
    """Fit, zoom and pan of a pane; linked=False is for a grid of its own, which does not know the shared mm."""
    extent_x, extent_y = plane.extent_mm
    scale = min(width / extent_x, height / extent_y) * state.zoom
    centre = state.centre_mm if linked and state.centre_mm is not None else plane.grid.centre_mm
    return Viewport(plane, index, width, height, max(scale, 1e-6), *plane.to_picture(centre))


def zoom_viewport(state: ViewState, plane: Plane, index: int, width: float, height: float) -> Viewport:
    """A pane filled by the zoom rectangle."""
    rect = zoom_rect(state, plane)
    scale = min(width / rect.width_mm, height / rect.height_mm)
    return Viewport(plane, index, width, height, max(scale, 1e-6), *plane.to_picture(rect.centre_mm))


def zoom_rect(state: ViewState, plane: Plane) -> ZoomRect:
    """The state's rectangle, or half the plane's width and height around the crosshair."""
    if state.zoom_rect is not None:
        return state.zoom_rect
    width, height = plane.extent_mm
    side = max(min(width, height) / 2, min(plane.spacing_mm))
    return ZoomRect(state.crosshair_mm, side, side)
