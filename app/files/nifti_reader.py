"""NIfTI-1 and -2 (.nii, .nii.gz, .hdr with .img): the only place that sees RAS; everything behind it is LPS.

Geometry: the sform where its code is above 0, else the qform, else the voxel sizes alone (NIfTI-1 method 3, 2, 1).
A 4-D file becomes one series for each of its volumes, so that one can be chosen.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.quaternions import quat2mat
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from app.base.progress import Progress, silent
from app.files.grid_file import AUTOMATIC, GridFileError, Layout, read, scan_files
from app.files.scan_result import ScanResult

__all__ = ["claims", "read", "scan"]

NAME = "nifti"
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
TO_MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # NIFTI_UNITS_METER, _MM, _MICRON
FIRST_WORDS = tuple(length.to_bytes(4, order) for length in (348, 540) for order in ("little", "big"))
GZIP = b"\x1f\x8b"
ENDINGS = (".nii", ".nii.gz")


def claims(path: Path, head: bytes) -> bool:
    """Whether a file starts with a NIfTI or Analyze header, packed or not; the .img of a pair goes by its name."""
    if path.suffix.lower() == ".img" and path.with_suffix(".hdr").exists():
        return True
    if head[:2] == GZIP:
        try:
            head = zlib.decompressobj(AUTOMATIC).decompress(head, 16)
        except zlib.error:
            head = b""
    return head[:4] in FIRST_WORDS or path.name.lower().endswith(ENDINGS)


def scan(paths: Sequence[Path], progress: Progress = silent) -> ScanResult:
    """One series for each volume; the two files of a pair stand once."""
    heads = dict.fromkeys(path.with_suffix(".hdr") if path.suffix.lower() == ".img" else path for path in paths)
    return scan_files(list(heads), NAME, read_layout, progress)


def read_layout(path: Path) -> tuple[Layout, list[str]]:
    """Parse a header; the second value holds warnings.

    Raises
    ------
    GridFileError : not NIfTI, colour or complex or vector values, sizes or geometry that cannot be
    """
    header = _header(path)
    pair = header["magic"].item()[:2] == b"ni"
    data = path.with_suffix(".img") if pair else path
    if pair and not data.is_file():
        raise GridFileError(path, f"its data file {data.name} is missing beside it.")
    size, volumes = _size(path, header["dim"])
    dtype = _dtype(path, header)
    offset = header["vox_offset"].item()
    least = 0 if pair else header["sizeof_hdr"].item()
    if not math.isfinite(offset) or offset < 0 or (0 < offset < least):
        raise GridFileError(path, f"vox_offset {offset} lies outside the file.")
    start = int(offset) or (0 if pair else least + 4)
    affine, warnings = _affine(path, header, size)
    slope, intercept = header["scl_slope"].item(), header["scl_inter"].item()
    if not math.isfinite(slope) or slope == 0:
        slope, intercept = 1.0, 0.0
    elif not math.isfinite(intercept):
        raise GridFileError(path, f"scl_inter is {intercept}: the values cannot be scaled.")
    with data.open("rb") as file:
        packed = file.read(2) == GZIP
    layout = Layout(data, 0, packed, start, size, volumes, dtype, float(slope), float(intercept), affine)
    return layout, warnings


def _header(path: Path) -> Any:
    with path.open("rb") as file:
        block = file.read(1 << 16)
    if block[:2] == GZIP:
        try:
            block = zlib.decompressobj(AUTOMATIC).decompress(block, 540)
        except zlib.error as error:
            raise GridFileError(path, "its gzip stream is damaged.") from error
    kinds: tuple[tuple[int, Any], ...] = ((348, Nifti1Header), (540, Nifti2Header))
    for length, kind in kinds:
        word = length.to_bytes(4, "little")
        if len(block) >= length and block[:4] in (word, word[::-1]):
            header = kind(block[:length], endianness="<" if block[:4] == word else ">", check=False)
            if header["magic"].item()[:3] not in (b"n+1", b"ni1", b"n+2", b"ni2"):
                raise GridFileError(
                    path, "it is an Analyze 7.5 file, which does not say which side is left: convert it to NIfTI."
                )
            return header
    raise GridFileError(path, "it is not a NIfTI file, or its header is cut short.")


def _size(path: Path, dim: NDArray[Any]) -> tuple[tuple[int, int, int], int]:
    axes = int(dim[0])
    if not 1 <= axes <= 7:
        raise GridFileError(path, f"it states {axes} dimensions.")
    sizes = [int(n) for n in dim[1 : axes + 1]]
    if min(sizes) < 1:
        raise GridFileError(path, f"its dimensions {sizes} cannot be.")
    sizes += [1] * (7 - len(sizes))
    if max(sizes[4:]) > 1:
        numbers = math.prod(sizes[4:])
        raise GridFileError(path, f"each voxel holds {numbers} numbers (a vector or tensor), not one value.")
    return (sizes[0], sizes[1], sizes[2]), sizes[3]


def _dtype(path: Path, header: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise GridFileError(path, f"its data type code {header['datatype'].item()} is unknown.") from error
    if dtype.fields:
        raise GridFileError(path, "it holds colours (RGB), which show no measured value, so it cannot be fused.")
    if dtype.kind == "c":
        raise GridFileError(path, "it holds complex numbers: save their magnitude to open it.")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise GridFileError(path, f"its data type {dtype} cannot be read.")
    return dtype


def _affine(path: Path, header: Any, size: tuple[int, int, int]) -> tuple[NDArray[np.float64], list[str]]:
    """Index to LPS mm, and what to tell about it."""
    scale = TO_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    warnings: list[str] = []
    sform = _usable(header.get_sform(coded=True)[0], scale)
    qform = _usable(_qform(header, warnings), scale)
    qcode, scode = int(header["qform_code"]), int(header["sform_code"])
    if qcode > 0 and qform is None:
        warnings.append("The qform in the header is broken and was not used.")
    if scode > 0 and sform is not None:
        if qform is not None:
            apart_mm = _apart_mm(sform, qform, size)
            if apart_mm > max(1.0, 0.5 * min(np.linalg.norm(sform[:3, :3], axis=0))):
                warnings.append(
                    f"The header places the volume twice, up to {apart_mm:.1f} mm apart (sform and qform);"
                    " the sform is used."
                )
        return RAS_TO_LPS @ sform, warnings
    if scode > 0:
        warnings.append("The sform in the header is broken (it cannot be inverted) and was not used.")
    if qform is not None:
        return RAS_TO_LPS @ qform, warnings
    zooms = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64)) * scale
    zooms[(zooms == 0) & (np.asarray(size) == 1)] = 1.0  # a single slice needs no thickness
    if not np.isfinite(zooms).all() or min(zooms) < 1e-4 or max(zooms) > 1e4 or scode > 0 or qcode > 0:
        raise GridFileError(path, "neither sform nor qform nor voxel sizes say where the voxels lie in millimetres.")
    warnings.append(
        "The header does not say how the volume lies in the patient (qform and sform codes 0): left and right are not"
        " known, and it must be registered and checked."
    )
    affine = np.diag([*zooms, 1.0])
    affine[:3, 3] = -zooms * (np.asarray(size) - 1) / 2
    return affine, warnings


def _qform(header: Any, warnings: list[str]) -> NDArray[np.float64] | None:
    """Index to RAS, as tolerant as nifti_quatern_to_mat44 of nifti1_io; None where its code is 0 or a number is none.

    Only a qfac below 0 turns the third axis (nifti1.h: "If pixdim[0]=0.0 (which should not occur), we take qfac=1"); a
    quaternion that rounding made longer than 1 is shortened; a voxel size that is not above 0 is 1.
    """
    if int(header["qform_code"]) <= 0:
        return None
    vector = np.array([header[f"quatern_{letter}"] for letter in "bcd"], dtype=np.float64)
    offset = np.array([header[f"qoffset_{letter}"] for letter in "xyz"], dtype=np.float64)
    zooms = np.array(header["pixdim"][1:4], dtype=np.float64)
    if not np.isfinite([*vector, *offset, *zooms]).all():
        return None
    absent = ~(zooms > 0)
    zooms[absent] = 1.0
    for axis in np.flatnonzero(absent & (header["dim"][1:4] > 1)):
        warnings.append(f"The header gives no voxel size along {'ijk'[axis]}: 1 is taken, as NIfTI's own library does.")
    scalar_squared = 1 - float(vector @ vector)
    if scalar_squared < 1e-7:
        vector /= np.linalg.norm(vector)
    quaternion = [math.sqrt(scalar_squared) if scalar_squared >= 1e-7 else 0.0, *vector]
    affine = np.eye(4)
    affine[:3, :3] = quat2mat(quaternion) * zooms  # type: ignore[no-untyped-call]  # nibabel types some of its parts
    if header["pixdim"][0] < 0:
        affine[:3, 2] *= -1
    affine[:3, 3] = offset
    return affine


def _usable(affine: NDArray[np.float64] | None, scale: float) -> NDArray[np.float64] | None:
    if affine is None or not np.isfinite(affine).all():
        return None
    lengths = np.linalg.norm(affine[:3, :3], axis=0) * scale
    if min(lengths) < 1e-4 or max(lengths) > 1e4 or abs(np.linalg.det(affine[:3, :3] * scale / lengths)) < 1e-3:
        return None
    scaled = np.array(affine, dtype=np.float64)
    scaled[:3] *= scale
    return scaled


def _apart_mm(first: NDArray[np.float64], second: NDArray[np.float64], size: tuple[int, int, int]) -> float:
    corners = np.array([[x, y, z, 1] for x in (0, size[0] - 1) for y in (0, size[1] - 1) for z in (0, size[2] - 1)])
    return float(np.linalg.norm((corners @ (first - second).T)[:, :3], axis=1).max())
