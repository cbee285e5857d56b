"""Where a search starts: first guesses, the climb uphill, and starts that are too alike."""

from __future__ import annotations

from functools import cache

import numpy as np

from app.core.geometry import Geometry, transform_points
from app.core.transforms import rigid
from app.registration.prepare import Prepared, prepare
from app.registration.starts import Start, _along, _distinct, climb, compare, field_around, guesses, head_centre, search
from tests.heads import acquisition, mri, partner

SHIFT = rigid((0, 0, 0), (20, -12, 8))


@cache
def prepared_mri() -> Prepared:
    return prepare(mri(), 4.0)


def test_the_centre_of_the_head_is_found_below_its_top():
    top = head_centre(prepare(mri(), 2.0).shrunk(4.0))
    np.testing.assert_allclose(top, transform_points(acquisition("mr").from_head, (0, 5, 0)), atol=20)


def test_the_places_compared_are_the_same_on_every_call():
    image = prepare(mri(), 2.0)
    first, second = compare(image, image, points=500), compare(image, image, points=500)
    np.testing.assert_array_equal(first.points_mm, second.points_mm)
    assert first(np.eye(4)) == second(np.eye(4)) > 1


def test_the_first_guesses_lay_centres_and_tops_on_each_other_and_turn_nothing():
    fixed, moving = prepared_mri(), prepare(partner("ct", SHIFT), 4.0)
    candidates = {start.origin: start for start in guesses(fixed, moving, np.eye(4))}
    assert "along the longer field" not in candidates  # both fields hold one head
    for start in candidates.values():
        np.testing.assert_array_equal(start.fixed_to_moving[:3, :3], np.eye(3))
    centres = candidates["centres of the fields"].fixed_to_moving
    np.testing.assert_allclose(transform_points(centres, fixed.grid.centre_mm), moving.grid.centre_mm)
    bodies = candidates["centres of the bodies"].fixed_to_moving
    np.testing.assert_allclose(transform_points(bodies, fixed.centroid_mm), moving.centroid_mm)


def test_a_longer_field_is_tried_every_40_mm():
    base = Start(np.eye(4), "base")
    head, body = Geometry((10, 10, 10), np.eye(4)), Geometry((10, 10, 170), np.eye(4))
    shifts = [start.fixed_to_moving[2, 3] for start in _along(base, head, body)]
    np.testing.assert_allclose(shifts, [-80, -40, 0, 40, 80])  # 160 mm longer: 80 to each side
    assert _along(base, head, Geometry((10, 10, 120), np.eye(4))) == []  # 55 mm to each side are no such case


def test_the_climb_reaches_a_shift_of_whole_steps():
    image = prepared_mri()
    similarity = compare(image, image, points=1500)
    start = Start(rigid((0, 0, 0), (8, -4, 2)), "moved")
    top = climb(similarity, start, image.centroid_mm, steps=(8.0, 4.0, 2.0), turns=False)
    np.testing.assert_allclose(top.fixed_to_moving, np.eye(4), atol=1e-9)
    assert top.origin == "moved"
    assert top.score == similarity(np.eye(4)) > similarity(start.fixed_to_moving)


def test_starts_nearer_than_5_mm_and_5_degrees_are_one():
    centre = np.array([10.0, 20.0, 30.0])
    near = [rigid((0, 0, 0), (4.9, 0, 0)), rigid((0, 0, 4.9), (0, 0, 0), centre)]
    far = [rigid((0, 0, 0), (5.1, 0, 0)), rigid((0, 0, 5.1), (0, 0, 0), centre)]
    starts = [Start(matrix, str(n)) for n, matrix in enumerate([np.eye(4), *near, *far])]
    assert [start.origin for start in _distinct(starts, centre, keep=9)] == ["0", "3", "4"]
    assert [start.origin for start in _distinct(starts, centre, keep=2)] == ["0", "3"]


def test_only_the_field_around_the_fixed_one_is_kept_of_a_longer_image():
    image = prepared_mri()
    low = image.cropped(np.zeros(3), np.array([*np.array(image.grid.size[:2]) - 1, 5]))
    around = field_around(image, low, np.eye(4))
    size_mm = around.grid.size[2] * around.grid.spacing_mm[2]
    assert 40 + 5 * 4 <= size_mm <= 40 + 8 * 4  # 6 slices of 4 mm, and 40 mm on the one side where there is more
    np.testing.assert_array_equal(around.values[0, 0], image.values[0, 0, : around.grid.size[0]])


def test_a_search_nearby_gives_one_start_and_a_wide_one_the_best_first():
    fixed, moving = prepared_mri(), prepare(partner("ct", SHIFT), 4.0)
    (near,) = search(fixed, moving, SHIFT, near=True)
    assert near.origin == "start"
    wide = search(fixed, moving, np.eye(4))
    assert 1 <= len(wide) <= 3
    assert [start.score for start in wide] == sorted((start.score for start in wide), reverse=True)
    assert np.linalg.norm(wide[0].fixed_to_moving[:3, 3] - SHIFT[:3, 3]) < 6
