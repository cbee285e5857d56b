"""A DICOM series' pixels as a Volume, on the grid that the scan laid."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift as shift_image

from app.base.progress import Progress, silent
from app.core.limits import require
from app.core.volume import Series, Volume
from app.files.dicom.details import Details
from app.files.dicom.frames import Frame
from app.files.dicom.grid import Stack
from app.files.dicom.pixels import decode

Mask = NDArray[np.bool_]
AT_ONCE = 32  # frames of an uncompressed multi-frame file between two reports of progress


def read(series: Series, progress: Progress = silent) -> Volume:
    """Decode all frames of a series.

    Raises
    ------
    DamagedFileError : a file is damaged; its name is in the sentence
    TooLargeError : the volume does not fit into memory
    """
    details: Details = series.details
    stack = details.stack
    i, j, k = stack.geometry.size
    require(i * j * k * (5 if stack.resampled else 3), series.description or "the series")
    stored, valid = _decode_all(stack, progress)
    factors = np.asarray(details.factors)
    slope = np.array([frame.slope for frame in stack.frames]) * factors
    intercept = np.array([frame.intercept for frame in stack.frames]) * factors
    acquired: list[Frame | None] = list(stack.frames)
    if stack.resampled:
        stored, slope, intercept, valid, acquired = _regular(stack, stored, slope, intercept, valid)
    return Volume(
        stored=stored,
        slope=slope,
        intercept=intercept,
        geometry=stack.geometry,
        modality=series.modality,
        unit=series.unit,
        series=series,
        valid=valid,
        interpolated=stack.interpolated.copy(),
        sources=tuple(None if frame is None else frame.path for frame in acquired),
        source_frames=tuple(frame.index + 1 if frame and frame.pixels.frames > 1 else None for frame in acquired),
        window=_window(details, float(factors[0])),
        inverted=details.inverted,
    )


def _window(details: Details, factor: float) -> tuple[float, float] | None:
    """The header's window in the values' unit; it is stated before SUV scaling."""
    return None if details.window is None else (details.window[0] * factor, details.window[1] * factor)


def _decode_all(stack: Stack, progress: Progress) -> tuple[NDArray[Any], Mask | None]:
    """[n, j, i] in the order of stack.frames, in the smallest type that holds all; and the padding mask."""
    by_path: dict[Path, list[int]] = defaultdict(list)
    for n, frame in enumerate(stack.frames):
        by_path[frame.path].append(n)
    first = stack.frames[0].pixels
    stored: NDArray[Any] | None = None
    valid: Mask | None = None
    shape = (len(stack.frames), first.rows, first.columns)
    finished = 0
    pieces = [
        (path, places[n : n + step])
        for path, places in by_path.items()
        for step in [AT_ONCE if stack.frames[places[0]].pixels.offset is not None else len(places)]
        for n in range(0, len(places), step)
    ]
    for path, places in pieces:
        progress(finished / shape[0], f"slice {finished + 1} of {shape[0]}")
        frames = [stack.frames[n] for n in places]
        pixels, inside = decode(path, frames[0].pixels, [frame.index for frame in frames])
        pixels, inside = _finite(_through_table(pixels, frames[0]), inside)
        if stored is None:
            stored = np.empty(shape, pixels.dtype)
        elif pixels.dtype != stored.dtype:
            stored = stored.astype(np.result_type(stored, pixels), copy=False)
        stored[places] = pixels
        if inside is not None and not inside.all():
            if valid is None:
                valid = np.ones(shape, dtype=bool)
            valid[places] = inside
        finished += len(places)
    assert stored is not None  # a stack has at least one frame
    progress(1.0, "all slices read")
    return stored, valid


def _finite(pixels: NDArray[Any], inside: Mask | None) -> tuple[NDArray[Any], Mask | None]:
    """Float pixels without NaN and infinities: 0 stands there, and they count as padding."""
    if pixels.dtype.kind != "f" or np.isfinite(pixels).all():
        return pixels, inside
    finite = np.isfinite(pixels)
    return np.where(finite, pixels, 0).astype(pixels.dtype), finite if inside is None else finite & inside


def _through_table(pixels: NDArray[Any], frame: Frame) -> NDArray[Any]:
    if frame.table is None:
        return pixels
    first, outputs = frame.table
    index = np.clip(pixels.astype(np.int64) - first, 0, len(outputs) - 1)
    return outputs[index].astype(np.float32)


def _regular(
    stack: Stack, stored: NDArray[Any], slope: NDArray[np.float64], intercept: NDArray[np.float64], valid: Mask | None
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64], Mask | None, list[Frame | None]]:
    """Put acquired slices at their true place on the regular grid, and interpolate linearly between them."""
    planes = stored.astype(np.float32)
    if len(np.unique(slope)) > 1 or len(np.unique(intercept)) > 1:  # one scale, so that slices can be mixed
        planes *= slope.astype(np.float32)[:, None, None]
        planes += intercept.astype(np.float32)[:, None, None]
        slope, intercept = np.ones(1), np.zeros(1)
    if stack.shifts is not None:
        planes, valid = _sheared(stack, planes, valid)
    k = stack.geometry.size[2]
    values = np.empty(stack.geometry.shape, np.float32)
    inside = None if valid is None else np.empty(stack.geometry.shape, bool)
    acquired: list[Frame | None] = [None] * k
    for level in range(k):
        above = int(np.searchsorted(stack.at, level - 1e-9))
        above = min(above, len(stack.at) - 1)
        below = max(above - 1, 0)
        if abs(stack.at[above] - level) < 1e-9:
            below = above
            acquired[level] = stack.frames[above]
        share = 0.0 if above == below else (level - stack.at[below]) / (stack.at[above] - stack.at[below])
        values[level] = planes[below] if share == 0 else (1 - share) * planes[below] + share * planes[above]
        if inside is not None and valid is not None:
            inside[level] = valid[below] & valid[above]
    return values, np.full(k, slope[0]), np.full(k, intercept[0]), inside, acquired


def _sheared(stack: Stack, planes: NDArray[np.float32], valid: Mask | None) -> tuple[NDArray[np.float32], Mask]:
    """Move every slice sideways to where its ImagePositionPatient says it lies; outside it nothing is valid."""
    assert stack.shifts is not None
    i, j, _ = stack.geometry.size
    moved = np.empty((len(planes), j, i), np.float32)
    inside = np.empty(moved.shape, bool)
    for n, (right, down) in enumerate(stack.shifts):
        wide = np.full((j, i), planes[n].min(), np.float32)
        rows, columns = planes[n].shape
        wide[:rows, :columns] = planes[n]
        weight = np.zeros((j, i), np.float32)
        weight[:rows, :columns] = 1 if valid is None else valid[n]
        moved[n] = shift_image(wide, (down, right), order=1, mode="nearest")
        inside[n] = shift_image(weight, (down, right), order=1, mode="constant") > 0.999
    return moved, inside
