"""From slice positions to a regular grid: order, spacing, gantry tilt, missing slices, all from ImagePositionPatient.

Slices are ordered along the normal (row x column cosines). Neither InstanceNumber, SliceLocation, SliceThickness nor
GantryDetectorTilt is asked: they are absent, stale or mean something else on some scanner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.geometry import Geometry
from app.files.dicom.frames import Frame

SAME_MM = 0.01  # positions are written rounded; below this two are the same
EVEN_SHARE = 0.01  # of the spacing: a slice this close to its place in the grid is left as it is
STRAIGHT_PIXELS = 0.1  # sideways drift over the whole stack that is left alone
FAR_GAP = 10  # spacings; beyond, a gap parts two stacks
GAPS_NAMED = 3  # gaps named one by one in a warning

Array = NDArray[np.float64]


class NotAStack(Exception):  # noqa: N818 - an answer, not an error: it becomes the series' `problem`
    """These frames cannot make a volume; the message is a sentence for the reader."""


@dataclass(frozen=True)
class Stack:
    """Acquired frames along the normal, and the regular grid they are read into.

    at : (n,) fractional k of each frame; shifts : (n, 2) columns and rows to move it by on the grid, None if straight
    geometry : the grid; interpolated : (k,) bool; warnings : sentences for the reader
    """

    frames: tuple[Frame, ...]
    at: Array
    shifts: Array | None
    geometry: Geometry
    interpolated: NDArray[np.bool_]
    warnings: tuple[str, ...]

    @property
    def resampled(self) -> bool:
        return bool(self.interpolated.any())


def axes(frame: Frame) -> tuple[Array, Array, Array]:
    """Unit vectors of row, column and normal.

    Raises
    ------
    NotAStack : no orientation, or not two perpendicular unit vectors
    """
    if frame.orientation is None or frame.position is None:
        raise NotAStack(
            frame.note
            or "The images do not say where they lie in the patient (ImagePositionPatient or ImageOrientationPatient is"
            " missing): they are single pictures, and cannot be stacked into a volume."
        )
    row, column = np.asarray(frame.orientation[:3]), np.asarray(frame.orientation[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.9 or max(lengths) > 1.1 or abs(row @ column) > 0.01:
        raise NotAStack("ImageOrientationPatient is not two perpendicular unit vectors: the images cannot be placed.")
    row = row / lengths[0]
    column = column - (column @ row) * row
    column /= np.linalg.norm(column)
    return row, column, np.cross(row, column)


def along_normal(frames: Sequence[Frame]) -> Array:
    """Where each frame lies along the common normal, mm."""
    normal = axes(frames[0])[2]
    return np.array([frame.position for frame in frames], dtype=np.float64) @ normal


def _usual(steps: Array) -> float:
    """The usual step: the median, but of two steps, 2 and 4 mm, the smaller and not the 3 mm between them."""
    return float(np.percentile(steps, 50, method="lower"))


def part_at_far_gaps(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Split where two neighbours lie further apart than FAR_GAP usual spacings: those are two stacks."""
    if len(frames) < 3:
        return [list(frames)]
    places = along_normal(frames)
    order = np.argsort(places, kind="stable")
    steps = np.diff(places[order])
    cuts = np.flatnonzero(steps > FAR_GAP * max(_usual(steps), SAME_MM)) + 1
    return [[frames[n] for n in part] for part in np.split(order, cuts)]


def stack(frames: Sequence[Frame]) -> Stack:
    """Order frames of one orientation and size, and lay the grid they are read into.

    Raises
    ------
    NotAStack : no positions or no pixel spacing, or two frames at one position
    """
    row, column, normal = axes(frames[0])
    if frames[0].pixel_mm is None:
        raise NotAStack("PixelSpacing (0028,0030) is missing: without millimetres the images cannot be fused.")
    places = along_normal(frames)
    order = np.argsort(places, kind="stable")
    frames = tuple(frames[n] for n in order)
    places = places[order]
    steps = np.diff(places)
    if len(steps) and steps.min() < SAME_MM:
        n = int(steps.argmin())
        raise NotAStack(
            f"Slices {frames[n].path.name} and {frames[n + 1].path.name} both lie at {places[n]:.2f} mm and differ,"
            " and nothing in their headers tells them apart: two acquisitions may be mixed."
        )
    warnings: list[str] = []
    at, step_mm, count = _levels(frames, places, warnings)
    rows_mm, columns_mm = frames[0].pixel_mm or (1.0, 1.0)
    corner = np.array([frame.position for frame in frames], dtype=np.float64)
    sideways = np.stack([corner @ row / columns_mm, corner @ column / rows_mm], axis=1)  # (n, 2) pixels
    shifts = sideways - sideways.min(axis=0)
    interpolated = np.ones(count, dtype=bool)
    exact = np.abs(at - np.round(at)) < 1e-9
    interpolated[np.round(at[exact]).astype(int)] = False
    size = [frames[0].pixels.columns, frames[0].pixels.rows]
    origin = corner[0]
    straight = bool(shifts.max() <= STRAIGHT_PIXELS)
    if not straight:
        origin = corner[0] - shifts[0, 0] * columns_mm * row - shifts[0, 1] * rows_mm * column
        size = [n + int(np.ceil(shift - 1e-6)) for n, shift in zip(size, shifts.max(axis=0), strict=True)]
        interpolated[:] = True
        warnings.append(_tilt(corner, normal, places))
    affine = np.eye(4)
    affine[:3, :3] = np.stack([row * columns_mm, column * rows_mm, normal * step_mm], axis=1)
    affine[:3, 3] = origin
    geometry = Geometry((size[0], size[1], count), affine)
    return Stack(frames, at, None if straight else shifts, geometry, interpolated, tuple(warnings))


