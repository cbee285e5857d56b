"""NIfTI: the fused luma as numbers, and the picture in colour, both on the MRI's grid.

Where there is nothing to fuse, outside the common field of view, both hold 0: NIfTI has no value for "no data".
Nothing about the patient is written. Slices k0, k0 + n, ... give a volume of those slices, in their places.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from app import NOT_FOR_DIAGNOSIS
from app.base.errors import ExportError
from app.base.progress import Progress
from app.core.geometry import Geometry
from app.export import wording
from app.export.colour import Colouring

RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])  # NIFTI_TYPE_RGB24
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


class UnevenSlicesError(ExportError):
    hint = "Export a range, or one slice after the other."

    def __init__(self) -> None:
        super().__init__("NIfTI holds slices at even distances, and those asked for are not.")


def write_luma(file: BinaryIO, colouring: Colouring, slices: Sequence[int], progress: Progress) -> None:
    """Fused luma, float32 in [0, 1]."""
    stack = colouring.stack
    header = _header(colouring, slices, np.dtype(np.float32), 1.0)
    _write(file, header, slices, lambda k: stack.fused[k].astype("<f4", copy=False), progress)


def write_rgb(file: BinaryIO, colouring: Colouring, slices: Sequence[int], progress: Progress) -> None:
    """The picture with the palette's chroma, RGB24; grey where there is no palette."""
    _write(file, _header(colouring, slices, RGB, 0.0), slices, colouring.plain_rgb, progress)


def sub_grid(grid: Geometry, slices: Sequence[int]) -> Geometry:
    """The grid of these slices only; UnevenSlicesError where they are not evenly spaced."""
    steps = set(np.diff(slices).tolist())
    if len(steps) > 1:
        raise UnevenSlicesError
    affine = np.array(grid.affine)
    affine[:3, 2] *= steps.pop() if steps else 1
    affine[:3, 3] = grid.to_lps((0, 0, slices[0]))
    return Geometry((grid.size[0], grid.size[1], len(slices)), affine, grid.in_mm)


def _header(colouring: Colouring, slices: Sequence[int], kind: np.dtype[Any], top: float) -> Any:
    stack = colouring.stack
    grid = sub_grid(stack.aligned.mri.geometry, slices)
    untyped: Any = nib.Nifti1Header  # nibabel annotates only some of its functions
    header = untyped(endianness="<")
    header.set_data_dtype(kind)
    header.set_data_shape(grid.size)
    header.set_data_offset(352)
    if grid.in_mm:
        ras = _TO_RAS @ grid.affine
        axes = grid.direction
        if np.allclose(axes.T @ axes, np.eye(3), atol=1e-5):
            header.set_qform(ras, code=1)
        # a sheared grid has no quaternion: then only the sform is given, and the code 0 of the qform says so
        header.set_sform(ras, code=1)
        header["pixdim"][1:4] = grid.spacing_mm
        header.set_xyzt_units("mm")
    rest = f" {wording.verdict(stack)} {NOT_FOR_DIAGNOSIS}"
    header["descrip"] = f"{wording.SOFTWARE} {wording.ascii_only(stack.request.network)}"[: 79 - len(rest)] + rest
    header["cal_max"] = top
    return header


def _write(
    file: BinaryIO,
    header: Any,
    slices: Sequence[int],
    pixels: Callable[[int], NDArray[Any]],
    progress: Progress,
) -> None:
    # no name and no time in the gzip header: the same fusion gives the same bytes
    with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=file, mtime=0) as packed:
        packed.write(header.binaryblock + bytes(4))  # four zeros: no header extension follows
        for count, k in enumerate(slices):
            progress(count / len(slices), f"writing slice {k + 1}")
            # [j, i] in C order: i runs fastest, as NIfTI has it
            packed.write(np.ascontiguousarray(pixels(k)).tobytes())
