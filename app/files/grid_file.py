"""Files that hold one regular grid of numbers behind a short header (NIfTI, NRRD, MetaImage): what they share.

A format's module parses the header into a Layout; here it becomes Series and Volume. What the header asks for is
compared with what the file can hold before anything is allocated, and unpacked a few megabytes at a time.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.base.errors import InputError
from app.base.progress import Progress, silent
from app.core.geometry import Geometry
from app.core.limits import require
from app.core.volume import Series, Volume
from app.files.scan_result import ScanResult, Skipped, made_up_uid
from app.files.sidecar import read_sidecar
from app.files.straighten import is_sheared, straight_geometry, straightened

MOST_UNPACKED = 1100  # times a packed file's length: deflate cannot do more, so that a header asking for more lies
CHUNK = 1 << 22
AUTOMATIC = 47  # zlib's window bits: either a zlib or a gzip stream
LEAST_AIR = -500  # a CT in HU holds air: without a value this low the numbers are something else
MOST_VOLUMES = 2000


class GridFileError(InputError):
    """A file that cannot be used, with the reason in its sentence."""

    hint = "Convert the original images again, for example with dcm2niix, or open the DICOM files themselves."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Layout:
    """Where the numbers lie, and what they mean.

    path : the data's file; start : bytes before the (packed) stream; packed : zlib or gzip from there on
    skip : unpacked bytes before the first voxel; volumes : of `size` each, one behind the other
    slope, intercept : value = stored * slope + intercept; affine : (i, j, k, 1) to LPS mm
    """

    path: Path
    start: int
    packed: bool
    skip: int
    size: tuple[int, int, int]
    volumes: int
    dtype: np.dtype[Any]
    slope: float
    intercept: float
    affine: NDArray[np.float64]

    @property
    def volume_bytes(self) -> int:
        return math.prod(self.size) * self.dtype.itemsize

    def check_length(self) -> None:
        """Raise GridFileError where the file cannot hold what the header states."""
        with self.path.open("rb") as file:
            length = file.seek(0, io.SEEK_END) - self.start
        needed = self.skip + self.volumes * self.volume_bytes
        if self.packed and needed > MOST_UNPACKED * max(length, 0) + CHUNK:
            raise GridFileError(
                self.path, f"it states {needed / 2**20:.0f} MB of data, more than {length} packed bytes can hold."
            )
        if not self.packed and needed > length:
            raise GridFileError(self.path, f"it is cut short: it states {needed} bytes of data, and has {length}.")


Parse = Callable[[Path], tuple[Layout, list[str]]]


@dataclass(frozen=True)
class Details:
    layout: Layout
    volume: int


def scan_files(paths: Sequence[Path], name: str, parse: Parse, progress: Progress) -> ScanResult:
    """Headers only, but for CT, whose values decide whether they can be HU."""
    series: list[Series] = []
    skipped: list[Skipped] = []
    for n, path in enumerate(paths):
        progress(n / len(paths), path.name)
        try:
            series += _scan_one(path, name, parse)
        except GridFileError as error:
            skipped.append(Skipped(path, error.reason))
        except OSError as error:
            skipped.append(Skipped(path, f"it cannot be opened ({error.strerror or 'read error'})."))
    return ScanResult(tuple(series), tuple(skipped))


def _scan_one(path: Path, name: str, parse: Parse) -> list[Series]:
    layout, warnings = parse(path)
    layout.check_length()
    if layout.volumes > MOST_VOLUMES:
        raise GridFileError(path, f"it states {layout.volumes} volumes, more than {MOST_VOLUMES}.")
    sidecar = read_sidecar(path)
    warnings = [*warnings, *sidecar.warnings]
    geometry = Geometry(layout.size, layout.affine)
    if is_sheared(layout.affine):
        geometry = straight_geometry(geometry)
        warnings.append("The stored grid is skewed: the volume was resampled to a straight grid, and is marked so.")
    unit = sidecar.unit or _unit(sidecar.modality, layout, warnings)
    uid = made_up_uid(path)
    several = layout.volumes > 1
    series = []
    for volume in range(layout.volumes):
        note = f"The file holds {layout.volumes} volumes (4-D); this is volume {volume + 1}." if several else ""
        series.append(
            Series(
                uid=f"{uid}#{volume + 1}" if several else uid,
                modality=sidecar.modality,
                description=f"{sidecar.description} (volume {volume + 1})" if several else sidecar.description,
                paths=(path,),
                size=geometry.size,
                spacing_mm=geometry.spacing_mm,
                orientation=geometry.orientation,
                unit=unit,
                reader=name,
                body_part=sidecar.body_part,
                warnings=(note, *warnings) if note else tuple(warnings),
                details=Details(layout, volume),
            )
        )
    return series


def _unit(modality: str, layout: Layout, warnings: list[str]) -> str:
    """The unit where no sidecar states one: HU only for values that can be HU."""
    if modality == "MR":
        return "a.u."
    if modality == "CT":
        if _holds_air(layout):
            return "HU"
        warnings.append("The values hold no air (nothing below -500): they are not known to be Hounsfield units.")
    elif modality in ("PT", "NM"):
        warnings.append("Nothing states the unit of the values" + (": no SUV." if modality == "PT" else "."))
    return "unknown"


def read(series: Series, progress: Progress = silent) -> Volume:
    """Read one volume of a file.

    Raises
    ------
    GridFileError : the data are cut short or damaged
    TooLargeError : the volume does not fit into memory
    """
    details: Details = series.details
    layout = details.layout
    path = layout.path
    require(2 * layout.volume_bytes + 5 * math.prod(series.size), path.name)
    stored = np.empty(layout.size[::-1], layout.dtype)
    flat, at = stored.reshape(-1).view(np.uint8), 0
    for piece in pieces(layout, details.volume):
        flat[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
        progress(at / max(layout.volume_bytes, 1), path.name)
    stored = stored.astype(layout.dtype.newbyteorder("="), copy=False)
    stored, valid = _finite(stored, path)
    if valid is not None:
        count = int(stored.size - np.count_nonzero(valid))
        warning = f"{count} voxels hold no finite number (NaN or infinite): they are left out like padding."
        series = replace(series, warnings=(*series.warnings, warning))
    geometry = Geometry(layout.size, layout.affine)
    sources: tuple[Path | None, ...] = (series.paths[0],) * layout.size[2]
    skewed = is_sheared(layout.affine)
    if skewed:
        stored, valid, geometry = straightened(stored, valid, geometry)
        sources = (None,) * geometry.size[2]
    return Volume(
        stored=stored,
        slope=np.array([layout.slope]),
        intercept=np.array([layout.intercept]),
        geometry=geometry,
        modality=series.modality,
        unit=series.unit,
        series=series,
        valid=valid,
        interpolated=np.full(geometry.size[2], skewed),
        sources=sources,
    )


def _finite(stored: NDArray[Any], path: Path) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Stored values without NaN and infinities (the lowest finite value stands there), and where they were."""
    if stored.dtype.kind != "f":
        return stored, None
    valid = np.isfinite(stored)
    if valid.all():
        return stored, None
    if not valid.any():
        raise GridFileError(path, "no voxel holds a finite number.")
    stored[~valid] = stored[valid].min()
    return stored, valid


