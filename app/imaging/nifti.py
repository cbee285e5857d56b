"""NIfTI-1 and -2 (.nii, .nii.gz, .hdr with .img): the only place that sees RAS; everything behind it is LPS.

Geometry: the sform where its code is above 0, else the qform, else the voxel sizes alone (NIfTI-1 method 3, 2, 1).
A 4-D file becomes one series for each of its volumes, so that one can be chosen.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from app.errors import InputError
from app.imaging.found import Found, Skipped, made_up_uid
from app.imaging.geometry import Geometry
from app.imaging.limits import require
from app.imaging.named import stated_by
from app.imaging.straighten import is_sheared, straight_geometry, straightened
from app.imaging.volume import Series, Volume
from app.progress import Progress, silent

NAME = "nifti"
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
MOST_UNPACKED = 1100  # times a gzip file's length: deflate cannot do more, so that a header asking for more lies
CHUNK = 1 << 22
TO_MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # NIFTI_UNITS_METER, _MM, _MICRON
LEAST_AIR = -500  # a CT in HU holds air: without a value this low the numbers are something else


class NiftiError(InputError):
    """A NIfTI file that cannot be used, with the reason in its sentence."""

    hint = "Convert the original images again, for example with dcm2niix, or open the DICOM files themselves."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Layout:
    """Where a file's numbers lie: data in `path`, `offset` bytes from its (unpacked) start, `volumes` one by one."""

    path: Path
    offset: int
    size: tuple[int, int, int]
    volumes: int
    dtype: np.dtype[Any]
    slope: float
    intercept: float
    affine: NDArray[np.float64]  # LPS

    @property
    def volume_bytes(self) -> int:
        return math.prod(self.size) * self.dtype.itemsize


@dataclass(frozen=True)
class Details:
    layout: Layout
    volume: int


def claims(path: Path, head: bytes) -> bool:
    """Whether a file starts with a NIfTI or Analyze header, packed or not; the .img of a pair goes by its name."""
    if path.suffix.lower() == ".img" and path.with_suffix(".hdr").exists():
        return True
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(head, 16)
        except zlib.error:
            return path.name.lower().endswith(".nii.gz")
    return head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c") or path.name.lower().endswith(
        (".nii", ".nii.gz")
    )


def scan(paths: Sequence[Path], progress: Progress = silent) -> Found:
    """Headers only, but for CT, whose values decide whether they can be HU."""
    series: list[Series] = []
    skipped: list[Skipped] = []
    heads = dict.fromkeys(path.with_suffix(".hdr") if path.suffix.lower() == ".img" else path for path in paths)
    for n, path in enumerate(heads):
        progress(n / len(heads), path.name)
        try:
            series += _scan_one(path)
        except NiftiError as error:
            skipped.append(Skipped(path, error.reason))
        except OSError as error:
            skipped.append(Skipped(path, f"cannot be opened ({error.strerror or 'read error'})."))
    return Found(tuple(series), tuple(skipped))


def _scan_one(path: Path) -> list[Series]:
    layout, warnings = read_layout(path)
    stated = stated_by(path)
    warnings = [*warnings, *stated.warnings]
    geometry = Geometry(layout.size, layout.affine)
    if is_sheared(layout.affine):
        geometry = straight_geometry(geometry)
        warnings.append("The stored grid is skewed: the volume was resampled to a straight grid, and is marked so.")
    unit = stated.unit
    if stated.modality == "CT" and not stated.unit:
        unit = "HU" if _holds_air(layout) else ""
        if not unit:
            warnings.append("The values hold no air (nothing below -500): they are not known to be Hounsfield units.")
    elif stated.modality == "MR" and not stated.unit:
        unit = "a.u."
    elif stated.modality in ("PT", "NM") and not stated.unit:
        warnings.append("Nothing states the unit of the values: no SUV.")
    uid = made_up_uid(path)
    made = []
    for volume in range(layout.volumes):
        several = layout.volumes > 1
        told = f"The file holds {layout.volumes} volumes (4-D); this is volume {volume + 1}." if several else ""
        made.append(
            Series(
                uid=f"{uid}#{volume + 1}" if several else uid,
                modality=stated.modality,
                description=f"{stated.description} (volume {volume + 1})" if several else stated.description,
                paths=(path,),
                size=geometry.size,
                spacing_mm=geometry.spacing_mm,
                orientation=geometry.orientation,
                unit=unit or "unknown",
                reader=NAME,
                body_part=stated.body_part,
                warnings=(told, *warnings) if told else tuple(warnings),
                details=Details(layout, volume),
            )
        )
    return made


