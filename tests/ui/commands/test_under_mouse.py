"""Which pane, and so whose window, a command means: the one under the mouse."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from app.ui.commands.under_mouse import pane_under_mouse, role_under_mouse


@pytest.fixture
def mouse_over(monkeypatch):
    """Makes Qt find this widget under the mouse."""

    def put(widget):
        monkeypatch.setattr(QApplication, "widgetAt", lambda *_: widget)

    return put


def test_a_pane_is_found_from_any_widget_in_it(window, mouse_over):
    mouse_over(window.views.panes["mri"])
    assert pane_under_mouse(window) == "mri"
    mouse_over(window.fusion_panel)
    assert pane_under_mouse(window) == ""
    mouse_over(None)
    assert pane_under_mouse(window) == ""


def test_the_pane_s_own_volume_is_meant_and_the_partner_anywhere_else(window, mouse_over):
    mouse_over(window.views.panes["mri"])
    assert role_under_mouse(window) == "mri"
    mouse_over(window.views.panes["partner"])
    assert role_under_mouse(window) == "partner"
    mouse_over(None)
    assert role_under_mouse(window) == "partner"


def test_without_a_partner_the_mri_is_meant(window, mouse_over):
    mouse_over(None)
    window.workspace.set_case(partner=None)
    assert role_under_mouse(window) == "mri"
