"""ITK's transform files (.tfm, text), the form that 3D Slicer, ITK-SNAP and SimpleITK exchange.

Read and written here instead of by ITK, whose own reader crashes the program on a shortened file (5.4) and takes
missing numbers for whatever memory held. The parameters' meaning is that of the ITK classes' SetParameters, and the
tests compare each of them with SimpleITK. All points LPS mm.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.base.errors import ExportError, InputError

Matrix = NDArray[np.float64]
Numbers = list[float]

_LARGEST_FILE = 1_000_000  # bytes; a rigid transform takes a few hundred
_RIGID_TOLERANCE = 1e-3  # largest |R^T R - 1|: 0.1 mm at 200 mm; what other programs' rounding leaves is far below
_MAGIC = "#Insight Transform File V1.0"


class TransformFileError(InputError):
    """The file is no transform, or not one that a rigid fusion can use."""

    hint = "Save a rigid transform (Euler or versor, or an affine without scaling) as an ITK .tfm text file."

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path.name}: {fact}")


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Raise ExportError where no transform can be written to `path`: asked before a search that takes its time."""
    if path.suffix.lower() not in (".tfm", ".txt"):
        raise ExportError(f"{path.name}: a transform is written as .tfm or .txt.", "Give it a name that ends in .tfm.")
    if path.is_dir():
        raise ExportError(f"{path} is a folder, not a file.", "Give the name of a file that ends in .tfm.")
    if path.exists() and not overwrite:
        raise ExportError(f"{path} exists already.", "Choose another name, or allow overwriting (--overwrite).")
    if not path.parent.is_dir():
        raise ExportError(f"{path} cannot be written: there is no folder {path.parent}.", "Choose another folder.")


