"""Rigid transforms as 4x4 matrices: build, take apart, nudge; `files.tfm` keeps them in ITK's files.

A matrix takes a point of the fixed image (the MRI), LPS mm, to the point of the moving image that shows the same
place: ITK's direction, the one `sitk.Resample(moving, fixed, transform)` and 3D Slicer's .tfm files use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]


def rigid(rotation_deg: ArrayLike, translation_mm: ArrayLike, centre_mm: ArrayLike = (0.0, 0.0, 0.0)) -> Matrix:
    """(4, 4) matrix p -> R (p - centre) + centre + translation, with R = Rz Rx Ry as in ITK's Euler3DTransform.

    rotation_deg : about the patient's x, y, z axes, right-handed; translation_mm, centre_mm : LPS
    """
    x, y, z = np.deg2rad(np.asarray(rotation_deg, dtype=np.float64))
    centre = np.asarray(centre_mm, dtype=np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = _about(2, z) @ _about(0, x) @ _about(1, y)
    matrix[:3, 3] = centre + np.asarray(translation_mm, dtype=np.float64) - matrix[:3, :3] @ centre
    return matrix


def euler(matrix: ArrayLike, centre_mm: ArrayLike = (0.0, 0.0, 0.0)) -> tuple[Matrix, Matrix]:
    """(rotation_deg, translation_mm), each (3,), that `rigid` turns back into the matrix; it must be rigid."""
    m = np.asarray(matrix, dtype=np.float64)
    r = m[:3, :3]
    x = np.arctan2(r[2, 1], np.hypot(r[0, 1], r[1, 1]))
    if np.hypot(r[0, 1], r[1, 1]) > 1e-9:
        y, z = np.arctan2(-r[2, 0], r[2, 2]), np.arctan2(-r[0, 1], r[1, 1])
    else:  # x = +-90 degrees: only z + y or z - y is determined
        y, z = 0.0, np.arctan2(r[1, 0], r[0, 0])
    centre = np.asarray(centre_mm, dtype=np.float64)
    return np.rad2deg(np.array([x, y, z])), m[:3, 3] - centre + r @ centre


def nudged_matrix(
    fixed_to_moving: ArrayLike,
    rotation_deg: ArrayLike = (0.0, 0.0, 0.0),
    translation_mm: ArrayLike = (0.0, 0.0, 0.0),
    centre_mm: ArrayLike = (0.0, 0.0, 0.0),
) -> Matrix:
    """The transform after the partner, as seen on the MRI, was moved by (rotation, translation) about centre_mm.

    All three are in the MRI's frame, LPS, so +x moves the picture to the patient's left. What was shown at p is shown
    at D p afterwards; the place q then shows what was at D^-1 q: hence the inverse, on the fixed side.
    """
    motion = rigid(rotation_deg, translation_mm, centre_mm)
    return np.asarray(fixed_to_moving, dtype=np.float64) @ inverse(motion)


def inverse(matrix: ArrayLike) -> Matrix:
    return np.linalg.inv(np.asarray(matrix, dtype=np.float64))


def rotation_angle_deg(matrix: ArrayLike) -> float:
    """The angle, 0 to 180 degrees, of the single rotation that the matrix holds."""
    r = np.asarray(matrix, dtype=np.float64)[:3, :3]
    axis = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    return float(np.rad2deg(np.arctan2(np.linalg.norm(axis), np.trace(r) - 1)))


def _about(axis: int, radians: float) -> Matrix:
    """(3, 3) right-handed rotation about one axis."""
    cos, sin = np.cos(radians), np.sin(radians)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[second, first], matrix[first, second] = sin, -sin
    return matrix
