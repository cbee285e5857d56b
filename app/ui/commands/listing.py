"""The list of commands: menus, shortcuts, the tool bar and the list of keys (?) are made from it.

Keys follow what most readers already know (Weasis, OHIF, ITK-SNAP, Slicer). Space is held, so `shell/keyboard.py`
listens for it.
"""

from __future__ import annotations

from app.ui.commands import file, help, pair, slices, view
from app.ui.commands.command import Command, Window
from app.ui.dialogs.help_dialog import keys_html, open_page

MENUS = ("File", "View", "Edit", "Slices", "Fusion", "Registration", "Windows", "Help")  # from left to right


def show_keys(window: Window) -> None:
    open_page("Keys and mouse", keys_html(sections()), window)


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        *file.COMMANDS,
        *view.COMMANDS,
        *slices.COMMANDS,
        *pair.COMMANDS,
        Command("keys", "Help", "List of keys", show_keys, ("?", "F1"), "help"),
        *help.COMMANDS,
    )
}

HELD = (("Space (hold)", "Show the MRI alone"),)
MOUSE = (
    ("Left drag", "Window/level: right = wider, up = lower centre; or the tool chosen"),
    ("Left click", "Crosshair, in all panes"),
    ("Shift + move", "Crosshair follows"),
    ("Middle drag", "Pan"),
    ("Right drag", "Zoom"),
    ("Right click", "Menu"),
    ("Wheel", "Slices"),
    ("Ctrl + wheel", "Zoom"),
    ("Double click", "Maximise the pane, and back"),
    ("Drop files", "Open them"),
)


def commands() -> dict[str, Command]:
    """Menu by menu: COMMANDS, and before them one for each layout, plane, tool and preset, as their lists are now."""
    derived = (*view.layout_commands(), *view.plane_commands(), *view.tool_commands(), *view.preset_commands())
    every = {command.name: command for command in (*derived, *COMMANDS.values())}
    menus = dict.fromkeys((*MENUS, *(command.menu for command in every.values())))
    return {name: command for menu in menus for name, command in every.items() if command.menu == menu}


def sections() -> dict[str, tuple[tuple[str, str], ...]]:
    """The list of keys: title -> (keys, what they do), in the order of the menus, mouse first."""
    listed: dict[str, list[tuple[str, str]]] = {"Mouse": list(MOUSE), "Held": list(HELD)}
    for command in commands().values():
        if command.keys:
            listed.setdefault(command.menu, []).append((" or ".join(command.keys), command.text.rstrip("…")))
    return {title: tuple(rows) for title, rows in listed.items()}
