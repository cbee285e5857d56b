"""How much grey levels differ: values found by hand, and neighbours outside a region."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.metrics.contrast import average_gradient, spatial_frequency, standard_deviation
from app.metrics.image_checks import Undefined
from tests.metrics.pictures import DISC, SHAPE, triple

STEP = np.array([[0.0, 0, 10], [0, 0, 10]])


def test_values_found_by_hand():
    assert standard_deviation(STEP) == pytest.approx(math.sqrt(100 / 3 - (10 / 3) ** 2))
    assert spatial_frequency(STEP) == pytest.approx(math.sqrt(50))  # across: 0, 100 in each row; down: 0
    assert average_gradient(STEP) == pytest.approx((0 + 5 + 10) / 3 / math.sqrt(2))


def test_a_constant_picture_has_none():
    flat = np.full((5, 6), 90.0)
    assert standard_deviation(flat) == spatial_frequency(flat) == average_gradient(flat) == 0


def test_the_widest_spread_is_half_of_the_range():
    assert standard_deviation(np.array([[0.0, 255], [255, 0]])) == 127.5


def test_a_gradient_counts_pixels_whose_neighbours_are_inside():
    fused = triple()[0].astype(float)
    slopes = [
        math.hypot((fused[y, x + 1] - fused[y, x - 1]) / 2, (fused[y + 1, x] - fused[y - 1, x]) / 2) / math.sqrt(2)
        for y in range(1, SHAPE[0] - 1)
        for x in range(1, SHAPE[1] - 1)
        if DISC[y, x] and DISC[y, x + 1] and DISC[y, x - 1] and DISC[y + 1, x] and DISC[y - 1, x]
    ]
    assert average_gradient(fused, DISC) == pytest.approx(np.mean(slopes), rel=1e-12)


def test_a_difference_counts_where_both_pixels_are_inside():
    inside = np.array([[True, True, False], [True, True, True]])
    # across: 0 above, 0 and 10 below; down: 0 twice, the third pair is not whole
    assert spatial_frequency(STEP, inside) == pytest.approx(math.sqrt(100 / 3))


def test_a_region_without_a_pair_of_neighbours_has_no_value():
    nowhere, single = np.zeros((2, 3), bool), np.array([[True, False, False], [False, False, False]])
    with pytest.raises(Undefined, match="no pixel"):
        standard_deviation(STEP, nowhere)
    with pytest.raises(Undefined, match="side by side"):
        spatial_frequency(STEP, single)
    with pytest.raises(Undefined, match="neighbours"):
        average_gradient(STEP, single)
    with pytest.raises(Undefined, match="two pixels"):
        average_gradient(np.zeros((1, 9)))
