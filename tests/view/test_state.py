"""Where a state looks, and what changes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.view import state as v
from app.view.state import ViewState

GRID = Geometry((10, 20, 30), np.diag([1.0, 2.0, 3.0, 1.0]))


def test_the_slice_is_the_nearest_one_inside_the_grid():
    state = ViewState(crosshair_mm=(4.4, 11.0, 1000.0))
    assert [state.slice_of(GRID, axis) for axis in range(3)] == [4, 6, 29]  # half way belongs to the next
    assert ViewState(crosshair_mm=(-9, -9, -9)).slice_of(GRID, 0) == 0


def test_scrolling_keeps_the_place_in_the_plane_and_stops_at_the_ends():
    state = ViewState(crosshair_mm=(3.25, 7.5, 30.0))
    assert v.scrolled(state, GRID, 2) == {"crosshair_mm": pytest.approx((3.25, 7.5, 36.0))}
    assert v.scrolled(state, GRID, 500)["crosshair_mm"] == pytest.approx((3.25, 7.5, 87.0))
    assert v.scrolled(state, GRID, -500, 1)["crosshair_mm"] == pytest.approx((3.25, 0.0, 30.0))


def test_a_hundred_steps_there_and_back_end_where_they_began():
    grid = Geometry((64, 64, 200), np.array([[0.9, 0.1, 0, 3], [-0.1, 0.9, 0.2, 4], [0, -0.2, 1.1, 5], [0, 0, 0, 1]]))
    state = ViewState(crosshair_mm=v.centre_voxel(grid))
    start = state.crosshair_mm
    for step in [1] * 50 + [-1] * 50:
        state = ViewState(**v.scrolled(state, grid, step))
    assert state.crosshair_mm == pytest.approx(start, abs=1e-6)


def test_window_drag_right_widens_and_up_lowers_the_centre():
    centre, width = v.windowed((40, 400), right=0.5, up=0.0)
    assert centre == 40
    assert width > 400
    assert v.windowed((40, 400), right=0.0, up=0.1) == (0.0, 400.0)
    assert v.windowed((40, 400), right=0.5, up=0.1, reverse=True)[1] < 400
    assert v.windowed((40, 400), right=0.5, up=0.1, reverse=True)[0] == pytest.approx(80)
    assert v.windowed((40, 400), right=-100, up=0.0)[1] > 0


def test_zoom_stays_within_its_range():
    assert v.zoomed(ViewState(), 1e9)["zoom"] == v.ZOOM_RANGE[1]
    assert v.zoomed(ViewState(), 1e-9)["zoom"] == v.ZOOM_RANGE[0]


def test_reset_brings_zoom_and_pan_back_and_keeps_the_place():
    state = ViewState(overlay=0.2, zoom=3.0, centre_mm=(1.0, 2.0, 3.0), crosshair_mm=(5.0, 20.0, 45.0), maximised="mri")
    assert replace(state, **v.reset()) == ViewState(overlay=0.2, crosshair_mm=(5.0, 20.0, 45.0))
