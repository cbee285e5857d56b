"""Tissues, and the shapes that `phantom` paints them with: ellipsoids, chains of cones and a folded sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Where = NDArray[np.intp]
Point = tuple[float, float, float]


class Tissue(Enum):
    AIR = "air"
    SKIN = "skin"
    FAT = "fat"
    MUSCLE = "muscle"
    CORTICAL_BONE = "cortical bone"
    DIPLOE = "diploe"
    MUCOSA = "mucosa"
    DURA = "dura"
    CSF = "CSF"
    GREY = "grey matter"
    WHITE = "white matter"
    STRIATUM = "striatum"
    PALLIDUM = "pallidum"
    THALAMUS = "thalamus"
    CEREBELLUM = "cerebellar cortex"
    BRAINSTEM = "brainstem"
    VITREOUS = "vitreous"
    LENS = "lens"
    CALCIFICATION = "calcification"
    MARKER = "marker"
    LESION = "lesion"


Values = Mapping[Tissue, float | None]  # what a scanner measures in each tissue; None: not seen, what lies there stays


@dataclass
class Canvas:
    """Points of the head near a slab of slices, and what has been painted on them so far."""

    x: Array
    y: Array
    z: Array
    image: Array
    values: Values
    edge_mm: float
    skin: Array = field(init=False)  # distance to the outside of the head, negative inside

    def __post_init__(self) -> None:
        self.low = [float(a.min()) for a in (self.x, self.y, self.z)]
        self.high = [float(a.max()) for a in (self.x, self.y, self.z)]

    def paint(self, tissue: Tissue, distance: Array, at: Where | slice = slice(None), *, share: float = 1.0) -> None:
        value = self.values[tissue]
        if value is None:
            return
        cover = np.clip(0.5 - distance / np.float32(self.edge_mm), 0, share)
        self.image[at] += cover * (np.float32(value) - self.image[at])

    def box(self, centre: Point, reach: Point) -> Where:
        """Indices of the points within centre ± reach, with room for the edge."""
        reach = tuple(r + self.edge_mm for r in reach)  # type: ignore[assignment]  # three stay three
        for c, r, low, high in zip(centre, reach, self.low, self.high, strict=True):
            if c - r > high or c + r < low:
                return np.empty(0, np.intp)
        inside = np.abs(self.z - np.float32(centre[2])) <= reach[2]
        inside &= np.abs(self.y - np.float32(centre[1])) <= reach[1]
        inside &= np.abs(self.x - np.float32(centre[0])) <= reach[0]
        return np.flatnonzero(inside)

    def ellipsoid(self, tissue: Tissue, centre: Point, radii: Point, *, under: float | None = None) -> None:
        """under : stay at least so many mm below the skin"""
        at = self.box(centre, radii)
        if at.size:
            distance = ellipsoid(self.x[at], self.y[at], self.z[at], centre, radii)
            self.paint(tissue, distance if under is None else np.maximum(distance, self.skin[at] + under), at)

    def tube(self, tissue: Tissue, *ends: tuple[Point, float], under: float | None = None) -> None:
        """A chain of rounded cones through (centre, radius)."""
        for (a, radius_a), (b, radius_b) in pairwise(ends):
            thick = max(radius_a, radius_b)
            centre = tuple((p + q) / 2 for p, q in zip(a, b, strict=True))
            reach = tuple(abs(p - q) / 2 + thick for p, q in zip(a, b, strict=True))
            at = self.box(centre, reach)  # type: ignore[arg-type]  # three stay three
            if at.size:
                along, from_axis = segment(self.x[at], self.y[at], self.z[at], a, b)
                distance = from_axis - (radius_a + along * (radius_b - radius_a))
                self.paint(tissue, distance if under is None else np.maximum(distance, self.skin[at] + under), at)


def ellipsoid(x: Array, y: Array, z: Array, centre: Point, radii: Point) -> Array:
    """Distance to the surface along the ray through the centre: exact for spheres, close enough for the rest."""
    dx, dy, dz = x - np.float32(centre[0]), y - np.float32(centre[1]), z - np.float32(centre[2])
    a, b, c = (np.float32(1 / r) for r in radii)
    tiny = 1e-8  # at the very centre the ray has no direction: let it take the shortest
    q = np.sqrt((dx * a) ** 2 + (dy * b) ** 2 + (dz * c) ** 2 + np.float32(tiny))
    return np.sqrt(dx * dx + dy * dy + dz * dz + np.float32(tiny * min(radii) ** 2)) * (1 - 1 / q)


def segment(x: Array, y: Array, z: Array, a: Point, b: Point) -> tuple[Array, Array]:
    """Where along a-b (0..1) the nearest point lies, and the distance to it."""
    d = [np.float32(q - p) for p, q in zip(a, b, strict=True)]
    dx, dy, dz = x - np.float32(a[0]), y - np.float32(a[1]), z - np.float32(a[2])
    along = np.clip((dx * d[0] + dy * d[1] + dz * d[2]) / np.float32(sum(float(v) ** 2 for v in d)), 0, 1)
    return along, np.sqrt((dx - along * d[0]) ** 2 + (dy - along * d[1]) ** 2 + (dz - along * d[2]) ** 2)


def union(a: Array, b: Array, blend: float) -> Array:
    """The nearer of two surfaces, their seam rounded over `blend` mm."""
    h = np.maximum(np.float32(blend) - np.abs(a - b), 0) / np.float32(blend)
    return np.minimum(a, b) - h * h * np.float32(blend / 4)


def gyroid(x: Array, y: Array, z: Array, period_mm: float) -> Array:
    """Zero on an endless folded sheet; near it, close to the distance in mm (the gradient is about 1.35 per radian)."""
    k = np.float32(2 * np.pi / period_mm)
    u, v, w = x * k, y * k, z * k
    return (np.sin(u) * np.cos(v) + np.sin(v) * np.cos(w) + np.sin(w) * np.cos(u)) / (np.float32(1.35) * k)
