"""What the headers say for a pair lying right: boxes with known places."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.core.transforms import rigid
from app.core.volume import Series, Volume
from app.registration.evidence import Evidence, common_field, evidence, turned_deg


def grid(size=(20, 20, 10), spacing=(2.0, 2.0, 4.0), origin=(0.0, 0.0, 0.0), turned=(0.0, 0.0, 0.0)) -> Geometry:
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = origin
    return Geometry(size, rigid(turned, (0, 0, 0)) @ affine)


def volume(geometry: Geometry, frame: str = "") -> Volume:
    series = Series(
        "1", "MR", "box", (), geometry.size, geometry.spacing_mm, "LPS", "a.u.", "test", frame_of_reference_uid=frame
    )
    return Volume(np.zeros(geometry.shape, np.int16), 1.0, 0.0, geometry, "MR", "a.u.", series)


SMALLER = grid(size=(10, 10, 5), origin=(8, 8, 8))


@pytest.mark.parametrize(
    ("fixed", "moving", "expected"),
    [
        (volume(grid(), "1.2"), volume(SMALLER, "1.2"), Evidence.FRAME),
        (volume(grid(), "1.2"), volume(grid(), "1.3"), Evidence.NONE),  # a scanner's default grid proves nothing
        (volume(grid()), volume(grid()), Evidence.GRID),
        (volume(grid()), volume(grid(origin=(0.01, 0, 0))), Evidence.GRID),  # float32 in a header
        (volume(grid()), volume(SMALLER), Evidence.COORDINATES),
        (volume(grid(), "1.2"), volume(SMALLER), Evidence.COORDINATES),  # one of the two says nothing
        (volume(grid()), volume(grid(turned=(0, 0, 3))), Evidence.NONE),
        (volume(grid()), volume(grid(size=(20, 20, 11), origin=(30, 0, 0))), Evidence.NONE),  # a quarter in common
    ],
)
def test_evidence_is_what_the_headers_say(fixed, moving, expected) -> None:
    assert evidence(fixed, moving) is expected
    assert evidence(moving, fixed) is expected


def test_pictures_have_no_place_in_the_patient() -> None:
    picture = volume(Geometry((20, 20, 10), np.eye(4), in_mm=False))
    assert evidence(picture, picture) is Evidence.NONE


def test_axes_in_another_order_are_not_turned() -> None:
    reordered = Geometry((10, 20, 20), grid().affine[:, [2, 1, 0, 3]])
    assert turned_deg(grid(), reordered) == pytest.approx(0, abs=1e-6)
    assert turned_deg(grid(), grid(turned=(0, 0, 7))) == pytest.approx(7)


def test_common_field_is_the_share_of_the_smaller_one() -> None:
    assert common_field(grid(), SMALLER) == 1.0
    assert common_field(SMALLER, grid()) == 1.0
    shifted = rigid((0, 0, 0), (20, 0, 0))  # half of the 40 mm
    assert common_field(grid(), grid(), shifted) == pytest.approx(0.5, abs=0.05)
    assert common_field(grid(), grid(), rigid((0, 0, 0), (50, 0, 0))) == 0.0
