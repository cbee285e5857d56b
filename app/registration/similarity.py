"""How much one image tells about another: mutual information in nats, at points spread over the fixed image.

Computed here, beside ITK's Mattes metric, because two transforms may only be compared on the same points, with the
same bins, and with a penalty for the part of the fixed image that the moving one no longer covers.
Wells et al. (1996) Med Image Anal 1:35; Maes et al. (1997) IEEE TMI 16:187; linear binning as in Collignon's
partial volume interpolation, so that the value changes smoothly with the transform.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.geometry import Geometry

Floats = NDArray[np.float32]


class Similarity:
    """Mutual information between a moving image and the fixed values at `points_mm`, for any transform.

    points_mm : (n, 3) LPS mm in the fixed frame
    fixed : (n,) in [0, 1]; moving : float32 [k, j, i] in [0, 1] on `grid`
    usable : bool [k, j, i], False where the moving image says nothing (padding); None where it does everywhere
    """

    def __init__(
        self,
        points_mm: ArrayLike,
        fixed: Floats,
        moving: Floats,
        grid: Geometry,
        *,
        usable: NDArray[np.bool_] | None = None,
        bins: int = 32,
    ) -> None:
        self.points_mm = np.asarray(points_mm, dtype=np.float64)
        self.bins = bins
        self._row = np.minimum((fixed * bins).astype(np.int64), bins - 1) * (bins + 1)
        self._grid = grid
        # padded by one voxel with its own edge: the outer half of an edge voxel belongs to the field of view
        self._values = np.pad(moving * np.float32(bins - 1), 1, mode="edge").ravel()
        self._usable = None if usable is None else np.pad(usable, 1, mode="edge").ravel()
        _, j, i = (n + 2 for n in moving.shape)
        self._strides = (1, i, i * j)

    @property
    def chance(self) -> float:
        """What two unrelated images reach with this many points: mean plus five standard deviations, nats.

        2 n MI is then chi-squared with (bins - 1)^2 degrees of freedom.
        """
        free, n = (self.bins - 1) ** 2, max(1, len(self.points_mm))
        return float(free + 5 * np.sqrt(2 * free)) / (2 * n)

    def __call__(self, fixed_to_moving: ArrayLike) -> float:
        """Nats per point, higher is better; points that the moving image does not cover count as 0."""
        return self.measure(fixed_to_moving)[0]

    def measure(self, fixed_to_moving: ArrayLike) -> tuple[float, float]:
        """(mutual information over the overlap times the overlap, overlap), the overlap as a fraction of the points."""
        index_map = self._grid.inverse @ np.asarray(fixed_to_moving, dtype=np.float64)
        at = (self.points_mm @ index_map[:3, :3].T + index_map[:3, 3]).T  # (3, n): i, j, k
        size = np.asarray(self._grid.size, dtype=np.float64)[:, None]
        inside = ((at >= -0.5) & (at <= size - 0.5)).all(axis=0)
        at, row = at[:, inside] + 1.0, self._row[inside]
        lower = at.astype(np.int64)
        flat = sum(axis * stride for axis, stride in zip(lower, self._strides, strict=True))
        if self._usable is not None:
            valid = self._usable[flat]
            at, row, lower, flat = at[:, valid], row[valid], lower[:, valid], flat[valid]
        if len(row) < 2:
            return 0.0, 0.0
        value = self._interpolate(flat, (at - lower).astype(np.float32))
        low = value.astype(np.int64)
        part = value - low
        width = self.bins + 1
        cell = row + low
        cells = self.bins * width
        joint = np.bincount(cell, weights=1 - part, minlength=cells).astype(np.float64)
        joint += np.bincount(cell + 1, weights=part, minlength=cells)
        overlap = len(row) / len(self.points_mm)
        return mutual_information(joint.reshape(self.bins, width)) * overlap, overlap

    def _interpolate(self, flat: NDArray[np.int64], part: Floats) -> Floats:
        """Trilinear; `flat` is the voxel below, `part` (3, n) the fractions to the next one along i, j, k."""
        v, (x, y, z), (_, j, k) = self._values, part, self._strides
        c00 = v[flat] + x * (v[flat + 1] - v[flat])
        c01 = v[flat + j] + x * (v[flat + j + 1] - v[flat + j])
        c10 = v[flat + k] + x * (v[flat + k + 1] - v[flat + k])
        c11 = v[flat + k + j] + x * (v[flat + k + j + 1] - v[flat + k + j])
        c0, c1 = c00 + y * (c01 - c00), c10 + y * (c11 - c10)
        return c0 + z * (c1 - c0)


def mutual_information(joint: NDArray[np.float64]) -> float:
    """Nats, from a joint histogram (a, b) of counts or weights; 0 where it is empty."""
    total = joint.sum()
    if total <= 0:
        return 0.0
    p = joint / total
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    occupied = p > 0
    return max(0.0, float((p[occupied] * np.log(p[occupied] / independent[occupied])).sum()))
