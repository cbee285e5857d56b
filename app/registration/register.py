"""Bring a partner (CT, PET, SPECT) and an MRI together, and never claim more than is known about the result.

`register` prepares both images, searches (search.py), decides, and lists what speaks against the result.

Every choice is made by one figure, mutual information on the same places of the fixed image; it is computed for the
start too, and a result that did not gain is thrown away. What gained may still be wrong, so it is `unverified` until
the reader has looked. The heavy part is imported when it is used: the window wants the result's type long before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.base.errors import RegistrationError
from app.base.progress import Progress, nested, silent
from app.core.geometry import transform_points
from app.core.transforms import inverse, rotation_angle_deg
from app.core.volume import Volume
from app.registration.evidence import Evidence, common_field, evidence
from app.registration.verdict import Stopped, Verdict

if TYPE_CHECKING:  # the search brings SimpleITK
    from app.registration.search import SearchResult

Method = Literal["header", "grid", "coordinates", "identity", "automatic", "manual", "file", "linked"]
"""How an alignment was come by: header, grid and coordinates as `evidence` says; identity, as the coordinates stand
although nothing speaks for them; linked, by way of other series."""

_FEWEST_SLICES = 3
_FURTHEST_MM, _FURTHEST_DEG = 30.0, 20.0  # a patient who moved, or lay down again; more is no motion
_LOST_FIELD = 0.1  # of the smaller field of view


@dataclass(frozen=True)
class RegistrationResult:
    """How the moving image lies in the fixed one, and what is known about it.

    fixed_to_moving : float64 (4, 4), a point of the fixed image to that of the moving one, LPS mm (ITK's direction)
    frames : the FrameOfReferenceUIDs it joins, fixed and moving; "" where the header states none
    metric_before, metric_after : mutual information at the start and as returned, nats, higher is better; None where
        it was not computed
    stopped : why it is this transform and no other; None where nobody said
    confirmed_by, confirmed_at : who has checked it, and when (ISO 8601, with the offset); "" while nobody has
    error_mm, error_interval_mm : how far a point may lie off, and the 95 % interval of that; None until it is known
    warnings : sentences for the reader; an empty tuple is no promise
    """

    fixed_to_moving: NDArray[np.float64]
    frames: tuple[str, str]
    verdict: Verdict
    method: Method
    metric_before: float | None = None
    metric_after: float | None = None
    iterations: int = 0
    stopped: Stopped | None = None
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()
    confirmed_by: str = ""
    confirmed_at: str = ""
    error_mm: float | None = None
    error_interval_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.fixed_to_moving, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise ValueError(f"not a 4x4 matrix of finite numbers: {matrix}")
        matrix.flags.writeable = False
        object.__setattr__(self, "fixed_to_moving", matrix)

    @property
    def by_headers(self) -> bool:
        """Whether the pair lies where the headers put it."""
        return self.method in ("header", "grid", "coordinates", "identity")


def identity(fixed: Volume, moving: Volume) -> RegistrationResult:
    """Both images as their headers place them: header-aligned where the frames of reference agree, else unverified.

    `method` says what speaks for that place: "header", "grid", "coordinates", or nothing ("identity").

    Two plain pictures lie pixel on pixel; RegistrationError where their sizes differ, or where one is a volume.
    """
    frames = _frames(fixed, moving)
    if not (fixed.geometry.in_mm and moving.geometry.in_mm):
        if fixed.geometry.in_mm != moving.geometry.in_mm:
            raise PictureError("a plain picture and a volume cannot be laid over each other")
        if fixed.geometry.size != moving.geometry.size:
            sizes = [f"{g.size[0]} x {g.size[1]}" for g in (fixed.geometry, moving.geometry)]
            raise PictureError(f"one is {sizes[0]} pixels, the other {sizes[1]}")
        stopped = Stopped.PIXEL_ON_PIXEL
        return RegistrationResult(np.eye(4), frames, Verdict.UNVERIFIED, "identity", stopped=stopped)
    verdict, method, stopped = _BY_EVIDENCE[evidence(fixed, moving)]
    return RegistrationResult(np.eye(4), frames, verdict, method, stopped=stopped)


def confirmed(result: RegistrationResult, *, by: str = "", at: str = "") -> RegistrationResult:
    """The reader has looked at the overlay and accepts it: who, and when (ISO 8601)."""
    return replace(result, verdict=Verdict.REGISTERED, confirmed_by=by, confirmed_at=at)


def nudged(result: RegistrationResult, matrix: ArrayLike) -> RegistrationResult:
    """Moved by hand to `matrix` (see transforms.nudged_matrix): what was known about the old place is known no more."""
    return _placed(result.frames, matrix, "manual", Stopped.MOVED_BY_HAND)


def from_file(fixed: Volume, moving: Volume, matrix: ArrayLike) -> RegistrationResult:
    """A transform that was read from a file: nothing says that it belongs to this pair."""
    return _placed(_frames(fixed, moving), matrix, "file", Stopped.READ_FROM_FILE)


def by_way_of(
    fixed: Volume, moving: Volume, matrix: ArrayLike, verdict: Verdict, error_mm: float | None = None
) -> RegistrationResult:
    """The product of what is known about other series: as sure as the least sure of it, and confirmed by nobody."""
    transform, surest = np.asarray(matrix, dtype=np.float64), Verdict.UNVERIFIED
    verdict = surest if verdict is Verdict.REGISTERED else verdict  # this pair itself was never looked at
    return RegistrationResult(
        transform, _frames(fixed, moving), verdict, "linked", stopped=Stopped.OTHER_SERIES, error_mm=error_mm
    )


def register(
    fixed: Volume, moving: Volume, *, start: ArrayLike | None = None, progress: Progress = silent
) -> RegistrationResult:
    """Find the rigid transform under which the two images tell most about each other; the same on every run.

    start : (4, 4); given, only its neighbourhood is searched (some 20 mm and 20 degrees), for a pair that was brought
        together by hand; without it the whole neighbourhood of the header's and of several other first guesses
    The message of `progress` holds the metric as it stands. Cancelled passes through.

    Returns a result that is at most `unverified`; where nothing better than the start was found, or where what was
    found cannot be right, the start, `rejected` (or `header-aligned`, where that start is the header's and the frames
    of reference agree).
    Raises RegistrationError for pictures, for fewer than three slices, and where an image is empty.
    """
    began = time.perf_counter()
    progress = _forward(progress)
    _check(fixed, moving)
    from app.registration.plausibility import concerns
    from app.registration.prepare import prepare
    from app.registration.search import FINE_MM, find

    frames = _frames(fixed, moving)
    at_start = np.eye(4) if start is None else np.array(start, dtype=np.float64)
    fixed_image = prepare(fixed, FINE_MM, nested(progress, 0.0, 0.06))
    moving_image = prepare(moving, FINE_MM, nested(progress, 0.06, 0.12))
    for volume, image in ((fixed, fixed_image), (moving, moving_image)):
        if not (image.usable.any() and np.ptp(image.values[image.usable]) > 0):
            raise EmptyImageError(volume)
    search = nested(progress, 0.12, 0.99)
    found = find(fixed_image, moving_image, at_start, near=start is not None, progress=search)
    lost = _why_rejected(fixed, moving, found, fixed_image.centroid_mm, at_start)
    kept = Verdict.HEADER_ALIGNED if start is None and _agree(frames) else Verdict.REJECTED
    result = RegistrationResult(
        fixed_to_moving=at_start if lost else found.fixed_to_moving,
        frames=frames,
        verdict=kept if lost else Verdict.UNVERIFIED,
        method="header" if lost and kept is Verdict.HEADER_ALIGNED else "automatic",
        metric_before=found.before,
        metric_after=found.before if lost else found.after,
        iterations=found.iterations,
        stopped=lost or found.stopped,
        warnings=concerns(fixed, moving, fixed_image, None if lost else found),
        elapsed_s=time.perf_counter() - began,
    )
    progress(1.0, f"Done, {result.metric_after:.3f} nats")
    return result


class PictureError(RegistrationError):
    hint = "Crop or scale the pictures to one size, so that they show the same place pixel by pixel."

    def __init__(self, fact: str) -> None:
        super().__init__(f"Plain pictures carry no position in the patient: {fact}.")


class TooFewSlicesError(RegistrationError):
    hint = "Use the positions of the header, or align the pair by hand."

    def __init__(self, volume: Volume) -> None:
        slices = volume.geometry.size[2]
        name = volume.series.description or volume.modality or "one series"
        super().__init__(f"{name!r} has {slices} slice{'s' if slices > 1 else ''}: too few to be registered in space.")


class EmptyImageError(RegistrationError):
    hint = "Choose another series: this one holds nothing that could be compared."

    def __init__(self, volume: Volume) -> None:
        name = volume.series.description or volume.modality or "one series"
        super().__init__(f"{name!r} has the same value everywhere.")


def _why_rejected(
    fixed: Volume, moving: Volume, found: SearchResult, centre_mm: NDArray[np.float64], start: NDArray[np.float64]
) -> Stopped | None:
    """The reason to keep the start, or None where there is none.

    Mutual information gains on limbs by moving them 100 mm away from where they lie right, so what the headers say
    bounds what is believed; centre_mm is the middle of the fixed body.
    """
    if not found.after > found.before:
        return Stopped.NO_GAIN
    if found.after <= found.chance:
        return Stopped.BY_CHANCE
    matrix = found.fixed_to_moving
    if evidence(fixed, moving) is not Evidence.NONE:
        moved_mm = np.linalg.norm(transform_points(matrix, centre_mm) - transform_points(start, centre_mm))
        if moved_mm > _FURTHEST_MM or rotation_angle_deg(inverse(start) @ matrix) > _FURTHEST_DEG:
            return Stopped.TOO_FAR
    before, after = (common_field(fixed.geometry, moving.geometry, place) for place in (start, matrix))
    return Stopped.LESS_IN_COMMON if after < before - _LOST_FIELD else None


_BY_EVIDENCE: dict[Evidence, tuple[Verdict, Method, Stopped]] = {
    Evidence.FRAME: (Verdict.HEADER_ALIGNED, "header", Stopped.SAME_FRAME),
    Evidence.GRID: (Verdict.UNVERIFIED, "grid", Stopped.SAME_GRID),
    Evidence.COORDINATES: (Verdict.UNVERIFIED, "coordinates", Stopped.SAME_COORDINATES),
    Evidence.NONE: (Verdict.UNVERIFIED, "identity", Stopped.AS_IT_STANDS),
}


def _forward(progress: Progress) -> Progress:
    """The bar never goes back: parts of the search end early, or turn out to be longer than they were thought."""
    furthest = 0.0

    def forward(fraction: float, message: str = "") -> None:
        nonlocal furthest
        furthest = max(furthest, min(1.0, fraction))
        progress(furthest, message)

    return forward


def _check(fixed: Volume, moving: Volume) -> None:
    if not (fixed.geometry.in_mm and moving.geometry.in_mm):
        raise PictureError("they cannot be registered, only laid pixel on pixel")
    for volume in (fixed, moving):
        if volume.geometry.size[2] < _FEWEST_SLICES:
            raise TooFewSlicesError(volume)


def _placed(frames: tuple[str, str], matrix: ArrayLike, method: Method, stopped: Stopped) -> RegistrationResult:
    transform = np.asarray(matrix, dtype=np.float64)
    return RegistrationResult(transform, frames, Verdict.UNVERIFIED, method, stopped=stopped)


def _frames(fixed: Volume, moving: Volume) -> tuple[str, str]:
    return fixed.series.frame_of_reference_uid, moving.series.frame_of_reference_uid


def _agree(frames: tuple[str, str]) -> bool:
    return frames[0] == frames[1] != ""
