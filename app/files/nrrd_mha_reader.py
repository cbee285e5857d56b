"""NRRD (.nrrd, .nhdr) and MetaImage (.mha, .mhd): headers of text lines before, or beside, raw numbers.

Read here instead of by ITK, which opens whatever path a header names as its data file, also "../" ones (5.4); here it
must lie in the header's folder or below. And a size is held against file and memory before anything is allocated.

Both state their axes in millimetres; NRRD says in which patient frame, MetaImage means LPS.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.base.progress import Progress, silent
from app.files.grid_file import GridFileError, Layout, read, scan_files
from app.files.scan_result import ScanResult

__all__ = ["claims", "read", "scan"]

NAME = "nrrd_mha"
LONGEST_HEADER = 1 << 18
META_ENDINGS = (".mha", ".mhd")
NRRD_TYPES = {
    "i1": "int8|signed char|int8_t", "u1": "uint8|uchar|unsigned char|uint8_t",
    "i2": "int16|short|short int|signed short|signed short int|int16_t",
    "u2": "uint16|ushort|unsigned short|unsigned short int|uint16_t",
    "i4": "int32|int|signed int|int32_t", "u4": "uint32|uint|unsigned int|uint32_t",
    "i8": "int64|longlong|long long|long long int|signed long long|signed long long int|int64_t",
    "u8": "uint64|ulonglong|unsigned long long|unsigned long long int|uint64_t",
    "f4": "float", "f8": "double",
}  # fmt: skip
META_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
SPACES = {  # NRRD's spaces to LPS
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
UNPLACED = "The header does not say how the volume lies in the patient: left and right are not known; check them."
Array = NDArray[np.float64]


def claims(path: Path, head: bytes) -> bool:
    """Whether it is a NRRD (by its mark) or a MetaImage (by its name and a key in the first lines)."""
    meta = path.suffix.lower() in META_ENDINGS and re.search(rb"^\s*(ObjectType|NDims)\s*=", head, re.M) is not None
    return head[:5] == b"NRRD0" or meta


def scan(paths: Sequence[Path], progress: Progress = silent) -> ScanResult:
    return scan_files(paths, NAME, read_layout, progress)


def read_layout(path: Path) -> tuple[Layout, list[str]]:
    """Parse a header; the second value holds warnings.

    Raises
    ------
    GridFileError : a field is missing, contradictory or of a kind that is not read
    """
    with path.open("rb") as file:
        head = file.read(LONGEST_HEADER)
    try:
        return _nrrd(path, head) if head[:5] == b"NRRD0" else _meta(path, head)
    except (ValueError, OverflowError) as error:
        raise GridFileError(path, f"its header is damaged ({error}).") from error


def _field(path: Path, fields: dict[str, str], key: str) -> str:
    if key not in fields:
        raise GridFileError(path, f"its header lacks the field {key!r}.")
    return fields[key]


def _beside(path: Path, name: str) -> Path:
    """The data file named in a header; refused where it leaves the header's folder."""
    data = path.parent / name
    if not data.resolve().is_relative_to(path.parent.resolve()):
        raise GridFileError(path, f"its header points to a file outside its folder ({name[:80]}).")
    if not data.is_file():
        raise GridFileError(path, f"its data file {name[:80]} is missing beside it.")
    return data


def _numbers(text: str) -> list[float]:
    numbers = [float(word) for word in text.split()]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("a number is not finite")
    return numbers


def _layout(
    path: Path,
    data: Path,
    start: int,
    packed: bool,
    skip: int,
    sizes: list[int],
    dtype: np.dtype[Any],
    axes: Array,
    origin: Array,
) -> Layout:
    """axes : columns are the vectors of i, j, k in LPS mm; origin : the first voxel's centre."""
    sizes = sizes + [1] * (3 - len(sizes))
    if len(sizes) != 3 or min(sizes) < 1:
        raise GridFileError(path, f"its sizes {sizes} are not those of a volume.")
    lengths = np.linalg.norm(axes, axis=0)
    if min(lengths) < 1e-4 or max(lengths) > 1e4 or abs(np.linalg.det(axes / lengths)) < 1e-3:
        raise GridFileError(path, "its axes do not span a volume in millimetres.")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, origin
    return Layout(data, start, packed, skip, (sizes[0], sizes[1], sizes[2]), 1, dtype, 1.0, 0.0, affine)


