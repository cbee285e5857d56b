"""How a slice of a grid lies on the screen: radiological convention, by turning and flipping for display only.

Patient right is on screen left in axial and coronal slices, anterior is up in axial and on screen left in sagittal
ones, superior is up in the others. Which array axis becomes a row or a column, and which way round, follows from the
affine alone, so that all 48 ways to store a volume look the same. Pictures without millimetres are shown as stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.geometry import Geometry

_SCREEN = {  # plane: the patient directions (LPS) that go to screen right and screen down
    "axial": ((1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
}


@dataclass(frozen=True, eq=False)
class Plane:
    """Slices across index axis `axis` of `grid`, as they are shown.

    across, down : the index axes (0, 1, 2 for i, j, k) that run along screen columns and rows
    flip_across, flip_down : whether the index grows to the left, or upwards
    """

    grid: Geometry
    axis: int
    across: int
    down: int
    flip_across: bool
    flip_down: bool

    @cached_property
    def name(self) -> str:
        """ "axial", "coronal" or "sagittal"; "" for pictures."""
        return self.grid.plane_across(self.axis) if self.grid.in_mm else ""

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return self.grid.size[self.down], self.grid.size[self.across]

    @cached_property
    def spacing_mm(self) -> tuple[float, float]:
        """Distance between rows, and between columns."""
        return self.grid.spacing_mm[self.down], self.grid.spacing_mm[self.across]

    @cached_property
    def extent_mm(self) -> tuple[float, float]:
        """Width and height of the whole picture, outer edges of the pixels included."""
        (rows, columns), (row_mm, column_mm) = self.shape, self.spacing_mm
        return columns * column_mm, rows * row_mm

    @property
    def slices(self) -> int:
        return self.grid.size[self.axis]

    @cached_property
    def letters(self) -> tuple[str, str, str, str]:
        """Patient sides at the screen's left, right, top and bottom edge; empty for pictures."""
        if not self.grid.in_mm:
            return "", "", "", ""
        right = self.grid.letter(self.across, end=not self.flip_across)
        left = self.grid.letter(self.across, end=self.flip_across)
        bottom = self.grid.letter(self.down, end=not self.flip_down)
        top = self.grid.letter(self.down, end=self.flip_down)
        return left, right, top, bottom

    def take(self, voxels: NDArray[Any], index: int) -> NDArray[Any]:
        """Slice `index` of an array [k, j, i] of this grid as a view [row, column] in screen order."""
        return self.show(voxels[_at(2 - self.axis, index)])

    def show(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """One slice, what indexing along `axis` leaves of [k, j, i] or [k, j, i, 3], as a view in screen order."""
        if self.across > self.down:  # the higher index axis comes first
            pixels = pixels.swapaxes(0, 1)
        return pixels[:: -1 if self.flip_down else 1, :: -1 if self.flip_across else 1]

    def stored(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `show`: a picture in screen order as a view in the order in which the slice is stored."""
        pixels = picture[:: -1 if self.flip_down else 1, :: -1 if self.flip_across else 1]
        return pixels.swapaxes(0, 1) if self.across > self.down else pixels

    def geometry(self, index: int) -> Geometry:
        """The slice as a grid of one slice, [1, row, column] in screen order: what a resampler fills."""
        step = self.grid.affine[:3, :3]
        right = step[:, self.across] * (-1 if self.flip_across else 1)
        down = step[:, self.down] * (-1 if self.flip_down else 1)
        rows, columns = self.shape
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1], affine[:3, 2] = right, down, step[:, self.axis]
        affine[:3, 3] = self.to_lps(0, 0, index)
        return Geometry((columns, rows, 1), affine, self.grid.in_mm)

    def to_lps(self, column: float, row: float, index: float) -> NDArray[np.float64]:
        """LPS mm of a place in the picture, in pixels; whole numbers are pixel centres."""
        rows, columns = self.shape
        ijk = np.empty(3)
        ijk[self.axis] = index
        ijk[self.across] = columns - 1 - column if self.flip_across else column
        ijk[self.down] = rows - 1 - row if self.flip_down else row
        return self.grid.to_lps(ijk)

    def to_picture(self, lps_mm: ArrayLike) -> tuple[float, float, float]:
        """Column, row and slice index of a point, all fractional."""
        ijk = self.grid.to_index(lps_mm)
        rows, columns = self.shape
        column, row = float(ijk[self.across]), float(ijk[self.down])
        return (
            columns - 1 - column if self.flip_across else column,
            rows - 1 - row if self.flip_down else row,
            float(ijk[self.axis]),
        )


_planes: dict[tuple[int, int], Plane] = {}  # by id(grid) and axis; a Plane keeps its grid, so the id stays taken


def plane_of(grid: Geometry, axis: int) -> Plane:
    """The plane of slices across index axis 0, 1 or 2 of a grid; the same object while the grid is in use."""
    plane = _planes.get((id(grid), axis))
    if plane is None:
        if len(_planes) >= 64:
            _planes.clear()
        plane = _planes[id(grid), axis] = _lay_out(grid, axis)
    return plane


def _lay_out(grid: Geometry, axis: int) -> Plane:
    first, second = (a for a in range(3) if a != axis)
    if not grid.in_mm:
        return Plane(grid, axis, first, second, False, False)
    right, down = (np.array(vector, dtype=np.float64) for vector in _SCREEN[grid.plane_across(axis)])

    def along(index_axis: int, vector: NDArray[np.float64]) -> float:
        return float(grid.direction[:, index_axis] @ vector)

    straight = abs(along(first, right)) + abs(along(second, down))
    crossed = abs(along(second, right)) + abs(along(first, down))
    across, downward = (first, second) if straight >= crossed else (second, first)
    return Plane(grid, axis, across, downward, along(across, right) < 0, along(downward, down) < 0)


def axis_named(grid: Geometry, plane: str) -> int | None:
    """The index axis whose slices are nearest to "axial", "coronal" or "sagittal"; None for pictures.

    Each name gets another axis also where a grid is so oblique that two axes would claim the same.
    """
    if not grid.in_mm:
        return None
    return three_axes(grid)[("axial", "coronal", "sagittal").index(plane)]


def three_axes(grid: Geometry) -> tuple[int, int, int]:
    """The index axes for an axial, a coronal and a sagittal pane: the permutation nearest to the patient's axes."""
    cosines = np.abs(grid.direction)  # [patient axis, index axis]
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    best = max(orders, key=lambda order: float(sum(cosines[patient, index] for patient, index in enumerate(order))))
    return best[2], best[1], best[0]


def _at(axis: int, index: int) -> tuple[Any, ...]:
    return tuple(index if a == axis else slice(None) for a in range(3))
