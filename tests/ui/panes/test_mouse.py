"""The mouse does what readers expect, in every pane."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.ui.flow.workspace import Workspace
from app.ui.panes.image_pane import SERIES_MIME
from app.ui.panes.layouts import ViewArea
from app.view.viewport import zoom_rect
from tests.scenes import head, pair, registered, shown

LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton


@pytest.fixture
def area(qapp):
    workspace = Workspace()
    area = ViewArea(workspace)
    area.resize(904, 300)
    mri, pet = head(64, 48)
    workspace.set_case(shown(pair(mri, pet), mri_window=(300.0, 600.0), partner_window=(5.0, 10.0)))
    area.show()
    QTest.qWaitForWindowExposed(area)
    yield area
    area.close()
    assert workspace.tasks.stop()
    area.deleteLater()


def drag(pane, button, start, end):
    QTest.mousePress(pane, button, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(pane, (start + end) / 2)
    QTest.mouseMove(pane, end)
    QTest.mouseRelease(pane, button, Qt.KeyboardModifier.NoModifier, end)


def wheel(pane, notches, modifiers=Qt.KeyboardModifier.NoModifier, at=None):
    place = QPointF(pane.rect().center()) if at is None else at
    event = QWheelEvent(
        place,
        pane.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


def state(area):
    return area._workspace.state


def test_left_click_moves_the_crosshair_in_every_pane(area):
    for name in ("mri", "partner", "fused"):
        pane = area.panes[name]
        place = QPoint(180, 90)
        expected = pane.view().to_lps(180, 90)
        QTest.mouseClick(pane, LEFT, Qt.KeyboardModifier.NoModifier, place)
        assert state(area).crosshair_mm == pytest.approx(tuple(expected))
        for other in ("mri", "partner", "fused"):
            x, y, off = area.panes[other].view().to_pane(state(area).crosshair_mm)
            assert (x, y, off) == pytest.approx((180, 90, 0), abs=1.01)  # panes differ by a pixel in width
        area._workspace.reset()


def test_left_drag_right_widens_and_up_lowers_that_modalitys_window(area):
    before = state(area).crosshair_mm
    drag(area.panes["mri"], LEFT, QPoint(100, 200), QPoint(150, 150))
    centre, width = area._workspace.case.base.window
    assert width == pytest.approx(600 * np.exp(50 / 250))
    assert centre == pytest.approx(300 - 600 * 50 / 250)
    assert area._workspace.case.partner_layer.window == (5.0, 10.0)
    drag(area.panes["fused"], LEFT, QPoint(100, 200), QPoint(150, 200))
    assert area._workspace.case.partner_layer.window[1] > 10
    assert state(area).crosshair_mm == before  # a drag is no click


def test_the_drag_can_be_reversed(area):
    area._workspace.update(reverse_window_drag=True)
    drag(area.panes["mri"], LEFT, QPoint(100, 200), QPoint(150, 150))
    assert area._workspace.case.base.window[0] > 300
    assert area._workspace.case.base.window[1] < 600


def test_middle_drag_pans_all_panes_alike(area):
    pane = area.panes["mri"]
    point = pane.view().to_lps(150, 150)
    drag(pane, MIDDLE, QPoint(150, 150), QPoint(190, 120))
    for name in ("mri", "partner", "fused"):
        x, y, _ = area.panes[name].view().to_pane(point)
        assert (x, y) == pytest.approx((190, 120), abs=1.01)


def test_right_drag_zooms_and_right_click_asks_for_a_menu(area):
    asked = []
    area._workspace.menu_wanted.connect(lambda role, place: asked.append(role))
    drag(area.panes["partner"], RIGHT, QPoint(150, 150), QPoint(150, 70))
    assert state(area).zoom == pytest.approx(np.exp(80 / 160))
    assert asked == []
    QTest.mouseClick(area.panes["partner"], RIGHT, Qt.KeyboardModifier.NoModifier, QPoint(150, 150))
    assert asked == ["partner"]


def test_the_wheel_scrolls_and_with_ctrl_zooms_where_the_mouse_is(area):
    grid = area._workspace.case.grid
    before = state(area).slice_of(grid)
    wheel(area.panes["fused"], -3)
    assert state(area).slice_of(grid) == before + 3
    wheel(area.panes["fused"], 1)
    assert state(area).slice_of(grid) == before + 2
    pane, place = area.panes["mri"], QPointF(90, 200)
    point = pane.view().to_lps(90, 200)
    wheel(pane, 2, Qt.KeyboardModifier.ControlModifier, place)
    assert state(area).zoom == pytest.approx(1.44)
    assert pane.view().to_pane(point)[:2] == pytest.approx((90, 200))
    assert state(area).slice_of(grid) == before + 2


def test_shift_and_moving_leads_the_crosshair(area):
    pane = area.panes["mri"]
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(120, 140),
        pane.mapToGlobal(QPointF(120, 140)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ShiftModifier,
    )
    QApplication.sendEvent(pane, event)
    assert state(area).crosshair_mm == pytest.approx(tuple(pane.view().to_lps(120, 140)))


def test_the_probe_follows_the_mouse_and_ends_outside_the_image(area):
    told = []
    area._workspace.probed.connect(told.append)
    QTest.mouseMove(area.panes["mri"], QPoint(150, 150))
    assert told[-1] == pytest.approx(tuple(area.panes["mri"].view().to_lps(150, 150)))
    area._workspace.update(zoom=0.3)
    QTest.mouseMove(area.panes["mri"], QPoint(3, 3))
    assert told[-1] is None


def test_what_lies_under_a_still_mouse_is_read_again_whenever_the_picture_under_it_changes(area):
    told, workspace, pane = [], area._workspace, area.panes["mri"]
    QTest.mouseMove(pane, QPoint(190, 110))
    workspace.probed.connect(told.append)
    for change in (lambda: workspace.scroll(3), lambda: workspace.zoom(2.0), lambda: workspace.update(axis=1)):
        change()
        QApplication.processEvents()
        assert told[-1] == pytest.approx(tuple(pane.view().to_lps(190, 110)))
    assert len(told) == 3
    assert len(set(told)) == 3
    nudge = np.eye(4)
    nudge[0, 3] = 5.0
    workspace.change(registration=registered(nudge))  # another voxel of the partner lies there now
    QApplication.processEvents()
    assert len(told) == 4
    pane.hide()
    QApplication.processEvents()
    assert told[-1] is None
    workspace.scroll(-1)
    QApplication.processEvents()
    assert len(told) == 5  # nothing lies under a mouse that is elsewhere


def test_a_double_click_fills_the_window_and_goes_back(area):
    QTest.mouseDClick(area.panes["fused"], LEFT, Qt.KeyboardModifier.NoModifier, QPoint(100, 100))
    assert state(area).maximised == "fused"
    assert [pane.spec.name for pane in area.visible_panes()] == ["fused"]
    assert area.panes["fused"].isVisible()
    assert not area.panes["mri"].isVisible()
    QTest.mouseDClick(area.panes["fused"], LEFT, Qt.KeyboardModifier.NoModifier, QPoint(100, 100))
    assert [pane.spec.name for pane in area.visible_panes()] == ["mri", "partner", "fused"]


def test_in_three_planes_each_pane_scrolls_its_own_way_and_takes_the_keys(area):
    area._workspace.update(layout="planes")
    QApplication.processEvents()
    grid = area._workspace.case.grid
    before = [state(area).slice_of(grid, axis) for axis in range(3)]
    wheel(area.panes["coronal"], -2)
    assert [state(area).slice_of(grid, axis) for axis in range(3)] == [before[0], before[1] + 2, before[2]]
    assert state(area).axis == 1
    QTest.mouseClick(
        area.panes["sagittal"], LEFT, Qt.KeyboardModifier.NoModifier, area.panes["sagittal"].rect().center()
    )
    assert state(area).axis == 0


def test_the_zoom_rectangle_is_dragged_and_resized(area):
    area._workspace.update(layout="zoom")
    QApplication.processEvents()
    pane = area.panes["mri"]
    view = pane.view()
    first = zoom_rect(state(area), view.plane)
    left, top, width, height = view.rect_in_pane(first)
    middle = QPoint(round(left + width / 2), round(top + height / 2))
    drag(pane, LEFT, middle, middle + QPoint(12, 8))
    moved = state(area).zoom_rect
    assert (moved.width_mm, moved.height_mm) == (first.width_mm, first.height_mm)
    assert view.to_pane(moved.centre_mm)[:2] == pytest.approx((left + width / 2 + 12, top + height / 2 + 8))
    assert area._workspace.case.base.window == (300.0, 600.0)
    left, top, width, height = view.rect_in_pane(moved)
    corner = QPoint(round(left + width), round(top + height))
    drag(pane, LEFT, corner, corner + QPoint(10, 10))
    assert state(area).zoom_rect.width_mm > moved.width_mm
    drag(area.panes["zoom"], RIGHT, QPoint(50, 100), QPoint(50, 40))
    assert state(area).zoom_rect.width_mm < moved.width_mm


@pytest.mark.parametrize(
    ("tool", "check"),
    [("pan", lambda s: s.centre_mm is not None), ("zoom", lambda s: s.zoom < 1), ("crosshair", lambda s: True)],
)
def test_tools_take_the_left_drag(area, tool, check):
    area._workspace.update(tool=tool)
    pane = area.panes["mri"]
    expected = pane.view().to_lps(130, 170)
    drag(pane, LEFT, QPoint(100, 100), QPoint(130, 170))
    assert check(state(area))
    assert area._workspace.case.base.window == (300.0, 600.0)
    if tool == "crosshair":
        assert state(area).crosshair_mm == pytest.approx(tuple(expected))


def test_a_series_dropped_on_a_pane_asks_for_its_role_and_files_are_left_to_the_window(area):
    asked = []
    area._workspace.role_wanted.connect(lambda role, uid: asked.append((role, uid)))
    pane, buttons, keys = area.panes["partner"], LEFT, Qt.KeyboardModifier.NoModifier
    series, files = QMimeData(), QMimeData()
    series.setData(SERIES_MIME, b"1.2.3")
    files.setUrls([QUrl.fromLocalFile("/somewhere")])
    for mime, accepted in ((series, True), (files, False)):
        enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, buttons, keys)
        pane.dragEnterEvent(enter)
        assert enter.isAccepted() == accepted
    pane.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, series, buttons, keys))
    assert asked == [("partner", "1.2.3")]
    assert not area.panes["fused"].acceptDrops()


def test_regions_are_drawn_and_undone(area):
    pane = area.panes["mri"]
    area._workspace.update(tool="length")
    drag(pane, LEFT, QPoint(100, 100), QPoint(160, 180))
    (length,) = area._workspace.case.regions
    assert (length.kind, length.layer_uid) == ("length", area._workspace.case.base_uid)
    assert np.linalg.norm(np.subtract(*length.points_mm)) == pytest.approx(100 / pane.view().scale)
    area._workspace.update(tool="angle")
    drag(pane, LEFT, QPoint(100, 100), QPoint(160, 100))
    drag(pane, LEFT, QPoint(160, 100), QPoint(160, 180))
    assert len(area._workspace.case.regions[1].points_mm) == 3
    area._workspace.undo()
    assert [(region.kind, len(region.points_mm)) for region in area._workspace.case.regions] == [
        ("length", 2),
        ("angle", 2),
    ]
    area._workspace.undo()
    assert area._workspace.case.regions == (length,)
