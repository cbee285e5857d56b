"""Where to start: several first guesses, a coarse search around the best of them, and the few that are worth refining.

An optimiser of mutual information only finds the hill it starts on. From 45 mm and 20 degrees that is often the wrong
one, so guesses from the header, the shapes and the fields of view compete, and so do rotations about the best.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from app.base.progress import Progress, silent
from app.core.geometry import Geometry, transform_points
from app.core.transforms import Matrix, inverse, rigid, rotation_angle_deg
from app.registration.prepare import Prepared
from app.registration.similarity import Similarity
from app.registration.verdict import Stopped

_SEED = 20240607
_HEAD_MM = 180.0  # from the vertex down: what a head takes of a longer scan
_ANGLES_DEG = (-24.0, -12.0, 0.0, 12.0, 24.0)
_CANDIDATES, _BASES, _KEPT_ROTATIONS = 6, 3, 8
_HOPELESS = 0.5  # of the best score: such starts are not refined


@dataclass(frozen=True)
class Start:
    """A guess or what became of it, where it came from, how well it scores (nats), and why its refining ended."""

    fixed_to_moving: Matrix
    origin: str
    score: float = 0.0
    stopped: Stopped = Stopped.AS_IT_STANDS


def compare(fixed: Prepared, moving: Prepared, *, points: int, bins: int = 32) -> Similarity:
    """Similarity at `points` random places in the fixed body and close around it; the same places on every call.

    Places between the voxel centres: on them, interpolation alone makes MI peak wherever two grids happen to meet.
    """
    random = np.random.default_rng(_SEED)
    voxels = np.flatnonzero(fixed.near if fixed.near.any() else np.ones_like(fixed.near))
    indices = np.stack(np.unravel_index(voxels[random.integers(len(voxels), size=points)], fixed.near.shape), axis=1)
    at = indices + random.uniform(-0.5, 0.5, size=indices.shape)
    values = ndimage.map_coordinates(fixed.values, at.T, order=1, mode="nearest").astype(np.float32)
    usable = None if moving.usable.all() else moving.usable
    return Similarity(fixed.grid.to_lps(at[:, ::-1]), values, moving.values, moving.grid, usable=usable, bins=bins)


def guesses(fixed: Prepared, moving: Prepared, start: Matrix) -> list[Start]:
    """First guesses, none of them turned against `start`."""
    rotation = np.eye(4)
    rotation[:3, :3] = start[:3, :3]

    def onto(name: str, from_mm: NDArray[np.float64], to_mm: NDArray[np.float64]) -> Start:
        matrix = rotation.copy()
        matrix[:3, 3] = to_mm - rotation[:3, :3] @ from_mm
        return Start(matrix, name)

    starts = [
        Start(start, "start"),
        onto("centres of the fields", fixed.grid.centre_mm, moving.grid.centre_mm),
        onto("centres of the bodies", fixed.centroid_mm, moving.centroid_mm),
        onto("centres of intensity", fixed.centre_of_intensity_mm, moving.centre_of_intensity_mm),
        onto("tops of the bodies", head_centre(fixed), head_centre(moving)),
    ]
    return starts + _along(starts[2], fixed.grid, moving.grid)


def head_centre(image: Prepared) -> NDArray[np.float64]:
    """Centre, LPS mm, of the uppermost 180 mm of the body: the head, if the scan holds one."""
    points = image.grid.to_lps(np.argwhere(image.body)[:, ::-1])
    if not len(points):
        return image.grid.centre_mm
    top = float(np.percentile(points[:, 2], 99.9))
    upper = points[points[:, 2] > top - _HEAD_MM]
    return np.array([*upper[:, :2].mean(axis=0), top - _HEAD_MM / 2])


def _along(base: Start, fixed: Geometry, moving: Geometry) -> list[Start]:
    """Guesses every 40 mm where one field is much longer than the other: a head scan in a whole-body scan."""
    extents = [np.abs(np.diff(_bounds(grid), axis=0)[0]) for grid in (fixed, moving)]
    spare = (extents[1] - extents[0]) / 2
    axis = int(np.argmax(np.abs(spare)))
    if abs(spare[axis]) < 60:
        return []
    offsets = np.arange(-abs(spare[axis]), abs(spare[axis]) + 1, 40.0)
    shifts = [np.eye(3)[axis] * offset for offset in offsets[:60]]
    return [Start(rigid((0, 0, 0), shift) @ base.fixed_to_moving, "along the longer field") for shift in shifts]


def search(
    fixed: Prepared,
    moving: Prepared,
    start: Matrix,
    *,
    near: bool = False,
    keep: int = 3,
    progress: Progress = silent,
) -> list[Start]:
    """The best few, different starts, best first; both images with voxels of about 4 mm.

    near : only what can be reached uphill from `start`
    """
    quick = compare(fixed, moving, points=3000, bins=16)
    centre = fixed.centroid_mm
    from_start = climb(quick, Start(start, "start"), centre, steps=(8.0, 4.0, 2.0), progress=progress)
    if near:
        return [from_start]
    scored = [Start(s.fixed_to_moving, s.origin, quick(s.fixed_to_moving)) for s in guesses(fixed, moving, start)]
    scored = _distinct(sorted(scored, key=lambda s: -s.score), centre, keep=_CANDIDATES)
    shifted = []
    for n, guess in enumerate(scored):
        progress(0.2 * n / len(scored), f"Searching, {guess.score:.3f} nats")
        shifted.append(climb(quick, guess, centre, steps=(24.0, 12.0, 6.0), turns=False, progress=progress, at=0.2))
    shifted.sort(key=lambda s: -s.score)
    rotations: list[Start] = []
    for n, base in enumerate(_distinct(shifted, centre, keep=_BASES)):
        at = 0.2 + 0.2 * n / _BASES
        for angles in itertools.product(_ANGLES_DEG, repeat=3):
            matrix = base.fixed_to_moving @ rigid(angles, (0, 0, 0), centre)
            rotations.append(Start(matrix, f"{base.origin}, turned", quick(matrix)))
            progress(at, f"Searching rotations, {base.score:.3f} nats")
    rotations.sort(key=lambda s: -s.score)
    trials = _distinct(rotations, centre, keep=_KEPT_ROTATIONS) + shifted[:_BASES]
    candidates = [from_start]
    for n, trial in enumerate(trials):
        at = 0.4 + 0.6 * n / len(trials)
        candidates.append(climb(quick, trial, centre, steps=(8.0, 4.0, 2.0), progress=progress, at=at))
    candidates.sort(key=lambda s: -s.score)
    return [s for s in _distinct(candidates, centre, keep=keep) if s.score >= _HOPELESS * candidates[0].score]


def climb(
    similarity: Similarity,
    start: Start,
    centre_mm: NDArray[np.float64],
    *,
    steps: tuple[float, ...],
    turns: bool = True,
    rounds: int = 6,
    progress: Progress = silent,
    at: float = 0.0,
) -> Start:
    """Go uphill in steps of mm along, and of as many degrees about, each axis, the steps becoming smaller."""
    best, score = start.fixed_to_moving, similarity(start.fixed_to_moving)
    for step in steps:
        for _ in range(rounds):
            score_before = score
            for axis, sign in itertools.product(range(6 if turns else 3), (1.0, -1.0)):
                change = np.zeros(6)
                change[axis] = sign * step
                trial = best @ rigid(change[3:], change[:3], centre_mm)
                value = similarity(trial)
                progress(at, f"Searching, {score:.3f} nats")
                if value > score:
                    best, score = trial, value
            if score <= score_before:
                break
    return Start(best, start.origin, score)


def field_around(moving: Prepared, fixed: Prepared, fixed_to_moving: Matrix) -> Prepared:
    """The part of the moving image that the fixed field covers, and 40 mm around it: a head out of a whole body."""
    size = np.asarray(fixed.grid.size) - 1
    corners = fixed.grid.to_lps([[x, y, z] for x in (0, size[0]) for y in (0, size[1]) for z in (0, size[2])])
    at = moving.grid.to_index(transform_points(fixed_to_moving, corners))
    margin = 40.0 / np.asarray(moving.grid.spacing_mm)
    return moving.cropped(at.min(axis=0) - margin, at.max(axis=0) + margin)


def _distinct(starts: list[Start], centre_mm: NDArray[np.float64], *, keep: int) -> list[Start]:
    """The first `keep` that differ from one another by more than 5 mm at the centre or 5 degrees."""
    distinct: list[Start] = []
    for start in starts:
        if len(distinct) == keep:
            break
        if all(not _alike(start.fixed_to_moving, other.fixed_to_moving, centre_mm) for other in distinct):
            distinct.append(start)
    return distinct


def _alike(a: Matrix, b: Matrix, centre_mm: NDArray[np.float64]) -> bool:
    shift_mm = np.linalg.norm(transform_points(a, centre_mm) - transform_points(b, centre_mm))
    return bool(shift_mm < 5 and rotation_angle_deg(inverse(a) @ b) < 5)


def _bounds(grid: Geometry) -> NDArray[np.float64]:
    """(2, 3): lowest and highest LPS coordinates of the corners."""
    size = np.asarray(grid.size) - 0.5
    corners = grid.to_lps([[x, y, z] for x in (-0.5, size[0]) for y in (-0.5, size[1]) for z in (-0.5, size[2])])
    return np.array([corners.min(axis=0), corners.max(axis=0)])