def _levels(frames: Sequence[Frame], places: Array, warnings: list[str]) -> tuple[Array, float, int]:
    """Fractional k of each frame, the grid's spacing and its number of slices."""
    count = len(frames)
    if count == 1:
        thickness = frames[0].thickness_mm or 0.0
        source = f"the stated {thickness:g} mm" if thickness > 0 else "1 mm, because none is stated"
        warnings.append(f"There is only one slice here; its thickness is taken as {source}.")
        return np.zeros(1), thickness if thickness > 0 else 1.0, 1
    steps = np.diff(places)
    mean = float(places[-1] - places[0]) / (count - 1)
    if np.abs(steps - mean).max() <= SAME_MM + 1e-6:
        return np.arange(count, dtype=np.float64), mean, count
    usual = _usual(steps)
    numbers = np.round((places - places[0]) / usual)
    if (np.diff(numbers) >= 1).all():  # every slice has its place in the grid, some places may be empty
        fitted = float(np.polyfit(numbers, places, 1)[0]) if count > 2 else usual
        deviation = np.abs((places - places[0]) / fitted - numbers)
        if deviation.max() <= max(EVEN_SHARE, SAME_MM / fitted):
            _warn_missing(frames, places, numbers, fitted, float(deviation.max()), warnings)
            return numbers, fitted, int(numbers[-1]) + 1
    # Uneven: a grid as fine as the closest slices, but no finer than half the usual step.
    finest = float(steps[steps >= usual / 2].min())
    levels = max(2, round((places[-1] - places[0]) / finest) + 1)
    spacing = float(places[-1] - places[0]) / (levels - 1)
    at = (places - places[0]) / spacing
    near = np.abs(at - np.round(at)) * spacing <= SAME_MM
    at[near] = np.round(at[near])
    _warn_uneven(frames, places, steps, usual, spacing, warnings)
    return at, spacing, levels


def _between(frames: Sequence[Frame], places: Array, n: int) -> str:
    first, second = frames[n], frames[n + 1]
    same = first.path == second.path
    names = (f"frame {f.index + 1}" for f in (first, second)) if same else (f.path.name for f in (first, second))
    name, next_name = names
    return f"between {name} at {places[n]:.2f} mm and {next_name} at {places[n + 1]:.2f} mm"


def _warn_missing(
    frames: Sequence[Frame], places: Array, numbers: Array, spacing: float, deviation: float, warnings: list[str]
) -> None:
    gaps = np.diff(numbers).astype(int)
    for n in np.flatnonzero(gaps > 1)[: 10 * GAPS_NAMED]:
        missing = int(gaps[n]) - 1
        gap = "1 slice is missing" if missing == 1 else f"{missing} slices are missing"
        warnings.append(
            f"{gap} {_between(frames, places, int(n))} (spacing {spacing:.2f} mm): interpolated there, and marked."
        )
    if deviation * spacing > SAME_MM:
        n = int(np.abs(np.diff(places) / spacing - gaps).argmax())
        warnings.append(
            f"The slice spacing is uneven by up to {deviation * spacing:.3f} mm {_between(frames, places, n)};"
            f" the slices were left as they are, on a grid of {spacing:.3f} mm."
        )


def _warn_uneven(
    frames: Sequence[Frame], places: Array, steps: Array, usual: float, spacing: float, warnings: list[str]
) -> None:
    odd = np.flatnonzero(np.abs(steps - usual) > SAME_MM)
    worst = odd[np.argsort(-np.abs(steps[odd] - usual), kind="stable")][:GAPS_NAMED]
    for n in worst:
        warnings.append(
            f"The slice spacing is {steps[n]:.2f} mm instead of {usual:.2f} mm {_between(frames, places, int(n))}."
        )
    extra = f" ({len(odd)} uneven gaps in all)" if len(odd) > len(worst) else ""
    warnings.append(
        f"The slices were resampled to an even spacing of {spacing:.3f} mm{extra}; interpolated slices are marked."
    )


def _tilt(corner: Array, normal: Array, places: Array) -> str:
    whole = corner[-1] - corner[0]
    angle = float(np.degrees(np.arccos(np.clip(whole @ normal / np.linalg.norm(whole), -1, 1))))
    line = corner[0] + np.outer((places - places[0]) / (places[-1] - places[0]), whole)
    if np.linalg.norm(corner - line, axis=1).max() < 0.5:
        return (
            f"The gantry was tilted by {angle:.1f}°: the stack was sheared back by the slices' true positions, so every"
            " slice is interpolated within its plane."
        )
    return "The slices are displaced sideways against each other: each was moved to its true place, by interpolation."
