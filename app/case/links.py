"""Links between frames of reference, as a graph: how points of one series map to another's, and how sure that is.

Every series is a place of the graph, and so is every frame of reference (FrameOfReferenceUID) that a header states; a
series lies in its frame by its header. A link joins the two series it was made for, and with them their frames where
both are stated and differ: what holds for a PET/CT's CT holds for its PET. Where the reader has registered one series
although the headers agree, or where a frame is not stated, the link is about these two series alone, and nothing else
follows it. So a link between two series always wins for exactly those two, and the others go the way of the frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.core.transforms import inverse
from app.registration.verdict import Verdict

if TYPE_CHECKING:
    from app.registration.register import RegistrationResult

Matrix = NDArray[np.float64]

_SUREST_FIRST = (Verdict.REGISTERED, Verdict.HEADER_ALIGNED, Verdict.UNVERIFIED, Verdict.REJECTED)


@dataclass(frozen=True)
class End:
    """One end of a link: a series, and the frame of reference its header states, "" where it states none."""

    series_uid: str
    frame_uid: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """Its places in the graph: the series itself, and its frame."""
        own = f"series {self.series_uid}"
        return (own, f"frame {self.frame_uid}") if self.frame_uid else (own,)


@dataclass(frozen=True, eq=False)
class Link:
    """What is known about how one series lies in another, for as long as the case is read.

    registration : 4x4 LPS mm of fixed to moving points, method, verdict, error in mm, who confirmed it and when, ...
    """

    fixed: End
    moving: End
    registration: RegistrationResult

    @property
    def joins_frames(self) -> bool:
        """Whether it says something about all series of the two frames."""
        return "" not in (self.fixed.frame_uid, self.moving.frame_uid) and self.fixed.frame_uid != self.moving.frame_uid

    @property
    def confirmed(self) -> bool:
        return self.registration.verdict is Verdict.REGISTERED


Links = tuple[Link, ...]


@dataclass(frozen=True, eq=False)
class Way:
    """The way from one series to another along the graph.

    fixed_to_moving : the product of all steps, LPS mm
    verdict : the weakest on the way; where nothing but headers is on it, header-aligned
    error_mm : of independent errors on the way, the root of the sum of squares; None where one is not known
    links : those on the way, in its order; () where the headers alone say it
    """

    fixed_to_moving: Matrix
    verdict: Verdict
    error_mm: float | None
    links: Links


def own_link(links: Sequence[Link], fixed: End, moving: End) -> Link | None:
    """The link made for exactly these two, in this direction; None where there is none."""
    ends = fixed.series_uid, moving.series_uid
    return next((link for link in links if (link.fixed.series_uid, link.moving.series_uid) == ends), None)


def linked(links: Links, fixed: End, moving: End, registration: RegistrationResult | None) -> Links:
    """The links with this one for the two series in place of the one they had; None takes it away."""
    old = own_link(links, fixed, moving)
    others = tuple(link for link in links if link is not old)
    return others if registration is None else (*others, Link(fixed, moving, registration))


def way(links: Sequence[Link], fixed: End, moving: End) -> Way | None:
    """How points of `fixed` come to `moving`; None where no link and no header leads there.

    The link made for the two wins, whichever its verdict. Else the way whose weakest link is the surest, of those the
    one with the fewest steps, and of those the newest; nothing follows a link that was rejected.
    """
    if fixed.series_uid == moving.series_uid:
        return _along([])
    own = own_link(links, fixed, moving)
    if own is not None:
        return _along([_Step("", "", own.registration.fixed_to_moving, own.registration.verdict, own)])
    back = own_link(links, moving, fixed)
    if back is not None:
        return _along([_Step("", "", inverse(back.registration.fixed_to_moving), back.registration.verdict, back)])
    steps = list(_steps(links, (fixed, moving)))
    start, goal = fixed.places[0], moving.places[0]
    for weakest in range(1, len(_SUREST_FIRST)):
        allowed = [step for step in steps if step.verdict in _SUREST_FIRST[:weakest]]
        path = _shortest(allowed, start, goal)
        if path is not None:
            return _along(path)
    return None


@dataclass(frozen=True, eq=False)
class _Step:
    """From one place of the graph to the next; link is None for a header's word."""

    start: str
    end: str
    matrix: Matrix
    verdict: Verdict
    link: Link | None = None


def _steps(links: Sequence[Link], ends: Sequence[End]) -> Iterator[_Step]:
    """All steps of the graph, both ways, the newest link first."""
    for link in reversed(links):
        pairs = [(link.fixed.places[0], link.moving.places[0])]
        if link.joins_frames:
            pairs.append((link.fixed.places[1], link.moving.places[1]))
        matrix, verdict = link.registration.fixed_to_moving, link.registration.verdict
        for a, b in pairs:
            yield _Step(a, b, matrix, verdict, link)
            yield _Step(b, a, inverse(matrix), verdict, link)
    for end in {*ends, *(link.fixed for link in links), *(link.moving for link in links)}:
        if end.frame_uid:
            series, frame = end.places
            yield _Step(series, frame, np.eye(4), Verdict.HEADER_ALIGNED)
            yield _Step(frame, series, np.eye(4), Verdict.HEADER_ALIGNED)


def _shortest(steps: Sequence[_Step], start: str, goal: str) -> list[_Step] | None:
    """Breadth first; of ways of one length the one whose steps come first in the list."""
    leaving: dict[str, list[_Step]] = {}
    for step in steps:
        leaving.setdefault(step.start, []).append(step)
    came_by: dict[str, _Step | None] = {start: None}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        if place == goal:
            path: list[_Step] = []
            while (last := came_by[place]) is not None:
                path.insert(0, last)
                place = last.start
            return path
        for step in leaving.get(place, ()):
            if step.end not in came_by:
                came_by[step.end] = step
                waiting.append(step.end)
    return None


def _along(path: Sequence[_Step]) -> Way:
    matrix: Matrix = np.eye(4)
    for step in path:
        matrix = step.matrix @ matrix
    links = tuple(step.link for step in path if step.link is not None)
    weakest = max((step.verdict for step in path), key=_SUREST_FIRST.index, default=Verdict.HEADER_ALIGNED)
    errors = [link.registration.error_mm for link in links]
    known = [error for error in errors if error is not None]
    error_mm = float(np.sqrt(np.sum(np.square(known)))) if links and len(known) == len(errors) else None
    return Way(matrix, weakest, error_mm, links)
