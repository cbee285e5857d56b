"""Distances to shapes, found by hand, and how a canvas is painted with them."""

from __future__ import annotations

import numpy as np
import pytest

from app.phantom.shapes import Array, Canvas, Tissue, ellipsoid, gyroid, segment, union

VALUES = dict.fromkeys(Tissue, 0.0) | {Tissue.GREY: 100.0, Tissue.LESION: None}


def points(*places: tuple[float, float, float]) -> tuple[Array, Array, Array]:
    x, y, z = np.array(places, np.float32).T
    return x, y, z


def canvas(*places: tuple[float, float, float], edge_mm: float = 2.0) -> Canvas:
    return Canvas(*points(*places), np.zeros(len(places), np.float32), VALUES, edge_mm)


def test_the_distance_to_a_sphere_is_exact_and_negative_inside():
    distance = ellipsoid(*points((1, 2, 3), (6, 2, 3), (1, 2, 11), (1, -1, -1)), (1, 2, 3), (5, 5, 5))
    np.testing.assert_allclose(distance, [-5, 0, 3, 0], atol=1e-3)


def test_an_ellipsoids_surface_is_where_its_radii_end():
    distance = ellipsoid(*points((4, 0, 0), (0, 6, 0), (0, 0, -8), (0, 0, -10)), (0, 0, 0), (4, 6, 8))
    np.testing.assert_allclose(distance, [0, 0, 0, 2], atol=1e-3)


def test_the_nearest_point_of_a_segment_lies_on_it():
    along, distance = segment(*points((5, 3, 0), (-4, 3, 0), (14, 0, 3)), (0, 0, 0), (10, 0, 0))
    np.testing.assert_allclose(along, [0.5, 0, 1])
    np.testing.assert_allclose(distance, [3, 5, 5])


def test_a_union_is_the_nearer_surface_and_rounds_only_the_seam():
    a, b = np.array([1.0, 5, 2], np.float32), np.array([5.0, 1, 2], np.float32)
    np.testing.assert_allclose(union(a, b, 2.0), [1, 1, 1.5])


def test_the_gyroid_repeats_and_is_near_to_a_distance():
    here = gyroid(*points((1, 2, 3)), 20.0)
    np.testing.assert_allclose(gyroid(*points((21, 2, -17)), 20.0), here, atol=1e-4)
    assert gyroid(*points((0, 0, 0)), 20.0)[0] == 0
    step = gyroid(*points((0.1, 0.1, 0.1)), 20.0)[0]  # 0.173 mm along the steepest way
    assert step == pytest.approx(0.173, rel=0.35)


def test_a_surface_is_soft_over_the_edge_and_what_a_scanner_does_not_see_stays():
    painted = canvas((0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0))
    painted.paint(Tissue.GREY, np.array([-5, 0, 0.5, 5], np.float32))
    np.testing.assert_allclose(painted.image, [100, 50, 25, 0])
    painted.paint(Tissue.LESION, np.full(4, -5, np.float32))
    np.testing.assert_allclose(painted.image, [100, 50, 25, 0])


def test_a_box_holds_the_points_near_enough_to_be_painted_and_no_others():
    near = canvas((0, 0, 0), (5.5, 0, 0), (7.5, 0, 0), (40, 0, 0))
    np.testing.assert_array_equal(near.box((0, 0, 0), (5, 5, 5)), [0, 1])  # 5 mm and the edge of 2
    assert near.box((0, 90, 0), (5, 5, 5)).size == 0


def test_a_tube_narrows_from_one_radius_to_the_other():
    tube = canvas((0, 3, 0), (10, 3, 0), (5, 2, 0), (0, 9, 0))
    tube.tube(Tissue.GREY, ((0, 0, 0), 4.0), ((10, 0, 0), 0.0))
    np.testing.assert_allclose(tube.image, [100, 0, 50, 0])  # 1 mm inside, 3 outside, on it, 5 outside


def test_under_the_skin_nothing_is_painted_above_that_depth():
    ball = canvas((0, 0, 0), (0, 0, 1))
    ball.skin = np.array([-10, -2], np.float32)
    ball.ellipsoid(Tissue.GREY, (0, 0, 0), (20, 20, 20), under=3)
    np.testing.assert_allclose(ball.image, [100, 0])
