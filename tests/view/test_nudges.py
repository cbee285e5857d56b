"""A nudge moves the partner the way the key points on the screen."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import transform_points
from app.core.transforms import inverse
from app.view.nudges import nudged

# to the right of the screen, up, away from the reader, in LPS: patient right on screen left, anterior on top of an
# axial plane seen from the feet; coronal seen from the front; sagittal with anterior on screen left
SCREEN = {
    "axial": ([1, 0, 0], [0, -1, 0], [0, 0, 1]),
    "coronal": ([1, 0, 0], [0, 0, 1], [0, 1, 0]),
    "sagittal": ([0, 1, 0], [0, 0, 1], [-1, 0, 0]),
}


@pytest.mark.parametrize("plane", SCREEN)
@pytest.mark.parametrize("way", [0, 1, 2])
def test_what_was_seen_at_a_place_is_seen_where_the_key_moved_it(plane, way):
    before = np.eye(4)
    move = [0.0, 0.0, 0.0]
    move[way] = 2.0
    after = nudged(before, plane, np.array([5.0, 6, 7]), move=tuple(move))
    content = np.array([10.0, 20, 30])  # a point of the partner
    seen_before = transform_points(inverse(before), content)
    seen_after = transform_points(inverse(after), content)
    np.testing.assert_allclose(seen_after - seen_before, 2 * np.array(SCREEN[plane][way]), atol=1e-12)


@pytest.mark.parametrize("plane", SCREEN)
def test_a_turn_about_the_axis_away_from_the_reader_is_clockwise_on_the_screen(plane):
    right, up, _ = (np.array(axis, float) for axis in SCREEN[plane])
    centre = np.array([5.0, -6, 7])
    after = nudged(np.eye(4), plane, centre, turn=(0, 0, 90))
    seen = transform_points(inverse(after), centre + 10 * up)  # what was at twelve o'clock
    np.testing.assert_allclose(seen, centre + 10 * right, atol=1e-9)  # is at three


def test_a_nudge_and_its_opposite_cancel():
    start = nudged(np.eye(4), "axial", np.zeros(3), move=(3, 0, 0), turn=(0, 0, 4))
    there = nudged(start, "coronal", np.array([1.0, 2, 3]), turn=(5, 0, 0))
    back = nudged(there, "coronal", np.array([1.0, 2, 3]), turn=(-5, 0, 0))
    np.testing.assert_allclose(back, start, atol=1e-12)
