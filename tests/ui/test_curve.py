"""The curve of one metric: where slices lie, gaps, and a click that goes to a slice."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.ui.curve import Curve


@pytest.fixture
def curve(qapp):
    one = Curve()
    one.resize(400, 150)
    one.show_values({0: 1.0, 1: 2.0, 3: 4.0, 10: 0.5, 4: math.nan}, 11)
    return one


def test_a_value_that_is_no_number_is_a_gap(curve):
    assert 4 not in curve.values
    assert curve._runs() == [[0, 1], [3], [10]]
    assert curve.limits == (0.5, 4.0)


@pytest.mark.parametrize("k", range(11))
def test_where_a_slice_is_drawn_is_where_a_click_finds_it(curve, k):
    assert curve.slice_at(curve.point_of(k, 1.0).x()) == k


def test_clicks_beside_the_axis_find_its_ends(curve):
    assert curve.slice_at(-50) == 0
    assert curve.slice_at(4000) == 10


def test_a_click_picks_the_slice(curve):
    picked = []
    curve.picked.connect(picked.append)
    at = curve.point_of(7, 1.0)
    QTest.mouseClick(curve, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x()), 60))
    assert picked == [7]


def test_it_draws_its_line_and_says_when_there_is_nothing(curve):
    with_line = curve.grab().toImage()
    curve.show_values({}, 0)
    without = curve.grab().toImage()
    assert with_line != without


def test_equal_values_still_have_a_range(curve):
    curve.show_values({0: 3.0, 1: 3.0}, 2)
    assert curve.limits == (2.5, 3.5)
