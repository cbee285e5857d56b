"""Length, angle and ellipse: drawn on a plane, kept in patient millimetres, values read from native voxels.

A length or an ellipse is one drag. An angle takes two: the first draws one leg towards the vertex, the second, begun
anywhere, leads the other leg away from it. An ellipse's mean, spread and extremes come from the voxels of each volume
in its own grid, never from resampled or fused pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.geometry import transform_points
from app.core.volume import Volume
from app.view.labels import name_of
from app.view.probe import number, unit_text
from app.view.scene import Scene
from app.view.state import Measurement, ViewState, point
from app.view.viewport import Viewport

KINDS = ("length", "angle", "ellipse")


@dataclass(frozen=True)
class Statistics:
    """Of the voxels whose centres lie in an ellipse, in the volume's unit."""

    count: int
    mean: float
    deviation: float
    low: float
    high: float


def begin(state: ViewState, view: Viewport, at: tuple[float, float]) -> Callable[[float, float], dict[str, Any]]:
    """A drag that draws the measurement of the state's tool from `at` (pane pixels): gives the fields to change."""
    before = state.measurements
    kind, start = state.tool, point(view.to_lps(*at))
    open_angle = before[-1] if before and _waits(before[-1]) and before[-1].axis == view.plane.axis else None

    def drag(x: float, y: float) -> dict[str, Any]:
        here = point(view.to_lps(x, y))
        if kind == "angle" and open_angle is not None:
            return {"measurements": (*before[:-1], replace(open_angle, points_mm=(*open_angle.points_mm, here)))}
        return {"measurements": (*before, Measurement(kind, (start, here), view.plane.axis))}

    return drag


def _waits(one: Measurement) -> bool:
    return one.kind == "angle" and len(one.points_mm) == 2


def length_mm(one: Measurement) -> float:
    """Distance between the first two points."""
    return float(np.linalg.norm(np.subtract(one.points_mm[1], one.points_mm[0])))


def angle_deg(one: Measurement) -> float:
    """The angle at the second of three points, 0 to 180; ValueError while a leg is missing or has no length."""
    if len(one.points_mm) != 3:
        raise ValueError("an angle needs three points")
    first, vertex, last = (np.asarray(p) for p in one.points_mm)
    a, b = first - vertex, last - vertex
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    if size == 0:
        raise ValueError("a leg of the angle has no length")
    return float(np.degrees(np.arccos(np.clip(a @ b / size, -1, 1))))


def area_mm2(one: Measurement, view_plane_axes: NDArray[np.float64]) -> float:
    """Of an ellipse in its box; view_plane_axes (2, 3): the unit vectors along the box's sides."""
    sides = np.abs(view_plane_axes @ np.subtract(one.points_mm[1], one.points_mm[0]))
    return float(np.pi / 4 * sides[0] * sides[1])


def ellipse_statistics(
    volume: Volume, one: Measurement, axes: NDArray[np.float64], matrix: NDArray[np.float64]
) -> Statistics | None:
    """The voxels of `volume` whose centres lie in the ellipse, within half a voxel's thickness of its plane.

    axes : (3, 3) unit vectors in LPS: right and down on the screen, and through the plane
    matrix : 4x4, from the LPS mm of the ellipse to the volume's
    None where no voxel lies inside.
    """
    grid = volume.geometry
    corners = np.asarray(one.points_mm, dtype=np.float64)
    centre, half = corners.mean(0), np.maximum(np.abs(axes[:2] @ (corners[1] - corners[0])) / 2, 1e-9)
    moved_axes = axes @ matrix[:3, :3].T
    moved_centre = transform_points(matrix, centre)
    thick = 0.5 * float(np.abs(grid.direction.T @ moved_axes[2]) @ np.asarray(grid.spacing_mm))
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
    box = grid.to_index(moved_centre + (signs * [*half, thick]) @ moved_axes)
    last = np.asarray(grid.size) - 1
    low, high = (np.clip(f, 0, last).astype(int) for f in (np.floor(box.min(0)), np.ceil(box.max(0))))
    i, j, k = (np.arange(a, b + 1) for a, b in zip(low, high, strict=True))
    ijk = np.stack(np.meshgrid(k, j, i, indexing="ij")[::-1], axis=-1)
    place = (grid.to_lps(ijk) - moved_centre) @ moved_axes.T
    inside = ((place[..., :2] / half) ** 2).sum(-1) <= 1
    inside &= np.abs(place[..., 2]) <= thick * (1 + 1e-9)
    block = np.s_[low[2] : high[2] + 1, low[1] : high[1] + 1, low[0] : high[0] + 1]
    if volume.valid is not None:
        inside &= volume.valid[block]
    slopes, intercepts = (per[low[2] : high[2] + 1, None, None] for per in (volume.slope, volume.intercept))
    values = (volume.stored[block] * slopes + intercepts)[inside]
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    return Statistics(values.size, float(values.mean()), float(values.std()), float(values.min()), float(values.max()))


def describe(one: Measurement, scene: Scene, view: Viewport) -> tuple[str, ...]:
    """The lines that stand beside a measurement; pixels instead of millimetres for pictures."""
    grid = view.plane.grid
    unit = "mm" if grid.in_mm else "px"
    if one.kind == "length":
        return (f"{length_mm(one):.1f} {unit}",)
    if one.kind == "angle":
        whole = len(one.points_mm) == 3 and one.points_mm[1] not in (one.points_mm[0], one.points_mm[2])
        return (f"{angle_deg(one):.1f}°",) if whole else ("draw the second leg",)
    axes = _screen_axes(view)
    lines = [f"{area_mm2(one, axes[:2]) / (100 if grid.in_mm else 1):.2f} {'cm²' if grid.in_mm else 'px²'}"]
    matrix = scene.fixed_to_moving
    readings = [(scene.mri, np.eye(4)), (scene.partner, None if scene.stopped else matrix)]
    for volume, to_volume in readings:
        found = None if volume is None or to_volume is None else ellipse_statistics(volume, one, axes, to_volume)
        if volume is not None and found is not None:
            lines.append(
                f"{name_of(volume)} {number(found.mean)} ± {number(found.deviation)} "
                f"({number(found.low)} to {number(found.high)}) {unit_text(volume.unit)}"
            )
    return tuple(lines)


def _screen_axes(view: Viewport) -> NDArray[np.float64]:
    """(3, 3): unit vectors right, down and through the plane, in LPS mm."""
    direction = view.plane.geometry(view.index).direction.T
    return np.stack([direction[0], direction[1], np.cross(direction[0], direction[1])])