# NRRD ------------------------------------------------------------------------------------------------------------


def _nrrd(path: Path, head: bytes) -> tuple[Layout, list[str]]:
    end = re.search(rb"\r?\n\r?\n", head)
    text = head[: end.start()] if end else head
    fields: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines()[1:]:
        if line.startswith("#") or ":=" in line or ":" not in line:
            continue
        key, value = line.split(":", 1)
        fields[key.strip().lower().replace("datafile", "data file")] = value.strip()
    kind = _field(path, fields, "type").lower()
    code = next((code for code, names in NRRD_TYPES.items() if kind in names.split("|")), None)
    if code is None:
        raise GridFileError(path, f"its type {kind[:40]!r} cannot be read.")
    encoding = _field(path, fields, "encoding").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise GridFileError(path, f"its encoding {encoding[:40]!r} cannot be read: save it as raw or gzip.")
    if int(code[1]) > 1 and fields.get("endian", "").lower() not in ("little", "big"):
        raise GridFileError(path, "its header does not say the order of bytes (endian).")
    dtype = np.dtype((">" if fields.get("endian", "").lower() == "big" else "<") + code)
    sizes = [int(word) for word in _field(path, fields, "sizes").split()]
    warnings: list[str] = []
    axes, origin, spatial = _nrrd_axes(path, fields, len(sizes), warnings)
    if any(size != 1 for n, size in enumerate(sizes) if n not in spatial):
        raise GridFileError(path, f"it holds several values or volumes per voxel (sizes {sizes}): save one of them.")
    data, start = path, end.end() if end else len(head)
    if "data file" in fields:
        name = fields["data file"]
        if name.upper().startswith("LIST") or "%" in name:
            raise GridFileError(path, "its data are spread over several files: save them in one.")
        data, start = _beside(path, name), 0
    elif end is None:
        raise GridFileError(path, "its header has no end.")
    packed = encoding != "raw"
    skip = int(fields.get("byte skip", fields.get("byteskip", "0")))
    lines = int(fields.get("line skip", fields.get("lineskip", "0")))
    if lines != 0 or skip < -1 or skip > 1 << 30 or (skip == -1 and packed):
        raise GridFileError(path, "its header skips parts of the data in a way that cannot be read.")
    spatial_sizes = [sizes[n] for n in spatial]
    if skip == -1:  # the data are the file's last bytes
        start, skip = data.stat().st_size - math.prod(spatial_sizes) * dtype.itemsize, 0
        if start < 0:
            raise GridFileError(path, "it is cut short.")
    return _layout(path, data, start, packed, skip, spatial_sizes, dtype, axes, origin), warnings


def _nrrd_axes(path: Path, fields: dict[str, str], count: int, warnings: list[str]) -> tuple[Array, Array, list[int]]:
    """Axis vectors as columns and origin in LPS mm, and which axes of the array are spatial."""
    if not 1 <= count <= 16:
        raise GridFileError(path, f"it states {count} dimensions.")
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", "")))
    if units - {"mm", ""}:
        raise GridFileError(path, f"its space units are {', '.join(sorted(units))[:60]}, not mm.")
    if "space directions" not in fields:
        spacings = _numbers(fields.get("spacings", "").lower().replace("nan", "1"))[-3:] or [1.0] * min(count, 3)
        spacings += [1.0] * (3 - len(spacings))
        if "spacings" not in fields:
            warnings.append("The header states no voxel size: 1 mm was assumed, lengths are not to be trusted.")
        warnings.append(UNPLACED)
        return np.diag(np.abs(spacings)), np.zeros(3), list(range(max(0, count - 3), count))
    vectors = re.findall(r"none|\([^)]*\)", fields["space directions"])
    if len(vectors) != count:
        raise GridFileError(path, f"it states {count} sizes and {len(vectors)} space directions.")
    spatial = [n for n, vector in enumerate(vectors) if vector != "none"]
    columns = [_numbers(vectors[n].strip("()").replace(",", " ")) for n in spatial]
    if len(columns) != 3 or any(len(column) != 3 for column in columns):
        raise GridFileError(path, "its space directions are not three vectors in three dimensions.")
    space = fields.get("space", "").lower().strip()
    if space not in SPACES:
        warnings.append(UNPLACED)
    flip = np.array(SPACES.get(space, (1, 1, 1)), dtype=np.float64)
    origin = _numbers(fields.get("space origin", "(0,0,0)").strip().strip("()").replace(",", " "))
    if len(origin) != 3:
        raise GridFileError(path, "its space origin is not three numbers.")
    return flip[:, None] * np.array(columns).T, flip * origin, spatial


