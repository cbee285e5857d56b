"""What speaks for a pair lying right as its coordinates stand: asked before anything is moved at opening.

Mutual information cannot tell: on pairs at their true place it gains by moving them, by millimetres in heads and by
centimetres in limbs, and gains the same from every start. So what may already be right stays, and is said to be no more
than it is. A shared frame of reference is the DICOM evidence (PS3.3 C.7.4.1); NIfTI and its like have none, but tools
that coregister write one grid for both images, and cutting out or reslicing keeps the directions of the axes.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from app.core.geometry import Geometry
from app.core.volume import Volume

SAME_GRID_MM = 0.05  # corners of grids that went through float32 headers differ by less
SAME_DIRECTION_DEG = 0.5  # a patient who lay down again is turned by more
FEWEST_COMMON = 0.6  # of the smaller field of view; below it a reader is warned, too
_POINTS = 12  # along each axis, where the overlap is sampled


class Evidence(StrEnum):
    """Strongest first; the value is the word written to JSON."""

    FRAME = "frame of reference"  # both state the same FrameOfReferenceUID
    GRID = "grid"  # one grid for both images, as after coregistration
    COORDINATES = "coordinates"  # one direction of axes and fields that overlap: perhaps cut from one space
    NONE = "none"


def evidence(fixed: Volume, moving: Volume) -> Evidence:
    """What the headers say for the pair lying right; NONE for plain pictures, which have no place in the patient.

    Two stated frames of reference that differ are a statement, too: then nothing but a registration will do.
    """
    frames = fixed.series.frame_of_reference_uid, moving.series.frame_of_reference_uid
    if not (fixed.geometry.in_mm and moving.geometry.in_mm):
        return Evidence.NONE
    if all(frames):
        return Evidence.FRAME if frames[0] == frames[1] else Evidence.NONE
    if fixed.geometry.same_grid(moving.geometry, tolerance_mm=SAME_GRID_MM):
        return Evidence.GRID
    alike = turned_deg(fixed.geometry, moving.geometry) <= SAME_DIRECTION_DEG
    return (
        Evidence.COORDINATES
        if alike and common_field(fixed.geometry, moving.geometry) >= FEWEST_COMMON
        else Evidence.NONE
    )


def turned_deg(first: Geometry, second: Geometry) -> float:
    """The smallest angle by which the axes of one grid are turned against those of the other, whatever their order."""
    cosines = np.abs(first.direction.T @ second.direction)  # of each axis with each
    nearest = np.clip(cosines.max(axis=1), 0.0, 1.0)
    return float(np.degrees(np.arccos(nearest.min())))


def common_field(first: Geometry, second: Geometry, fixed_to_moving: np.ndarray | None = None) -> float:
    """The share of the smaller field of view that lies inside the other, 0 to 1, with this transform (4x4, LPS mm)."""
    matrix = np.eye(4) if fixed_to_moving is None else np.asarray(fixed_to_moving, dtype=np.float64)
    if _volume_mm3(first) <= _volume_mm3(second):
        return _share(first, second, matrix)
    return _share(second, first, np.linalg.inv(matrix))


def _volume_mm3(grid: Geometry) -> float:
    return float(np.prod(grid.size) * np.prod(grid.spacing_mm))


def _share(small: Geometry, large: Geometry, matrix: np.ndarray) -> float:
    """Of points spread evenly over the small field, how many the matrix takes into the large one."""
    axes = [(np.arange(_POINTS) + 0.5) / _POINTS * n - 0.5 for n in small.size]
    ijk = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    points = small.to_lps(ijk) @ matrix[:3, :3].T + matrix[:3, 3]
    index = large.to_index(points)
    inside = ((index >= -0.5) & (index <= np.asarray(large.size) - 0.5)).all(axis=1)
    return float(inside.mean())
