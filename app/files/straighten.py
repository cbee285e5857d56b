"""A skewed grid (axes that are not perpendicular) resampled to a straight one, as display and registration need it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.geometry import Affine, Geometry

SKEW = 1e-3  # cosine between two axes; 0.06°


def is_sheared(affine: Affine) -> bool:
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(unit.T @ unit - np.eye(3)).max() > SKEW)


def straight_geometry(skewed: Geometry) -> Geometry:
    """A straight grid that holds the skewed one: the i and j axes' plane and the row direction are kept."""
    axes, upper = np.linalg.qr(skewed.affine[:3, :3])
    axes = axes * np.sign(np.diag(upper))
    spacing = np.abs(np.diag(upper))  # a slice's distance is the one along the normal
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (np.asarray(skewed.size) - 1)
    along = skewed.to_lps(corners) @ axes / spacing
    low, high = along.min(axis=0), along.max(axis=0)
    size = np.ceil(high - low - 1e-6).astype(int) + 1
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = axes @ (low * spacing)
    return Geometry((int(size[0]), int(size[1]), int(size[2])), affine)


def straightened(
    stored: NDArray[Any], valid: NDArray[np.bool_] | None, skewed: Geometry
) -> tuple[NDArray[np.float32], NDArray[np.bool_], Geometry]:
    """Resample linearly to straight_geometry(skewed); returns values, where they are known, and the grid."""
    from scipy.ndimage import affine_transform  # slow to import, rarely needed

    straight = straight_geometry(skewed)
    index = skewed.inverse @ straight.affine  # straight (i, j, k) to skewed (i, j, k)
    flip = np.array([2, 1, 0])
    matrix, offset = index[:3, :3][flip][:, flip], index[:3, 3][flip]
    image = stored.astype(np.float32)
    valid_share = np.ones(stored.shape, np.float32) if valid is None else valid.astype(np.float32)
    low = float(image.min())
    resampled = affine_transform(image, matrix, offset, straight.shape, order=1, mode="constant", cval=low)
    inside = affine_transform(valid_share, matrix, offset, straight.shape, order=1, mode="constant") > 0.999
    return resampled, inside, straight
