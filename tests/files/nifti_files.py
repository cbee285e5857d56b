"""NIfTI files made for the tests: small, with values and places that are known beforehand."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from app.core.volume import Series
from app.files import readers

LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SHAPE = (5, 4, 3)


def voxels(shape: tuple[int, ...] = SHAPE, dtype: type = np.int16) -> np.ndarray:
    """0, 1, 2 ... with i running fastest: another value in every voxel [i, j, k]."""
    return np.arange(np.prod(shape)).reshape(shape, order="F").astype(dtype)


def turned_affine(degrees: float, spacing: tuple[float, float, float] = (2, 2, 2)) -> np.ndarray:
    """Indices to RAS mm, turned about z, the first voxel at (10, -20, 30)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * spacing
    affine[:3, 3] = (10, -20, 30)
    return affine


def save_nifti(path: Path, data: np.ndarray, affine: np.ndarray | None = None, *, q: int = 0, s: int = 2) -> Path:
    """q, s : codes of qform and sform; 0 where the header is not to state that one."""
    image = nibabel.Nifti1Image(data, turned_affine(0) if affine is None else affine)
    image.set_sform(turned_affine(0) if affine is None else affine, s)
    image.set_qform(turned_affine(0) if affine is None else affine, q)
    nibabel.save(image, path)
    return path


def patched(path: Path, offset: int, value: bytes) -> Path:
    """Overwrite bytes of a plain .nii header."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(value)] = value
    path.write_bytes(raw)
    return path


def only_series(path: Path) -> Series:
    """The one series of a file."""
    (series,) = readers.scan([path]).series
    return series


def refusal(path: Path) -> str:
    """Why a file is skipped, as it must be."""
    scan = readers.scan([path])
    assert scan.series == ()
    return scan.skipped[0].reason
