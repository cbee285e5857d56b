"""Where one looks, and nothing else: what a mouse, key or slider changes without changing the case.

The truth about position is `crosshair_mm`, a point in the patient (LPS mm of the MRI's frame): every pane finds its
slice from it, so that no two panes can drift apart. Functions here take a state and return the fields to change:
    workspace.update(**scrolled(state, grid, +1))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from app.core.geometry import Geometry, Point, point

Window = tuple[float, float]  # centre, width

PLANE_NAMES = ("axial", "coronal", "sagittal")
ANNOTATION_LEVELS = ("full", "no patient data", "none")
ZOOM_RANGE = (0.1, 40.0)


@dataclass(frozen=True)
class ZoomRect:
    """The region of the zoom layout: its centre in LPS mm, its width and height on the screen in mm."""

    centre_mm: Point
    width_mm: float
    height_mm: float


@dataclass(frozen=True)
class ViewState:
    """Where one looks: position, zoom, layout, tool, blend.

    axis : 0, 1, 2: the grid's index axis (i, j, k) that the slices are stacked along; in a layout of planes that of
        the pane last touched
    crosshair_mm : LPS mm
    overlay : 0 shows the MRI alone, 1 the partner alone; in between, a linear blend of the two pictures
    fusion : 0 shows that overlay, 1 the network's fusion
    zoom : 1 fits the plane in its pane; centre_mm : the point in the middle of every pane, None the grid's centre
    zoom_rect : the region of the zoomed pane; None is a quarter of the plane around the crosshair
    maximised : name of the pane that fills the window, "" for none
    hold_mri : the MRI alone is shown while a key is held, whatever the sliders say
    tool : of `tools.TOOLS`, what the left button does; "" on paper
    annotations : one of ANNOTATION_LEVELS; sides of the patient, verdicts and warnings are never hidden
    smooth : linear interpolation on the screen; False shows the pixels as squares
    reverse_window_drag : turns the directions of the window/level drag round
    """

    axis: int = 2
    crosshair_mm: Point = (0.0, 0.0, 0.0)
    overlay: float = 0.5
    fusion: float = 0.0
    zoom: float = 1.0
    centre_mm: Point | None = None
    zoom_rect: ZoomRect | None = None
    layout: str = "side-by-side"
    maximised: str = ""
    annotations: str = "full"
    tool: str = "window"
    show_crosshair: bool = True
    hold_mri: bool = False
    smooth: bool = True
    reverse_window_drag: bool = False

    def slice_of(self, grid: Geometry, axis: int | None = None) -> int:
        """The index along `axis` of the grid's slice that holds the crosshair, or the nearest one."""
        axis = self.axis if axis is None else axis
        return nearest_index(grid, self.crosshair_mm, axis)


def nearest_index(grid: Geometry, lps_mm: ArrayLike, axis: int) -> int:
    """The slice index along `axis` nearest to a point, inside the grid."""
    index = float(grid.to_index(np.asarray(lps_mm, dtype=np.float64))[axis])
    return int(np.clip(np.floor(index + 0.5), 0, grid.size[axis] - 1))


def at_slice(state: ViewState, grid: Geometry, index: int, axis: int | None = None) -> dict[str, Any]:
    """Changes that bring slice `index` along `axis` into view; the crosshair moves straight through the stack."""
    axis = state.axis if axis is None else axis
    ijk = grid.to_index(state.crosshair_mm)
    ijk[axis] = min(max(index, 0), grid.size[axis] - 1)
    return {"crosshair_mm": point(grid.to_lps(ijk))}


def scrolled(state: ViewState, grid: Geometry, steps: int, axis: int | None = None) -> dict[str, Any]:
    """Changes that move `steps` slices on along `axis`, staying inside the grid."""
    return at_slice(state, grid, state.slice_of(grid, axis) + steps, axis)


def zoomed(state: ViewState, factor: float) -> dict[str, Any]:
    low, high = ZOOM_RANGE
    return {"zoom": min(max(state.zoom * factor, low), high)}


def fitted() -> dict[str, Any]:
    """Changes that show the whole plane again."""
    return {"zoom": 1.0, "centre_mm": None}


def reset() -> dict[str, Any]:
    """Changes that undo zoom and pan; the place that is looked at stays."""
    return {**fitted(), "zoom_rect": None, "maximised": ""}


def centre_voxel(grid: Geometry) -> Point:
    """LPS mm of the voxel in the middle of the grid."""
    return point(grid.to_lps([n // 2 for n in grid.size]))


def windowed(window: Window, right: float, up: float, *, reverse: bool = False) -> Window:
    """A window after a drag: right widens, up lowers the centre; one unit of drag is one window's width."""
    centre, width = window
    if reverse:
        right, up = -right, -up
    return centre - up * width, max(width * float(np.exp(right)), 1e-6)