def read(series: Series, progress: Progress = silent) -> Volume:
    """Read one volume of a file.

    Raises
    ------
    NiftiError : the data are cut short or damaged
    TooLarge : the volume does not fit into memory
    """
    details: Details = series.details
    layout = details.layout
    path = layout.path
    require(2 * layout.volume_bytes + 5 * math.prod(series.size), path.name)
    stored = np.empty(layout.size[::-1], layout.dtype)
    flat, at = stored.reshape(-1).view(np.uint8), 0
    for piece in _pieces(layout, details.volume):
        flat[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
        progress(at / max(layout.volume_bytes, 1), path.name)
    stored = stored.astype(layout.dtype.newbyteorder("="), copy=False)
    valid = None
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        valid = np.isfinite(stored)
        if not valid.any():
            raise NiftiError(path, "no voxel holds a finite number.")
        stored[~valid] = stored[valid].min()
    geometry = Geometry(layout.size, layout.affine)
    interpolated = np.zeros(layout.size[2], bool)
    sources: tuple[Path | None, ...] = (series.paths[0],) * layout.size[2]
    if is_sheared(layout.affine):
        stored, valid, geometry = straightened(stored, valid, geometry)
        interpolated, sources = np.ones(geometry.size[2], bool), (None,) * geometry.size[2]
    return Volume(
        stored=stored,
        slope=np.array([layout.slope]),
        intercept=np.array([layout.intercept]),
        geometry=geometry,
        modality=series.modality,
        unit=series.unit,
        series=series,
        valid=valid,
        interpolated=interpolated,
        sources=sources,
    )


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked where it is gzip by content, whatever its name."""
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=plain) as unpacked:
                yield cast("IO[bytes]", unpacked)
        else:
            yield plain


def _pieces(layout: Layout, volume: int) -> Iterator[bytes]:
    """The bytes of one volume, a few megabytes at a time, so that a lying header cannot ask for much."""
    path = layout.path
    try:
        with _opened(path) as file:
            start = layout.offset + volume * layout.volume_bytes
            file.seek(start)  # unpacks and forgets what lies before, where the file is packed
            left = layout.volume_bytes
            while left:
                piece = file.read(min(CHUNK, left))
                if not piece:
                    raise NiftiError(path, f"it is cut short: {left} bytes of the volume are missing.")
                left -= len(piece)
                yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise NiftiError(path, "its gzip stream is cut short or damaged.") from error
    except OSError as error:
        raise NiftiError(path, f"it cannot be read ({error.strerror or 'read error'}).") from error


def _holds_air(layout: Layout) -> bool:
    """Whether some value is at or below -500 after scaling; stops at the first."""
    rest = b""
    for piece in _pieces(layout, 0):
        whole = rest + piece
        usable = len(whole) - len(whole) % layout.dtype.itemsize
        values = np.frombuffer(whole[:usable], layout.dtype).astype(np.float64) * layout.slope + layout.intercept
        rest = whole[usable:]
        if np.nanmin(values, initial=np.inf) <= LEAST_AIR:
            return True
    return False


def read_layout(path: Path) -> tuple[Layout, list[str]]:
    """Parse a header; the second value holds warnings.

    Raises
    ------
    NiftiError : not NIfTI, colour or complex or vector values, sizes or geometry that cannot be
    """
    header = _header(path)
    pair = header["magic"].item()[:2] == b"ni"
    data = path.with_suffix(".img") if pair else path
    if pair and not data.is_file():
        raise NiftiError(path, f"its data file {data.name} is missing beside it.")
    size, volumes = _size(path, header["dim"])
    dtype = _dtype(path, header)
    offset = header["vox_offset"].item()
    least = 0 if pair else header["sizeof_hdr"].item()
    if not math.isfinite(offset) or offset < 0 or (0 < offset < least):
        raise NiftiError(path, f"vox_offset {offset} lies outside the file.")
    start = int(offset) or (0 if pair else least + 4)
    affine, warnings = _affine(path, header, size)
    slope, intercept = header["scl_slope"].item(), header["scl_inter"].item()
    if not math.isfinite(slope) or slope == 0:
        slope, intercept = 1.0, 0.0
    elif not math.isfinite(intercept):
        raise NiftiError(path, f"scl_inter is {intercept}: the values cannot be scaled.")
    layout = Layout(data, start, size, volumes, dtype, float(slope), float(intercept), affine)
    _check_length(path, layout)
    return layout, warnings


def _header(path: Path) -> Any:
    try:
        with _opened(path) as file:
            block = file.read(540)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise NiftiError(path, "its gzip stream is damaged.") from error
    for length, kind in ((348, Nifti1Header), (540, Nifti2Header)):
        for order, name in (("<", "little"), (">", "big")):
            if len(block) >= length and int.from_bytes(block[:4], name) == length:  # type: ignore[arg-type]  # a literal
                header = kind(block[:length], endianness=order, check=False)
                if header["magic"].item()[:3] not in (b"n+1", b"ni1", b"n+2", b"ni2"):
                    raise NiftiError(
                        path, "it is an Analyze 7.5 file, which does not say which side is left: convert it to NIfTI."
                    )
                return header
    raise NiftiError(path, "it is not a NIfTI file, or its header is cut short.")


def _size(path: Path, dim: NDArray[Any]) -> tuple[tuple[int, int, int], int]:
    axes = int(dim[0])
    if not 1 <= axes <= 7:
        raise NiftiError(path, f"it states {axes} dimensions.")
    sizes = [int(n) for n in dim[1 : axes + 1]]
    if min(sizes) < 1:
        raise NiftiError(path, f"its dimensions {sizes} cannot be.")
    sizes += [1] * (7 - len(sizes))
    if max(sizes[4:]) > 1:
        raise NiftiError(path, f"each voxel holds {math.prod(sizes[4:])} numbers (a vector or tensor), not one value.")
    return (sizes[0], sizes[1], sizes[2]), sizes[3]


def _dtype(path: Path, header: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except (HeaderDataError, KeyError) as error:
        raise NiftiError(path, f"its data type code {header['datatype'].item()} is unknown.") from error
    if dtype.fields:
        raise NiftiError(path, "it holds colours (RGB), which show no measured value, so it cannot be fused.")
    if dtype.kind == "c":
        raise NiftiError(path, "it holds complex numbers: save their magnitude to open it.")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise NiftiError(path, f"its data type {dtype} cannot be read.")
    return dtype


def _check_length(path: Path, layout: Layout) -> None:
    """Compare what the header asks for with what the file can hold, before anything is allocated."""
    needed = layout.offset + layout.volumes * layout.volume_bytes
    with layout.path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        length = file.seek(0, io.SEEK_END)
    if packed and needed > MOST_UNPACKED * length + CHUNK:
        raise NiftiError(path, f"it states {needed / 2**20:.0f} MB of data, more than its {length} packed bytes can hold.")
    if not packed and needed > length:
        raise NiftiError(path, f"it is cut short: it states {needed} bytes, and has {length}.")


def _affine(path: Path, header: Any, size: tuple[int, int, int]) -> tuple[NDArray[np.float64], list[str]]:
    """Index to LPS mm, and what to tell about it."""
    scale = TO_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    warnings: list[str] = []
    sform = _usable(header.get_sform(coded=True)[0], scale)
    try:
        qform = _usable(header.get_qform(coded=True)[0], scale)
    except (HeaderDataError, ValueError):
        qform = None
    qcode, scode = int(header["qform_code"]), int(header["sform_code"])
    if qcode > 0 and qform is None:
        warnings.append("The qform in the header is broken and was not used.")
    if scode > 0 and sform is not None:
        if qform is not None:
            apart = _apart_mm(sform, qform, size)
            if apart > max(1.0, 0.5 * min(np.linalg.norm(sform[:3, :3], axis=0))):
                warnings.append(
                    f"The header places the volume twice, up to {apart:.1f} mm apart (sform and qform): the sform is used."
                )
        return RAS_TO_LPS @ sform, warnings
    if scode > 0:
        warnings.append("The sform in the header is broken (it cannot be inverted) and was not used.")
    if qform is not None:
        return RAS_TO_LPS @ qform, warnings
    zooms = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64)) * scale
    if not np.isfinite(zooms).all() or min(zooms) <= 0 or scode > 0 or qcode > 0:
        raise NiftiError(path, "neither sform nor qform nor voxel sizes say where the voxels lie in millimetres.")
    warnings.append(
        "The header does not say how the volume lies in the patient (qform and sform codes 0): left and right are not"
        " known, and it must be registered and checked."
    )
    affine = np.diag([*zooms, 1.0])
    affine[:3, 3] = -zooms * (np.asarray(size) - 1) / 2
    return affine, warnings


def _usable(affine: NDArray[np.float64] | None, scale: float) -> NDArray[np.float64] | None:
    if affine is None or not np.isfinite(affine).all():
        return None
    lengths = np.linalg.norm(affine[:3, :3], axis=0) * scale
    if min(lengths) < 1e-4 or max(lengths) > 1e4 or abs(np.linalg.det(affine[:3, :3] * scale / lengths)) < 1e-3:
        return None
    scaled = np.array(affine, dtype=np.float64)
    scaled[:3] *= scale
    return scaled


def _apart_mm(one: NDArray[np.float64], two: NDArray[np.float64], size: tuple[int, int, int]) -> float:
    corners = np.array([[x, y, z, 1] for x in (0, size[0] - 1) for y in (0, size[1] - 1) for z in (0, size[2] - 1)])
    return float(np.linalg.norm((corners @ (one - two).T)[:, :3], axis=1).max())
