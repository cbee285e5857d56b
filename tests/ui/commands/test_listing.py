"""One table feeds keys, menus and help: no key twice, nothing without a function, the expected defaults."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence

from app.base.assets import resources
from app.ui.commands import listing
from app.ui.commands.command import Command
from app.ui.commands.listing import COMMANDS, HELD, MOUSE, commands, sections
from app.ui.dialogs.help_dialog import about_html, keys_html
from app.view.layouts import LAYOUTS, Layout, Place
from app.view.tools import TOOLS, Tool

DEFAULTS = {  # what readers of other viewers expect
    "W": "tool:window", "P": "tool:pan", "Z": "tool:zoom", "X": "tool:crosshair", "F": "fit", "R": "reset",
    "I": "invert", "N": "annotations", "Q": "overlay_less", "E": "overlay_more", "Up": "previous_slice",
    "Down": "next_slice", "Home": "first_slice", "End": "last_slice", "PgUp": "ten_back", "PgDown": "ten_on",
    "Left": "previous_series", "Right": "next_series", "1": "preset:1", "9": "preset:9", "0": "preset:0",
    "Ctrl+Z": "undo", "Ctrl+Shift+Z": "redo", "?": "keys", "L": "tool:length", "A": "tool:angle", "O": "tool:ellipse",
}  # fmt: skip


def test_no_key_means_two_things():
    keys = Counter(QKeySequence(key).toString() for command in commands().values() for key in command.keys)
    assert [key for key, count in keys.items() if count > 1] == []


def test_every_key_is_one_qt_understands():
    for command in commands().values():
        for key in command.keys:
            assert QKeySequence(key).toString(), f"{command.name}: {key}"


@pytest.mark.parametrize("key", DEFAULTS)
def test_the_usual_keys_do_the_usual_things(key):
    assert [command.name for command in commands().values() if key in command.keys] == [DEFAULTS[key]]


@pytest.mark.parametrize("command", commands().values(), ids=lambda command: command.name)
def test_every_command_has_a_function_and_its_icon(command):
    assert callable(command.run)
    if command.icon:
        assert (resources() / "icons" / f"{command.icon}.svg").is_file()


def test_help_lists_every_key_the_mouse_and_what_is_held():
    listed = [row for rows in sections().values() for row in rows]
    assert set(MOUSE) | set(HELD) <= set(listed)
    told = {keys for keys, _ in listed}
    assert {" or ".join(one.keys) for one in commands().values() if one.keys} <= told
    page = keys_html(sections())
    assert "Ctrl+Shift+Z" in page
    assert "Space (hold)" in page


def test_about_says_that_it_is_not_for_diagnosis():
    assert "NOT FOR DIAGNOSTIC USE" in about_html()
    assert "not a medical device" in about_html()


def test_a_command_layout_and_tool_added_to_their_lists_stand_in_menus_and_in_the_list_of_keys(monkeypatch):
    monkeypatch.setitem(COMMANDS, "hum", Command("hum", "Music", "Hum", lambda window: None, ("Ctrl+H",)))
    monkeypatch.setitem(LAYOUTS, "column", Layout("column", "Column", (Place("mri", 0, 0),), (1,), ("Ctrl+6",)))
    monkeypatch.setitem(TOOLS, "knife", Tool("knife", "Knife", lambda press: None, ("K",)))
    menus = list(dict.fromkeys(command.menu for command in commands().values()))
    assert menus == [*listing.MENUS, "Music"]
    names = [command.name for command in commands().values() if command.group == "layout"]
    assert names == [
        "layout:side-by-side",
        "layout:overlay",
        "layout:zoom",
        "layout:planes",
        "layout:layer",
        "layout:column",
    ]
    listed = sections()
    assert listed["Music"] == (("Ctrl+H", "Hum"),)
    assert ("Ctrl+6", "Column") in listed["View"]
    assert ("K", "Knife: left drag") in listed["View"]
    assert "Knife: left drag" in keys_html(sections())
