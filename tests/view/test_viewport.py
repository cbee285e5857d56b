"""Pictures keep their proportions, and places go back and forth between pane and patient."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.core.planes import plane_of
from app.view.state import ViewState, ZoomRect
from app.view.viewport import viewport, zoom_rect, zoom_viewport

GRID = Geometry((100, 80, 20), np.diag([1.0, 1.0, 5.0, 1.0]))


def test_a_plane_fits_whole_and_in_the_middle_with_true_proportions():
    view = viewport(ViewState(), plane_of(GRID, 1), 3, 400, 300)  # coronal: 100 mm wide, 100 mm tall
    assert view.target() == pytest.approx((50, 0, 300, 300))
    view = viewport(ViewState(), plane_of(GRID, 2), 3, 400, 300)  # axial: 100 x 80 mm
    assert view.target() == pytest.approx((12.5, 0, 375, 300))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("state", [ViewState(), ViewState(zoom=3.0, centre_mm=(20.0, 30.0, 40.0))])
def test_places_go_there_and_back(axis, state):
    view = viewport(state, plane_of(GRID, axis), 7, 333, 217)
    for x, y in ((0, 0), (100, 50), (332, 216)):
        back_x, back_y, off = view.to_pane(view.to_lps(x, y))
        assert (back_x, back_y, off) == pytest.approx((x, y, 0), abs=1e-9)


def test_a_point_off_the_slice_says_by_how_much():
    view = viewport(ViewState(), plane_of(GRID, 2), 7, 300, 300)
    assert view.to_pane((0, 0, 45.0))[2] == pytest.approx(2.0)


def test_dragging_the_picture_moves_it_with_the_mouse():
    plane = plane_of(GRID, 2)
    view = viewport(ViewState(), plane, 7, 400, 300)
    point = view.to_lps(200, 150)
    moved = viewport(ViewState(centre_mm=view.panned(30, -20)), plane, 7, 400, 300)
    assert moved.to_pane(point)[:2] == pytest.approx((230, 130))


def test_the_zoom_pane_is_filled_by_its_rectangle():
    plane = plane_of(GRID, 2)
    state = ViewState(zoom_rect=ZoomRect((30.0, 40.0, 35.0), 20.0, 10.0))
    view = zoom_viewport(state, plane, 7, 400, 400)
    assert view.rect_in_pane(state.zoom_rect) == pytest.approx((0, 100, 400, 200))


def test_without_a_rectangle_the_zoom_is_half_the_plane_around_the_crosshair():
    rect = zoom_rect(ViewState(crosshair_mm=(50.0, 40.0, 35.0)), plane_of(GRID, 2))
    assert rect == ZoomRect((50.0, 40.0, 35.0), 40.0, 40.0)


def test_only_places_on_a_pixel_are_on_the_picture():
    view = viewport(ViewState(), plane_of(GRID, 2), 0, 400, 300)
    assert view.holds(13, 1)
    assert not view.holds(12, 1)
    assert view.holds(387, 299)
    assert not view.holds(388, 299)
