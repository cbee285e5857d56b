"""Keys that are held, keys that belong to a field, and a wheel over one."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.ui.windows import slice_of, state_of


def test_space_shows_the_mri_alone_while_it_is_held(window):
    QTest.keyPress(window.views, Qt.Key.Key_Space)
    assert state_of(window).hold_mri
    QTest.keyRelease(window.views, Qt.Key.Key_Space)
    assert not state_of(window).hold_mri


def test_keys_typed_into_a_field_stay_there(window):
    field = window.registration_panel.moves[0]
    field.setFocus()
    before = slice_of(window)
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert slice_of(window) == before
    assert field.value() == 1
    QTest.keyClick(field.lineEdit(), Qt.Key.Key_1)
    assert window.workspace.case.partner_layer.window is None


def test_a_wheel_over_a_field_changes_neither_network_nor_alignment(window):
    case = window.workspace.case
    for field in (window.fusion_panel.network, window.registration_panel.moves[0]):
        at = QPointF(5, 5)
        turned = QWheelEvent(
            at, field.mapToGlobal(at), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(field, turned)
    assert window.workspace.case is case
