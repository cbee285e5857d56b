"""Regions: what a reader has drawn, in the patient: a length, an angle, an ellipse. They know no panes and no axes.

A region lies in the LPS mm of the series it was drawn on, and so of that series' frame of reference; where it lies in
another series the links say. Its values come from the native voxels of a layer in that layer's own grid, never from
resampled or fused pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.case import links as graph
from app.case.layers import Layer
from app.case.links import End
from app.core.geometry import Point, point, transform_points

Inside = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
AREAS: dict[str, Inside] = {  # kinds with an inside: which places (..., 2) of a box from -1 to 1 lie in it
    "ellipse": lambda places: (places**2).sum(-1) <= 1,
}


@dataclass(frozen=True)
class Region:
    """number : its identity within a case; name : what the reader calls it, "" for nothing

    points_mm : the two ends of a length; the three points of an angle, the vertex second; two opposite corners of an
        ellipse's box. LPS mm of the series `drawn_on`
    directions : unit vectors along the box's two sides; they span the plane that an ellipse lies in
    """

    number: int
    kind: str
    points_mm: tuple[Point, ...]
    drawn_on: End
    directions: tuple[Point, Point] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    name: str = ""

    @property
    def layer_uid(self) -> str:
        return self.drawn_on.series_uid

    @property
    def unfinished(self) -> bool:
        """An angle waits for its second leg."""
        return self.kind == "angle" and len(self.points_mm) == 2

    @property
    def axes(self) -> NDArray[np.float64]:
        """(3, 3): unit vectors along the box's sides, and through the plane."""
        across, down = np.asarray(self.directions, dtype=np.float64)
        return np.stack([across, down, np.cross(across, down)])


@dataclass(frozen=True)
class Statistics:
    """Of the voxels whose centres lie in a region, in the layer's unit."""

    count: int
    mean: float
    deviation: float
    low: float
    high: float


def moved(region: Region, drawn_to: NDArray[np.float64]) -> Region:
    """The region in other coordinates; drawn_to : 4x4, rigid, from its LPS mm to those."""
    points = tuple(point(transform_points(drawn_to, np.asarray(place))) for place in region.points_mm)
    across, down = (point(drawn_to[:3, :3] @ np.asarray(direction)) for direction in region.directions)
    return replace(region, points_mm=points, directions=(across, down))


def length_mm(region: Region) -> float:
    """Distance between the first two points."""
    return float(np.linalg.norm(np.subtract(region.points_mm[1], region.points_mm[0])))


def angle_deg(region: Region) -> float:
    """The angle at the second of three points, 0 to 180; ValueError while a leg is missing or has no length."""
    if len(region.points_mm) != 3:
        raise ValueError("an angle needs three points")
    first, vertex, last = (np.asarray(place) for place in region.points_mm)
    a, b = first - vertex, last - vertex
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    if size == 0:
        raise ValueError("a leg of the angle has no length")
    return float(np.degrees(np.arccos(np.clip(a @ b / size, -1, 1))))


def area_mm2(region: Region) -> float:
    """Of an ellipse in its box."""
    sides = np.abs(region.axes[:2] @ np.subtract(region.points_mm[1], region.points_mm[0]))
    return float(np.pi / 4 * sides[0] * sides[1])


def statistics(region: Region, layer: Layer, links: Sequence[graph.Link]) -> Statistics | None:
    """Of the layer's own voxels in the region.

    None for a region without an inside, where no link leads from it to the layer, and where no voxel lies inside.
    """
    way = graph.way(links, region.drawn_on, layer.end)
    return None if way is None else statistics_through(region, layer, way.fixed_to_moving)


def statistics_through(region: Region, layer: Layer, matrix: NDArray[np.float64]) -> Statistics | None:
    """The same where the way is known already.

    matrix : 4x4, from the LPS mm of the region to the layer's. A voxel counts where its centre lies in the ellipse,
    within half a voxel's thickness of its plane, and it is no padding.
    """
    if region.kind not in AREAS:
        return None
    volume, axes = layer.volume, region.axes
    grid = volume.geometry
    corners = np.asarray(region.points_mm, dtype=np.float64)
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
    inside = AREAS[region.kind](place[..., :2] / half)
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
