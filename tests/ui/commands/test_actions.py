"""Commands as actions of a window: run, ticked, greyed, in their menus; also those added to the lists."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent

from app.base.settings import Settings
from app.core.transforms import rigid
from app.registration import register as registration
from app.ui.commands.command import Command
from app.ui.commands.listing import COMMANDS
from app.ui.main_window import MainWindow
from app.view.layouts import LAYOUTS, Layout, Place
from app.view.tools import TOOLS, Tool
from tests.scenes import head


@pytest.fixture
def open_window(qapp):
    windows = []

    def make():
        windows.append(MainWindow(Settings()))
        return windows[-1]

    yield make
    for window in windows:
        window.leave()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)  # or it would live on under the others


def texts(window, title):
    (menu,) = (action.menu() for action in window.menuBar().actions() if action.text() == title)
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_menus_stand_in_their_order_and_hold_the_commands(open_window):
    window = open_window()
    titles = [action.text() for action in window.menuBar().actions()]
    assert titles == ["File", "View", "Edit", "Slices", "Fusion", "Registration", "Help"]  # presets have keys alone
    assert texts(window, "Edit") == ["Undo", "Redo"]
    assert texts(window, "View")[:4] == ["Side by side", "Overlay", "Zoom", "Three planes"]


def test_what_cannot_be_done_now_is_grey(open_window):
    window = open_window()
    names = ("export", "register", "confirm", "undo", "plane:axial", "save_transform")
    assert not any(window.actions_by_name[name].isEnabled() for name in names)
    mri, partner = head(size=16, slices=4)
    window.workspace.set_case(mri=mri, partner=partner)
    window.workspace.set_case(registration=registration.identity(mri, partner))
    assert all(window.actions_by_name[name].isEnabled() for name in ("register", "confirm", "plane:axial"))
    assert not window.actions_by_name["undo"].isEnabled()
    window.flow.realign(rigid((0, 0, 0), (1, 0, 0)))
    assert window.actions_by_name["undo"].isEnabled()


def test_a_tick_follows_the_state(open_window):
    window = open_window()
    assert window.actions_by_name["smooth"].isChecked()
    window.actions_by_name["smooth"].trigger()
    assert not window.workspace.state.smooth
    assert not window.actions_by_name["smooth"].isChecked()
    window.workspace.update(tool="pan")
    ticked = [action.text() for action in window.actions_by_name.of_group("tool") if action.isChecked()]
    assert ticked == ["Pan: left drag"]


def test_a_command_added_to_the_list_runs_from_its_menu_when_it_is_enabled(monkeypatch, open_window):
    hummed = []
    hum = Command(
        "hum", "Music", "Hum", hummed.append, ("Ctrl+H",), enabled=lambda workspace: workspace.state.layout == "zoom"
    )
    monkeypatch.setitem(COMMANDS, "hum", hum)
    window = open_window()
    assert texts(window, "Music") == ["Hum"]
    window.actions_by_name["hum"].trigger()
    assert hummed == []
    window.workspace.update(layout="zoom")
    window.actions_by_name.show_enabled()
    window.actions_by_name["hum"].trigger()
    assert hummed == [window]


def test_a_layout_added_to_the_list_is_switched_to_by_its_menu(monkeypatch, open_window):
    monkeypatch.setitem(LAYOUTS, "column", Layout("column", "Column", (Place("mri", 0, 0), Place("fused", 1, 0)), (1,)))
    window = open_window()
    window.actions_by_name["layout:column"].trigger()
    assert window.workspace.state.layout == "column"
    assert [pane.spec.name for pane in window.views.visible_panes()] == ["mri", "fused"]
    assert "Column" in [action.text() for action in window.actions_by_name.of_group("layout")]
    assert window.settings().layout == "column"


def test_a_tool_added_to_the_list_is_taken_by_its_menu(monkeypatch, open_window):
    monkeypatch.setitem(TOOLS, "knife", Tool("knife", "Knife", lambda press: None, ("K",)))
    window = open_window()
    window.actions_by_name["tool:knife"].trigger()
    assert window.workspace.state.tool == "knife"