def pieces(layout: Layout, volume: int) -> Iterator[bytes]:
    """The bytes of one volume, a few megabytes at a time, so that a lying header cannot ask for much."""
    skip, missing = layout.skip + volume * layout.volume_bytes, layout.volume_bytes
    try:
        with layout.path.open("rb") as file:
            file.seek(layout.start)
            if not layout.packed:
                file.seek(layout.start + skip)
                skip = 0
                stream: Iterator[bytes] = iter(lambda: file.read(CHUNK), b"")
            else:
                stream = unpacked(iter(lambda: file.read(1 << 18), b""))
            for piece in stream:
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                piece = piece[skip : skip + missing]
                skip = 0
                missing -= len(piece)
                yield piece
                if not missing:
                    return
    except zlib.error as error:
        raise GridFileError(layout.path, "its packed data are damaged.") from error
    except OSError as error:
        raise GridFileError(layout.path, f"it cannot be read ({error.strerror or 'read error'}).") from error
    raise GridFileError(layout.path, f"its data are cut short: {missing} bytes of the volume are missing.")


def unpacked(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack a zlib or gzip stream, also one of several members (as block gzip writes), in pieces of at most CHUNK."""
    unpack = zlib.decompressobj(AUTOMATIC)
    for piece in packed:
        while piece:
            output = unpack.decompress(piece, CHUNK)
            piece = unpack.unconsumed_tail
            if unpack.eof:
                piece, unpack = unpack.unused_data.lstrip(b"\0"), zlib.decompressobj(AUTOMATIC)
            if output:
                yield output


def _holds_air(layout: Layout) -> bool:
    """Whether some value is at or below -500 after scaling; stops at the first."""
    remainder = b""
    for piece in pieces(layout, 0):
        block = remainder + piece
        usable = len(block) - len(block) % layout.dtype.itemsize
        values = np.frombuffer(block[:usable], layout.dtype).astype(np.float64)
        remainder = block[usable:]
        values = values[np.isfinite(values)] * layout.slope + layout.intercept
        if values.size and values.min() <= LEAST_AIR:
            return True
    return False