def write_tfm(path: Path, fixed_to_moving: ArrayLike, centre_mm: ArrayLike, *, overwrite: bool = False) -> None:
    """Write a (4, 4) rigid matrix as an ITK text transform, turning about centre_mm; every digit is kept.

    Raises ExportError where the file exists (unless overwrite) or cannot be written; then no part of it is left.
    """
    path = Path(path)
    check_target(path, overwrite=overwrite)
    matrix, centre = np.asarray(fixed_to_moving, dtype=np.float64), np.asarray(centre_mm, dtype=np.float64)
    shift = matrix[:3, 3] - centre + matrix[:3, :3] @ centre
    # the nine numbers of the rotation itself: angles would round a matrix that is rigid to a few digits only
    numbers = " ".join(repr(float(n)) for n in [*matrix[:3, :3].ravel(), *shift])
    text = (
        f"{_MAGIC}\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {numbers}\nFixedParameters: {' '.join(repr(float(c)) for c in centre)}\n"
    )
    name = ""
    try:
        handle, name = tempfile.mkstemp(suffix=".tfm", prefix=".", dir=path.parent)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        os.replace(name, path)
    except OSError as error:
        raise ExportError(f"{path.name} cannot be written: {error.strerror}.", "Choose another folder.") from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def read_tfm(path: Path) -> Matrix:
    """(4, 4) fixed_to_moving from an ITK text transform: Euler3D, versor, affine, translation, or a composite of them.

    Raises TransformFileError for anything that is not one rigid transform of space: 2-D, displacement fields,
    B-splines, scaling or shear beyond 0.1 %, mirrors (they would swap left and right), missing numbers.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise TransformFileError(path, f"{size / 1e6:.0f} MB is far more than a rigid transform takes.")
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise TransformFileError(path, f"cannot be read: {error.strerror}.") from error
    if not text.lstrip("\ufeff \r\n").startswith("#Insight Transform File"):
        raise TransformFileError(path, "this is not an ITK text transform.")
    parts = _parts(path, text)
    if parts and parts[0][0].startswith("CompositeTransform"):
        parts = parts[1:]
    elif len(parts) > 1:
        raise TransformFileError(path, f"it holds {len(parts)} transforms, and does not say how they belong together.")
    if not parts:
        raise TransformFileError(path, "it holds no transform.")
    matrix = np.eye(4)
    for name, parameters, fixed in parts:  # ITK applies the last of a composite first
        matrix = matrix @ _matrix(path, name, parameters, fixed)
    _check_rigid(path, matrix)
    return matrix


def _parts(path: Path, text: str) -> list[tuple[str, Numbers, Numbers]]:
    """(type, parameters, fixed parameters) of each transform in the file."""
    names: list[str] = []
    numbers: list[dict[str, Numbers]] = []
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if line.startswith("#") or not colon:
            continue
        if key.strip() == "Transform":
            names.append(value.strip())
            numbers.append({})
        elif key.strip() in ("Parameters", "FixedParameters") and numbers:
            try:
                numbers[-1][key.strip()] = [float(n) for n in value.split()]
            except ValueError as error:
                raise TransformFileError(path, f"{value.strip()[:40]!r} is not a list of numbers.") from error
    return [
        (name, fields.get("Parameters", []), fields.get("FixedParameters", []))
        for name, fields in zip(names, numbers, strict=True)
    ]


def _matrix(path: Path, name: str, parameters: Numbers, fixed: Numbers) -> Matrix:
    kind, _, spaces = name.partition("_")
    if kind.startswith(("BSpline", "Displacement", "GaussianSmoothing", "GaussianExponential", "TimeVarying")):
        raise TransformFileError(path, f"a {kind} deforms the image; only rigid transforms can be used.")
    if not spaces.endswith("_3_3"):
        raise TransformFileError(path, f"{name[:60]!r} is no transform of points in the patient (3-D).")
    if kind not in _KINDS:
        raise TransformFileError(path, f"transforms of the type {kind[:60]!r} are not supported.")
    needed, rule = _KINDS[kind]
    centred = 3 if kind not in ("IdentityTransform", "TranslationTransform") else 0
    if len(parameters) < needed or len(fixed) < centred:
        raise TransformFileError(path, f"it ends too early: a {kind} has {needed} parameters and {centred} fixed ones.")
    if not all(map(math.isfinite, [*parameters, *fixed])):
        raise TransformFileError(path, "it holds numbers that are not finite.")
    rotation, shift = rule(parameters, fixed)
    centre = np.array(fixed[:3]) if centred else np.zeros(3)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = np.array(shift) + centre - rotation @ centre
    return matrix


def _euler(p: Numbers, fixed: Numbers) -> tuple[Matrix, Numbers]:
    (cx, cy, cz), (sx, sy, sz) = np.cos(p[:3]), np.sin(p[:3])
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    zyx = len(fixed) > 3 and fixed[3] != 0  # ComputeZYX; older files end after the centre
    return (z @ y @ x if zyx else z @ x @ y), p[3:6]


def _versor(p: Numbers) -> Matrix:
    """The rotation of a unit quaternion whose vector part is p; the scalar part is not negative."""
    return _quaternion([*p, math.sqrt(max(0.0, 1 - sum(n * n for n in p)))])


def _quaternion(p: Numbers) -> Matrix:
    x, y, z, w = np.array(p) / (math.sqrt(sum(n * n for n in p)) or 1.0)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _affine(p: Numbers, fixed: Numbers) -> tuple[Matrix, Numbers]:
    return np.array(p[:9]).reshape(3, 3), p[9:12]


_Rule = Callable[[Numbers, Numbers], tuple[Matrix, Numbers]]
_KINDS: dict[str, tuple[int, _Rule]] = {  # how many parameters, and how they become a rotation and a translation
    "IdentityTransform": (0, lambda p, fixed: (np.eye(3), [0.0, 0.0, 0.0])),
    "TranslationTransform": (3, lambda p, fixed: (np.eye(3), p[:3])),
    "Euler3DTransform": (6, _euler),
    "VersorTransform": (3, lambda p, fixed: (_versor(p[:3]), [0.0, 0.0, 0.0])),
    "VersorRigid3DTransform": (6, lambda p, fixed: (_versor(p[:3]), p[3:6])),
    "QuaternionRigidTransform": (7, lambda p, fixed: (_quaternion(p[:4]), p[4:7])),
    "Similarity3DTransform": (7, lambda p, fixed: (_versor(p[:3]) * p[6], p[3:6])),
    "Rigid3DTransform": (12, _affine),
    "AffineTransform": (12, _affine),
    "MatrixOffsetTransformBase": (12, _affine),
}


def _check_rigid(path: Path, matrix: Matrix) -> None:
    r = matrix[:3, :3]
    determinant = float(np.linalg.det(r))
    if abs(determinant) < 1e-9:
        raise TransformFileError(path, "it cannot be inverted: it flattens the image.")
    if determinant < 0:
        raise TransformFileError(path, "it mirrors the image, which would swap left and right.")
    if not np.abs(r.T @ r - np.eye(3)).max() <= _RIGID_TOLERANCE:
        scales = np.linalg.svd(r, compute_uv=False)
        raise TransformFileError(
            path, f"it scales or shears the image (by {scales[-1]:.3f} to {scales[0]:.3f}) and is not rigid."
        )
