"""A regular grid of voxels in the patient: the one place that knows axes, spacing and letters.

Voxel centres: index (i, j, k) is the centre of a voxel, and `affine` takes (i, j, k, 1) to millimetres in the DICOM
patient frame, LPS: x grows to the patient's Left, y to the Posterior, z to the Superior (PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Affine = NDArray[np.float64]
Points = NDArray[np.float64]
Point = tuple[float, float, float]  # LPS mm, as plain numbers that can be compared

_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))  # toward +x, -x; +y, -y; +z, -z
_PLANES = ("sagittal", "coronal", "axial")  # by the patient axis nearest to the normal


@dataclass(frozen=True)
class Geometry:
    """size (i, j, k) voxels; affine float64 (4, 4), index to LPS mm.

    in_mm is False for plain pictures: then one "mm" is one pixel, and no length, letter or position may be shown.
    """

    size: tuple[int, int, int]
    affine: Affine
    in_mm: bool = True

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise ValueError(f"not an invertible affine: {affine.tolist()}")
        affine.flags.writeable = False
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "size", tuple(int(n) for n in self.size))

    @property
    def shape(self) -> tuple[int, int, int]:
        """The array's shape, [k, j, i]."""
        i, j, k = self.size
        return k, j, i

    @cached_property
    def inverse(self) -> Affine:
        return np.asarray(np.linalg.inv(self.affine), dtype=np.float64)

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j, k."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @cached_property
    def direction(self) -> NDArray[np.float64]:
        """(3, 3): columns are the unit vectors of i, j, k in LPS."""
        return self.affine[:3, :3] / np.asarray(self.spacing_mm, dtype=np.float64)

    @property
    def origin_mm(self) -> NDArray[np.float64]:
        """LPS mm of the centre of voxel (0, 0, 0)."""
        return self.affine[:3, 3]

    @cached_property
    def centre_mm(self) -> NDArray[np.float64]:
        """LPS mm of the centre of the grid."""
        return self.to_lps((np.asarray(self.size) - 1) / 2)

    @cached_property
    def orientation(self) -> str:
        """Three letters: where i, j and k grow to, for example "LPS" for an axial stack from the feet up."""
        return "".join(self.letter(axis) for axis in range(3))

    @cached_property
    def plane(self) -> str:
        """ "axial", "coronal" or "sagittal": the patient plane nearest to a slice of constant k."""
        return self.plane_across(2)

    def letter(self, axis: int, *, end: bool = True) -> str:
        """The patient side that index axis (0, 1, 2 for i, j, k) grows to; with end=False, where it comes from."""
        vector = self.direction[:, axis]
        patient_axis = int(np.argmax(np.abs(vector)))
        return _LETTERS[patient_axis][0 if (vector[patient_axis] > 0) == end else 1]

    def plane_across(self, axis: int) -> str:
        """Name of the patient plane nearest to slices of constant index along `axis`."""
        i, j = (self.direction[:, a] for a in range(3) if a != axis)
        return _PLANES[int(np.argmax(np.abs(np.cross(i, j))))]

    def to_lps(self, ijk: ArrayLike) -> Points:
        """(..., 3) indices, also fractional, to (..., 3) LPS mm."""
        return np.asarray(ijk, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, lps_mm: ArrayLike) -> Points:
        """(..., 3) LPS mm to (..., 3) fractional indices (i, j, k)."""
        return np.asarray(lps_mm, dtype=np.float64) @ self.inverse[:3, :3].T + self.inverse[:3, 3]

    def same_grid(self, other: Geometry, *, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids have the same size and no corner lies further apart than tolerance_mm."""
        if self.size != other.size or self.in_mm != other.in_mm:
            return False
        corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (np.asarray(self.size) - 1)
        return bool(np.abs(self.to_lps(corners) - other.to_lps(corners)).max() <= tolerance_mm)


def transform_points(matrix: ArrayLike, points_mm: ArrayLike) -> Points:
    """Apply a 4x4 matrix to (..., 3) points in mm."""
    m = np.asarray(matrix, dtype=np.float64)
    return np.asarray(points_mm, dtype=np.float64) @ m[:3, :3].T + m[:3, 3]


def point(lps_mm: ArrayLike) -> Point:
    """A point as plain, comparable numbers."""
    x, y, z = (float(n) for n in np.asarray(lps_mm, dtype=np.float64))
    return x, y, z
