"""What lies under a point: both volumes' values in their own voxels and units, never a number for a fused pixel.

A value is read from the native voxel that holds the point, not from a resampled or fused picture: interpolation
lowers a maximum, and a network's output has no unit at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from app.case.document import Case
from app.core.geometry import transform_points
from app.core.volume import Volume

OUTSIDE = "outside"


@dataclass(frozen=True)
class Reading:
    """mri, partner : value with unit, "outside", or "" without a volume or (partner) without an alignment

    position : "L 12.3  P 4.5  S 67.8 mm"; pixel numbers for pictures
    """

    mri: str
    partner: str
    position: str

    def line(self, mri_name: str = "MRI", partner_name: str = "partner") -> str:
        """One line for a status bar."""
        parts = [f"{mri_name} {self.mri}" if self.mri else "", f"{partner_name} {self.partner}" if self.partner else ""]
        return "    ".join(part for part in (*parts, self.position) if part)


def probe(case: Case, lps_mm: ArrayLike) -> Reading:
    """The reading at a point of the shared grid, in LPS mm of the MRI (or of the partner where it is alone)."""
    at = np.asarray(lps_mm, dtype=np.float64)
    mri = "" if case.mri is None else value_text(case.mri, at)
    partner = ""
    matrix = case.fixed_to_moving
    if case.partner is not None and matrix is not None and not case.stopped:
        partner = value_text(case.partner, transform_points(matrix, at))
    return Reading(mri, partner, position_text(case, at))


def value_text(volume: Volume, lps_mm: ArrayLike) -> str:
    """The native value with its unit, or "outside"."""
    value = volume.value_at(np.asarray(lps_mm, dtype=np.float64))
    return OUTSIDE if value is None or not np.isfinite(value) else f"{number(value)} {unit_text(volume.unit)}"


def unit_text(unit: str) -> str:
    """A unit as shown; what is not known is said, never left out."""
    return "(unit unknown)" if unit == "unknown" else unit


def number(value: float) -> str:
    """Four significant digits, whole numbers from 1000 on, no exponent below a million, no "-0"."""
    size = abs(value)
    if size >= 1e6:
        return f"{value:.3e}"
    if size >= 1000:
        return f"{value:.0f}"
    if size == 0:
        return "0"
    return f"{value:.4g}" if size >= 1e-4 else f"{value:.2e}"


def percent(value: float) -> str:
    """A share as a reader wants it: two digits, whole from 10 on, and no more said of what is next to nothing."""
    if 0 < value < 0.01:
        return "< 0.01 %"
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def position_text(case: Case, lps_mm: ArrayLike) -> str:
    """Where a point lies, in patient directions."""
    grid = case.grid
    if grid is None:
        return ""
    if not grid.in_mm:
        i, j, _ = np.rint(grid.to_index(lps_mm)).astype(int)
        return f"pixel {i}, {j}"
    x, y, z = (float(n) for n in np.asarray(lps_mm, dtype=np.float64))
    sides = (("L", "R"), ("P", "A"), ("S", "I"))
    parts = [f"{side[0] if n >= 0 else side[1]} {abs(n):.1f}" for n, side in zip((x, y, z), sides, strict=True)]
    return "  ".join(parts) + " mm"
