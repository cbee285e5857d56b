"""The menu View: layouts, planes, tools, windows, annotations, and back again."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.case import fusing
from app.view.picture import Note
from tests.ui.windows import press, slice_of, state_of
from tests.waiting import wait_until


def test_n_goes_through_the_annotations_and_hides_the_patient(window):
    press(window, Qt.Key.Key_N)
    assert state_of(window).annotations == "no patient data"
    names = [window.browser.tree.topLevelItem(n).text(0) for n in range(window.browser.tree.topLevelItemCount())]
    assert names == ["patient 1 (hidden)"]
    press(window, Qt.Key.Key_N)
    assert state_of(window).annotations == "none"
    press(window, Qt.Key.Key_N)
    assert "Muster" in window.browser.tree.topLevelItem(0).text(0)


@pytest.mark.parametrize("tool", ["window", "pan", "zoom", "crosshair"])
def test_letters_choose_what_the_left_drag_does(window, tool):
    keys = {"window": Qt.Key.Key_W, "pan": Qt.Key.Key_P, "zoom": Qt.Key.Key_Z, "crosshair": Qt.Key.Key_X}
    press(window, keys[tool])
    assert state_of(window).tool == tool
    assert window.actions_by_name[f"tool:{tool}"].isChecked()


def test_numbers_choose_the_windows_of_the_partner(window):
    press(window, Qt.Key.Key_1)
    assert window.workspace.case.partner_layer.window == (2.5, 5)  # SUV 0 to 5
    press(window, Qt.Key.Key_0)
    assert window.workspace.case.partner_layer.window is None


def test_a_left_drag_over_the_fusion_windows_it_and_it_is_fused_once_when_the_drag_rests(window, monkeypatch):
    fusions = []
    fuse = fusing.fuse_pair
    monkeypatch.setattr(fusing, "fuse_pair", lambda *given, **more: fusions.append(1) or fuse(*given, **more))
    window.workspace.update(layout="overlay", fusion=1.0)
    pane, before = window.views.panes["fused"], window.workspace.case.stack
    assert pane.shows_fusion()
    start = pane.rect().center()
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(pane, left, none, start)
    for step in range(1, 9):
        QTest.mouseMove(pane, start + QPoint(10 * step, 0))
        assert Note.NOT_FUSED in pane.picture().notes  # the overlay follows meanwhile
    QTest.mouseRelease(pane, left, none, start + QPoint(80, 0))
    wait_until(lambda: not window.pending)
    case = window.workspace.case
    assert case.partner_layer.window[1] == pytest.approx(
        case.partner_fusion_window.high - case.partner_fusion_window.low
    )
    assert case.stack.request.partner_window == case.partner_fusion_window != before.request.partner_window
    assert fusions == [1]
    window.workspace.undo()  # one step
    assert window.workspace.case.stack.fused is before.fused


def test_reset_and_fit_put_the_view_back(window):
    window.workspace.zoom(3)
    press(window, Qt.Key.Key_F)
    assert state_of(window).zoom == 1
    press(window, Qt.Key.Key_I)
    assert window.workspace.case.partner_layer.inverted
    press(window, Qt.Key.Key_Down)
    window.workspace.zoom(2)
    press(window, Qt.Key.Key_R)
    assert not window.workspace.case.partner_layer.inverted
    assert (slice_of(window), state_of(window).zoom) == (7, 1)  # the slice stays
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # one step
    assert window.workspace.case.partner_layer.inverted
    assert (slice_of(window), state_of(window).zoom) == (7, 2)
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert not window.workspace.case.partner_layer.inverted
    assert state_of(window).zoom == 1


def test_an_overlay_is_made_clear_where_there_is_no_uptake_and_the_menu_ticks_it(window):
    action = window.actions_by_name["fading"]
    action.trigger()
    assert window.workspace.case.fading
    assert action.isChecked()
    assert window.fusion_panel.fading.isChecked()
    action.trigger()
    assert not window.workspace.case.fading


def test_ctrl_z_takes_back_and_ctrl_shift_z_does_again(window):
    press(window, Qt.Key.Key_2)
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.workspace.case.partner_layer.window is None
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert window.workspace.case.partner_layer.window == (3.5, 7)


@pytest.mark.parametrize(("n", "layout"), [*enumerate(["side-by-side", "overlay", "zoom", "planes"], 1)])
def test_layouts_have_keys(window, n, layout):
    press(window, getattr(Qt.Key, f"Key_{n}"), Qt.KeyboardModifier.ControlModifier)
    assert state_of(window).layout == layout
    shown = {pane.spec.name for pane in window.views.visible_panes()}
    assert {name for name, pane in window.views.panes.items() if pane.isVisible()} == shown


@pytest.mark.parametrize(("n", "plane"), [(1, "axial"), (2, "coronal"), (3, "sagittal")])
def test_alt_and_a_number_choose_the_plane_of_all_panes_and_the_menu_ticks_it(window, n, plane):
    window.actions_by_name[f"plane:{'coronal' if plane == 'axial' else 'axial'}"].trigger()
    QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + n), Qt.KeyboardModifier.AltModifier)
    assert [pane.picture().plane.name for pane in window.views.visible_panes()] == [plane] * 3
    assert window.actions_by_name[f"plane:{plane}"].isChecked()
