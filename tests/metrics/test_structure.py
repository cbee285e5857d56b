"""Shapes and edges found again: values found by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.metrics.catalogue import evaluate
from app.metrics.image_checks import Undefined
from app.metrics.structure import correlation, correlation_of_differences, edge_transfer, structural_similarity
from tests.metrics.pictures import scene


def test_edge_transfer_without_any_edge_is_undefined():
    black = np.zeros((64, 64), np.uint8)
    (reading,) = evaluate(black, black, black, ["Qabf"])
    assert math.isnan(reading.value)
    assert "edge" in reading.reason


def test_correlations_found_by_hand():
    fused = np.array([[0.0, 0, 10], [0, 0, 10]])
    assert correlation(fused, np.array([[0.0, 0, 1], [0, 0, 1]])) == pytest.approx(1)
    assert correlation(fused, np.array([[1.0, 0, 0], [0, 1, 0]])) == pytest.approx(-0.5)
    assert correlation(fused, 255 - fused) == pytest.approx(-1)
    with pytest.raises(Undefined, match="constant"):
        correlation(fused, np.ones((2, 3)))


def test_a_sum_of_two_sources_adds_to_each_what_the_other_shows():
    a, b = np.array([[0.0, 40, 10]]), np.array([[100.0, 5, 0]])
    assert correlation_of_differences(a + b, a, b) == pytest.approx(2)


def test_edges_of_a_copy_are_kept_as_well_as_the_sigmoids_allow():
    """Strengths far above 1 and equal angles: 0.9994 for the strength, 0.9879 / (1 + exp(-4.4)) for the angle."""
    ramp = np.add.outer(np.zeros(12), 30.0 * np.arange(1, 13))
    expected = 0.9994 * 0.9879 / (1 + math.exp(-22 * 0.2))
    assert edge_transfer(ramp, ramp, ramp) == pytest.approx(expected, rel=1e-12)


def test_a_picture_without_edges_keeps_none():
    source = np.zeros((20, 20))
    source[:, 10:] = 200
    assert edge_transfer(np.full((20, 20), 0.0), source, source) < 1e-3


def test_similarity_of_equal_pictures_is_one_and_needs_a_whole_window():
    picture = scene(3).astype(float)
    assert structural_similarity(picture, picture) == pytest.approx(1)
    flat, brighter = np.full((9, 9), 100.0), np.full((9, 9), 200.0)
    c = (0.01 * 255) ** 2
    assert structural_similarity(flat, brighter) == pytest.approx((2 * 100 * 200 + c) / (100**2 + 200**2 + c))
    with pytest.raises(Undefined, match="7 x 7"):
        structural_similarity(flat[:6], flat[:6])
