"""The search itself: from two prepared images to the transform that scores best, and what else came close.

guesses -> coarse search on 4 mm voxels -> SimpleITK on 4 mm -> SimpleITK on 2 mm -> best by our own figure
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.base.errors import RegistrationError
from app.base.progress import Progress, nested
from app.core.transforms import Matrix, inverse
from app.registration.prepare import Prepared
from app.registration.refine import COARSE, FINE, refine
from app.registration.similarity import Similarity
from app.registration.starts import Start, compare, field_around, search
from app.registration.verdict import Stopped

FINE_MM, COARSE_MM = 2.0, 4.0
_POINTS = 30_000
_LONGEST_RATIO = 1.6  # a body so much longer than the other lies mostly outside the other's field
_CLOSE = 0.97  # of the best score after the coarse level: what is below does not catch up on the fine one
_FINISHED = 2  # at most


@dataclass(frozen=True)
class SearchResult:
    """The best transform and its figures: mutual information in nats at the start and now, and what chance gives.

    overlap : the part, 0 to 1, of the compared places that both images cover
    rivals : other transforms that were found, with their scores, best first
    """

    fixed_to_moving: Matrix
    before: float
    after: float
    chance: float
    overlap: float
    rivals: tuple[Start, ...]
    iterations: int
    stopped: Stopped


def find(fixed: Prepared, moving: Prepared, start: Matrix, *, near: bool, progress: Progress) -> SearchResult:
    """Search around `start` only (near), or widely; both images with voxels of FINE_MM.

    Raises RegistrationError where the images do not overlap, or share nothing, wherever they are put.
    """
    if _length_ratio(fixed, moving) > _LONGEST_RATIO:
        # compared at places in a whole body, a head that covers a tenth of them would hardly count
        swapped = find(moving, fixed, inverse(start), near=near, progress=progress)
        rivals_back = tuple(replace(rival, fixed_to_moving=inverse(rival.fixed_to_moving)) for rival in swapped.rivals)
        return replace(swapped, fixed_to_moving=inverse(swapped.fixed_to_moving), rivals=rivals_back)
    progress(0.0, "Comparing the images")
    coarse = fixed.shrunk(COARSE_MM), moving.shrunk(COARSE_MM)
    judge = compare(fixed, moving, points=_POINTS)
    starts = search(*coarse, start, near=near, progress=nested(progress, 0.0, 0.4))
    rivals, coarse_iterations = _level(coarse, starts, judge, fine=False, progress=nested(progress, 0.4, 0.6))
    before = judge(start)
    rivals = sorted((*rivals, Start(start, "start", before)), key=lambda rival: -rival.score)
    close = [rival for rival in rivals if rival.score >= _CLOSE * rivals[0].score][:_FINISHED]
    finished, fine_iterations = _level((fixed, moving), close, judge, fine=True, progress=nested(progress, 0.6, 1.0))
    best = finished[0]
    after, overlap = judge.measure(best.fixed_to_moving)
    iterations = coarse_iterations + fine_iterations
    losers = tuple(sorted((*finished[1:], *rivals[len(close) :]), key=lambda rival: -rival.score))
    return SearchResult(best.fixed_to_moving, before, after, judge.chance, overlap, losers, iterations, best.stopped)


def _level(
    images: tuple[Prepared, Prepared], starts: list[Start], judge: Similarity, *, fine: bool, progress: Progress
) -> tuple[list[Start], int]:
    """(the starts refined on one level, best first; iterations in all). A start stays where it got worse."""
    fixed, moving = images
    refined, iterations, failure = [], 0, None
    for n, start in enumerate(starts):
        part = nested(progress, n / len(starts), (n + 1) / len(starts))
        part(0.0, f"Refining, {start.score:.3f} nats")
        around = field_around(moving, fixed, start.fixed_to_moving)
        try:
            result = refine(fixed, around, start.fixed_to_moving, FINE if fine else COARSE, part)
        except RegistrationError as error:
            failure = error  # it slid out of the overlap; another start may hold
            continue
        iterations += result.iterations
        before, after = judge(start.fixed_to_moving), judge(result.fixed_to_moving)
        # ITK counts on its own points: by ours the place it came from may have been better
        matrix = result.fixed_to_moving if after >= before else start.fixed_to_moving
        refined.append(Start(matrix, start.origin, max(before, after), result.stopped))
    if not refined and failure is not None:
        raise failure
    return sorted(refined, key=lambda start: -start.score), iterations


def _length_ratio(fixed: Prepared, moving: Prepared) -> float:
    """How many times longer the fixed body is than the moving one, along the patient axis where that is most."""
    return float(np.max(fixed.extent_mm / np.maximum(moving.extent_mm, 1.0)))
