"""What would be lost with a case, and what would not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.regions import Region
from app.case.unsaved import Unsaved, unsaved
from app.core.transforms import rigid
from app.registration.verdict import Verdict
from tests.scenes import head, pair, registered

MRI, PET = head(16, 12)
MOVED = rigid((0, 0, 0), (5, 0, 0))


@pytest.mark.parametrize(
    ("method", "verdict", "lost"),
    [
        ("manual", Verdict.UNVERIFIED, 1),
        ("automatic", Verdict.UNVERIFIED, 0),  # a search finds it again
        ("automatic", Verdict.REGISTERED, 1),
        ("header", Verdict.REGISTERED, 0),  # the headers say it again
        ("file", Verdict.REGISTERED, 0),
    ],
)
def test_alignments_are_lost_where_the_readers_work_is_in_them(method, verdict, lost):
    registration = replace(registered(MOVED), method=method, verdict=verdict)
    case = pair(MRI, PET).having(registration=registration)
    assert unsaved(case, ()) == Unsaved(0, lost)
    assert not unsaved(case, {MOVED.tobytes()})
    other = rigid((0, 0, 0), (6, 0, 0))
    assert unsaved(case, {other.tobytes(), np.eye(4).tobytes()}) == Unsaved(0, lost)


def test_regions_are_lost():
    case = pair(MRI, PET)
    assert case.base is not None
    length = Region(1, "length", ((0.0, 0.0, 0.0), (4.0, 0.0, 0.0)), case.base.end)
    assert unsaved(case.having(regions=(length,)), ()) == Unsaved(1, 0)
