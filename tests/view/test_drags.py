"""What a drag changes, by pixels and millimetres known beforehand."""

from __future__ import annotations

from math import e

import numpy as np
import pytest

from app.core.values import FusionWindow
from app.view import drags
from app.view.viewport import zoom_rect
from app.view.windows import window_of
from tests.view.desks import press


def test_right_widens_a_window_and_up_lowers_its_centre():
    begun = press(100, 100)
    centre, width = window_of(begun.desk.case, "mri")
    drags.change_window(begun)(100 + 250, 100)
    assert window_of(begun.desk.case, "mri") == pytest.approx((centre, width * e))
    drags.change_window(press(0, 0))(0, 0)
    begun = press(100, 100)
    drags.change_window(begun)(100, 100 - 125)
    assert window_of(begun.desk.case, "mri") == pytest.approx((centre - width / 2, width))


def test_a_drag_over_a_fusion_windows_what_is_fused_and_the_panes_go_with_it():
    begun = press(100, 100, role="partner", fusion=True)
    begun.desk.case = begun.desk.case.having(partner_fusion_window=FusionWindow(0, 10, "SUVbw"))
    drags.change_window(begun)(100 + 250, 100 - 125)
    layer = begun.desk.case.partner_layer
    assert layer.window == pytest.approx((0, 10 * e))  # half a window down, e times as wide
    assert (layer.fusion_window.low, layer.fusion_window.high) == pytest.approx((-5 * e, 5 * e))
    assert layer.fusion_window.unit == "SUVbw"


def test_with_ctrl_a_drag_windows_the_other_of_two():
    begun = press(100, 100, role="partner", other=True)
    partner, (centre, width) = window_of(begun.desk.case, "partner"), window_of(begun.desk.case, "mri")
    drags.change_window(begun)(100 + 250, 100)
    assert window_of(begun.desk.case, "mri") == pytest.approx((centre, width * e))
    assert window_of(begun.desk.case, "partner") == partner


def test_a_pane_without_a_window_has_none_to_change():
    assert drags.change_window(press(0, 0, role=None)) is None


def test_the_picture_follows_a_pan_and_its_middle_moves_against_it():
    begun = press(100, 100)
    middle = np.asarray(begun.view.plane.grid.centre_mm)
    drags.pan(begun)(120, 90)  # 2 mm to the right of the screen, the patient's left; 1 mm up, anterior
    np.testing.assert_allclose(np.asarray(begun.desk.state.centre_mm) - middle, [-2, 1, 0], atol=1e-9)
    assert drags.pan(press(0, 0, linked=False)) is None


def test_in_the_zoomed_pane_pan_and_zoom_change_the_rectangle():
    begun = press(100, 100, zoomed=True)
    before = zoom_rect(begun.desk.state, begun.view.plane)
    drags.pan(begun)(120, 100)
    moved = begun.desk.state.zoom_rect
    assert (moved.width_mm, moved.height_mm) == (before.width_mm, before.height_mm)
    drags.zoom(begun)(100, 100 - 160)
    assert begun.desk.state.zoom_rect.width_mm == pytest.approx(before.width_mm / e)
    assert begun.desk.state.zoom == 1


def test_zoom_enlarges_upwards_within_its_range():
    begun = press(100, 100)
    drags.zoom(begun)(100, 100 - 160)
    assert begun.desk.state.zoom == pytest.approx(e)
    drags.zoom(begun)(100, -100_000)
    assert begun.desk.state.zoom == 40


def test_what_lies_under_the_mouse_stays_there_when_the_wheel_zooms():
    begun = press(250, 80)
    under = begun.view.to_lps(250, 80)
    drags.zoom_at(begun, 2)
    np.testing.assert_allclose(begun.pane.view().to_lps(250, 80), under, atol=1e-9)
    assert begun.desk.state.zoom == 2


def test_the_crosshair_follows_on_the_picture_alone():
    begun = press(160, 160)
    drag = drags.move_crosshair(begun)
    drag(200, 120)
    np.testing.assert_allclose(begun.desk.state.crosshair_mm, begun.view.to_lps(200, 120))
    drag(5000, 120)
    np.testing.assert_allclose(begun.desk.state.crosshair_mm, begun.view.to_lps(200, 120))


def test_the_rectangle_moves_by_its_inside_and_is_resized_by_a_corner_about_its_middle():
    begun = press(160, 160)
    rect = zoom_rect(begun.desk.state, begun.view.plane)
    left, top, _, height = begun.view.rect_in_pane(rect)
    drags.move_rectangle(begun)(180, 160)
    np.testing.assert_allclose(np.subtract(begun.desk.state.zoom_rect.centre_mm, rect.centre_mm), [2, 0, 0], atol=1e-9)
    held = press(left + 2, top + 2)
    drags.move_rectangle(held)(left - 20, top)
    resized = held.desk.state.zoom_rect
    assert resized.centre_mm == rect.centre_mm
    assert resized.width_mm == pytest.approx(rect.width_mm + 4)
    assert resized.height_mm == pytest.approx(rect.height_mm)
    assert drags.move_rectangle(press(left - 40, top + height / 2)) is None


def test_a_region_is_drawn_where_the_grid_is_shared():
    begun = press(100, 100)
    drags.draw_region("length")(begun)(150, 100)
    (region,) = begun.desk.case.regions
    np.testing.assert_allclose(region.points_mm, [begun.view.to_lps(100, 100), begun.view.to_lps(150, 100)])
    assert drags.draw_region("length")(press(100, 100, linked=False)) is None