# MetaImage -------------------------------------------------------------------------------------------------------


def _meta(path: Path, head: bytes) -> tuple[Layout, list[str]]:
    end = re.search(rb"^\s*ElementDataFile\s*=[^\n]*\n?", head, re.M)
    if end is None:
        raise GridFileError(path, "its header lacks the field 'ElementDataFile'.")
    fields: dict[str, str] = {}
    for line in head[: end.end()].decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        fields[key.strip()] = value.strip()
    count = int(_field(path, fields, "NDims"))
    sizes = [int(word) for word in _field(path, fields, "DimSize").split()]
    if len(sizes) != count or not 2 <= count <= 4:
        raise GridFileError(path, f"it states {count} dimensions and {len(sizes)} sizes.")
    if count == 4 and sizes[3] != 1:
        raise GridFileError(path, f"it holds {sizes[3]} volumes (4-D): save one of them.")
    if int(fields.get("ElementNumberOfChannels", "1")) != 1:
        raise GridFileError(path, "each voxel holds several numbers (a vector or colour), not one value.")
    kind = _field(path, fields, "ElementType")
    if kind not in META_TYPES:
        raise GridFileError(path, f"its type {kind[:40]!r} cannot be read.")
    if fields.get("BinaryData", "True").lower() not in ("true", "1"):
        raise GridFileError(path, "its numbers are written as text: save it as binary.")
    big = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")).lower() in ("true", "1")
    dtype = np.dtype((">" if big else "<") + META_TYPES[kind])
    name = fields["ElementDataFile"]
    if name.upper().startswith("LIST") or "%" in name:
        raise GridFileError(path, "its data are spread over several files: save them in one.")
    local = name.upper() == "LOCAL"
    data, start = (path, end.end()) if local else (_beside(path, name), int(fields.get("HeaderSize", "0")))
    sizes = sizes[:3]
    if start == -1:
        start = data.stat().st_size - math.prod(sizes) * dtype.itemsize
    if start < 0:
        raise GridFileError(path, "it is cut short.")
    warnings: list[str] = []
    axes, origin = _meta_axes(path, fields, count, warnings)
    packed = fields.get("CompressedData", "False").lower() in ("true", "1")
    return _layout(path, data, start, packed, 0, sizes, dtype, axes, origin), warnings


def _meta_axes(path: Path, fields: dict[str, str], count: int, warnings: list[str]) -> tuple[Array, Array]:
    voxel_size = fields.get("ElementSpacing", fields.get("ElementSize"))
    if voxel_size is None:
        warnings.append("The header states no voxel size: 1 mm was assumed, lengths are not to be trusted.")
    spacing = _numbers(voxel_size or "1 " * count)
    rotation = next((fields[key] for key in ("TransformMatrix", "Rotation", "Orientation") if key in fields), None)
    if rotation is None:
        warnings.append(UNPLACED)
    matrix = np.array(_numbers(rotation)) if rotation else np.eye(count).ravel()
    offset = next((fields[key] for key in ("Offset", "Position", "Origin") if key in fields), "0 " * count)
    origin = _numbers(offset)
    if len(spacing) != count or matrix.size != count * count or len(origin) != count:
        raise GridFileError(path, "spacing, offset or matrix do not fit the number of dimensions.")
    axes, used = np.eye(3), min(count, 3)
    rows = matrix.reshape(count, count)[:used, :used]  # one row for each axis' vector
    axes[:used, :used] = (rows * np.abs(spacing[:used])[:, None]).T
    return axes, np.array([*origin, 0.0][:3])
