"""The menus Fusion and Registration: sliders, nudges and the reader's word."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.core.transforms import rigid
from tests.ui.windows import press, state_of
from tests.waiting import wait_until


def test_q_and_e_slide_the_overlay_and_recompute_nothing(window):
    stack = window.workspace.case.stack
    assert state_of(window).fusion == 1  # what the first look left
    press(window, Qt.Key.Key_E)
    assert state_of(window).overlay == pytest.approx(0.55)
    for _ in range(30):
        press(window, Qt.Key.Key_Q)
    assert state_of(window).overlay == 0
    press(window, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    assert state_of(window).fusion == pytest.approx(0.05)
    assert window.workspace.case.stack is stack
    assert not window.workspace.tasks.busy


def test_alt_arrows_nudge_the_partner_by_the_chosen_step(window):
    window.registration_panel.step.setCurrentIndex(window.registration_panel.step.findData(5.0))
    press(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    matrix = window.workspace.case.registration.fixed_to_moving
    np.testing.assert_allclose(matrix, rigid((0, 0, 0), (-5, 0, 0)), atol=1e-12)  # shown 5 mm further left
    assert window.registration_panel.moves[0].value() == 5


def test_c_confirms_what_was_looked_at_and_the_panel_says_by_whom(window):
    press(window, Qt.Key.Key_C)
    press(window, Qt.Key.Key_C)
    assert window.workspace.case.registration.verdict == "header-aligned"  # only the fusion was seen
    window.workspace.update(fusion=0.0)
    wait_until(lambda: window.check.looked_at, "the overlay to be looked at")
    press(window, Qt.Key.Key_C)
    assert window.workspace.case.registration.verdict == "header-aligned"  # asks first
    press(window, Qt.Key.Key_C)
    assert window.workspace.case.registration.verdict == "registered"
    assert "confirmed by" in window.registration_panel.sentence.text()
    assert not window.registration_panel.confirm_button.isEnabled()
