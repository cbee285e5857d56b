"""Plain pictures (PNG, JPEG, TIFF, BMP), grey or colour: a volume of one slice without millimetres or sides."""

from __future__ import annotations

import warnings as python_warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from app.base.errors import InputError
from app.base.progress import Progress, silent
from app.core.geometry import Geometry
from app.core.limits import BoundedFile, require
from app.core.volume import Series, Volume
from app.files.scan_result import ScanResult, Skipped, made_up_uid
from app.files.sidecar import read_sidecar

NAME = "pictures"
MARKS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM")
KINDS = ("PNG", "JPEG", "TIFF", "BMP")
MOST_PIXELS = 1 << 28
MOST_UNPACKED = 1100  # pixels for each byte of the file: deflate cannot pack tighter
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
GREY = {"L", "I", "F", "I;16", "I;16B", "I;16L"}
BROKEN = (OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError, EOFError,
          Image.DecompressionBombError, Image.DecompressionBombWarning, UnidentifiedImageError)  # fmt: skip


class PictureError(InputError):
    hint = "Save the picture again as PNG, grey or RGB."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.reason = reason


def claims(path: Path, head: bytes) -> bool:
    """Whether a file begins like one of the four kinds; a DICOM file may begin like a TIFF, but has its own mark."""
    return head.startswith(MARKS) and head[128:132] != b"DICM"


def scan(paths: Sequence[Path], progress: Progress = silent) -> ScanResult:
    series: list[Series] = []
    skipped: list[Skipped] = []
    for n, path in enumerate(paths):
        progress(n / len(paths), path.name)
        try:
            series.append(_scan_one(path))
        except PictureError as error:
            skipped.append(Skipped(path, error.reason))
    return ScanResult(tuple(series), tuple(skipped))


def _scan_one(path: Path) -> Series:
    try:
        with _open(path) as image:
            width, height = image.size
            pages = getattr(image, "n_frames", 1)
            mode = image.mode
    except BROKEN as error:
        raise PictureError(path, "it is not a picture that can be read.") from error
    if not 0 < width * height <= min(MOST_PIXELS, MOST_UNPACKED * path.stat().st_size):
        raise PictureError(path, f"it states {width} x {height} pixels, more than its file can hold.")
    sidecar = read_sidecar(path, picture=True)
    warnings = [*sidecar.warnings, "A plain picture: it has no millimetres, no sides and no unit."]
    if mode in ("RGBA", "LA", "PA"):
        warnings.append("Its transparency is ignored.")
    problem = f"It holds {pages} pages, which may be anything: save the page to open by itself." if pages > 1 else ""
    return Series(
        uid=made_up_uid(path),
        modality=sidecar.modality,
        description=sidecar.description,
        paths=(path,),
        size=(width, height, 1),
        spacing_mm=None,
        orientation="",
        unit="unknown",
        reader=NAME,
        warnings=tuple(warnings),
        problem=problem,
    )


def read(series: Series, progress: Progress = silent) -> Volume:
    """Decode a picture; a colour one keeps its RGB, and its luma (BT.601, rounded) stands for its value.

    Raises
    ------
    PictureError : the picture is damaged
    """
    path = series.paths[0]
    width, height, _ = series.size
    require(16 * width * height, path.name)
    try:
        with _open(path) as image:
            stored, rgb = _values(image)
    except BROKEN as error:
        raise PictureError(path, "the picture is damaged or cut short.") from error
    if stored.shape != (height, width):
        raise PictureError(path, "the picture has changed since it was listed.")
    progress(1.0, path.name)
    return Volume(
        stored=stored[None],
        slope=np.ones(1),
        intercept=np.zeros(1),
        geometry=Geometry((width, height, 1), np.eye(4), in_mm=False),
        modality=series.modality,
        unit=series.unit,
        series=series,
        valid=None if stored.dtype.kind != "f" or np.isfinite(stored).all() else np.isfinite(stored)[None],
        interpolated=np.zeros(1, bool),
        sources=(path,),
        rgb=None if rgb is None else rgb[None],
    )


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    python_warnings.filterwarnings("ignore", module=r"PIL(\.|$)")  # odd metadata; what is too large raises all the same
    with BoundedFile(path) as file, Image.open(file, formats=KINDS) as image:
        yield image


def _values(image: Image.Image) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Grey values [j, i] in their own depth, and RGB where the picture has colours."""
    if image.mode in GREY:
        grey = np.array(image)
        return grey.astype(grey.dtype.newbyteorder("="), copy=False), None
    if image.mode in ("1", "LA"):
        return np.array(image.convert("L")), None
    rgb = np.array(image.convert("RGB"))
    if (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all():
        return np.ascontiguousarray(rgb[..., 0]), None
    return np.rint(rgb @ np.array(LUMA)).astype(np.uint8), rgb
