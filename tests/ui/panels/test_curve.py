"""The curve of one metric: where slices lie, gaps, and a click that goes to a slice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.ui.panels.curve import Curve


@pytest.fixture
def curve(qapp):
    one = Curve()
    one.resize(400, 160)
    one.show_values({0: 1.0, 1: 2.0, 3: 4.0, 10: 0.5, 4: math.nan}, 11)
    one.show()
    assert QTest.qWaitForWindowExposed(one)
    yield one
    one.close()


def test_a_value_that_is_no_number_is_a_gap(curve):
    slices, heights = curve._curve.getData()
    np.testing.assert_array_equal(slices, np.arange(1, 12))
    np.testing.assert_array_equal(heights, [1, 2, math.nan, 4, *[math.nan] * 6, 0.5])


@pytest.mark.parametrize("k", range(11))
def test_where_a_slice_is_drawn_is_where_a_click_finds_it(curve, k):
    assert curve.slice_at(curve.place_of(k, 1.0)) == k


def test_clicks_beside_the_axis_find_its_ends(curve):
    assert curve.slice_at(QPointF(-50, 20)) == 0
    assert curve.slice_at(QPointF(4000, 20)) == 10


def test_a_click_picks_the_slice(curve):
    picked = []
    curve.picked.connect(picked.append)
    plot = curve._plot
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=plot.mapFromScene(curve.place_of(7, 1.0)))
    assert picked == [7]


def test_the_slice_in_view_is_marked(curve):
    curve.show_current(3)
    assert curve._here.isVisible()
    assert curve._here.value() == 4


def test_it_draws_its_line_and_says_when_there_is_nothing(curve):
    with_line = curve.grab().toImage()
    curve.show_values({}, 0)
    assert curve._empty.isVisible()
    assert curve.grab().toImage() != with_line


def test_an_empty_curve_is_drawn_without_complaint(curve):
    curve.show_values({}, 11)
    assert curve.values == {}
    assert curve._curve.getData() == (None, None) or len(curve._curve.getData()[0]) == 0
