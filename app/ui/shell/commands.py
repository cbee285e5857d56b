"""All that keys and menus can do, as one table: menus, shortcuts and the list of keys (?) are made from it.

Keys follow what most readers already know (Weasis, OHIF, ITK-SNAP, Slicer). Space is held, so `hold.py` listens for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.view.layouts import LAYOUTS
from app.view.state import PLANE_NAMES


@dataclass(frozen=True)
class Command:
    """name : of the function that does it, see `handlers.py`; keys : as QKeySequence reads them, the first is shown.

    menu : where it stands, "" for keys alone; icon : where the tool bar shows it; group : checkable, one of a group
    shows : the flag of the ViewState that a tick beside it tells
    """

    name: str
    menu: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    group: str = ""
    shows: str = ""
    in_menu: bool = True


_TOOLS = (
    ("window", "Window/level", "W"),
    ("pan", "Pan", "P"),
    ("zoom", "Zoom", "Z"),
    ("crosshair", "Crosshair", "X"),
    ("length", "Length", "L"),
    ("angle", "Angle", "A"),
    ("ellipse", "Ellipse", "O"),
)
_TOOL_ICONS = ("window", "pan", "zoom", "crosshair")
_NUDGES = (
    ("right", "to the right", "Right"),
    ("left", "to the left", "Left"),
    ("up", "up", "Up"),
    ("down", "down", "Down"),
    ("away", "deeper", "PgUp"),
    ("near", "nearer", "PgDown"),
)
_TURNS = (
    ("right", "clockwise", "Right"),
    ("left", "anticlockwise", "Left"),
    ("up", "top away", "Up"),
    ("down", "top nearer", "Down"),
    ("away", "left side away", "PgUp"),
    ("near", "left side nearer", "PgDown"),
)

COMMANDS: tuple[Command, ...] = (
    Command("open_files", "File", "Open files…", ("Ctrl+O",), "open"),
    Command("open_folder", "File", "Open a folder…", ("Ctrl+Shift+O",)),
    Command("open_demo", "File", "Open the demo study"),
    Command("close_all", "File", "Close all", ("Ctrl+W",)),
    Command("export", "File", "Export fused slices…", ("Ctrl+S",), "export"),
    Command("save_picture", "File", "Save a picture of the window…", ("Ctrl+Shift+S",)),
    Command("quit", "File", "Quit", ("Ctrl+Q",)),
    *(
        Command(f"layout:{layout.name}", "View", layout.title, layout.keys, layout.icon, "layout")
        for layout in LAYOUTS.values()
    ),
    *(
        Command(f"plane:{name}", "View", f"Plane: {name}", (f"Alt+{n}",), group="plane")
        for n, name in enumerate(PLANE_NAMES, 1)
    ),
    *(
        Command(f"tool:{name}", "View", f"{text}: left drag", (key,), name if name in _TOOL_ICONS else "", "tool")
        for name, text, key in _TOOLS
    ),
    Command("clear_measurements", "View", "Clear measurements", ("Del",)),
    Command("fit", "View", "Fit", ("F",), "fit"),
    Command("reset", "View", "Reset the view", ("R",), "reset"),
    Command("maximise", "View", "Maximise the pane (double click)", ("M",)),
    Command("invert", "View", "Invert the pane under the mouse", ("I",)),
    Command("annotations", "View", "Annotations: full, no patient data, none", ("N",)),
    Command("crosshair", "View", "Show the crosshair", ("Shift+X",), shows="show_crosshair"),
    Command("smooth", "View", "Smooth pixels", ("Shift+S",), shows="smooth"),
    Command("reverse_drag", "View", "Reverse the window/level drag", shows="reverse_window_drag"),
    Command("panels", "View", "Show or hide the panels", ("F9",)),
    Command("full_screen", "View", "Full screen", ("F11",)),
    Command("undo", "Edit", "Undo", ("Ctrl+Z",), "undo"),
    Command("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    Command("previous_slice", "Slices", "Previous slice", ("Up",)),
    Command("next_slice", "Slices", "Next slice", ("Down",)),
    Command("ten_back", "Slices", "Ten slices back", ("PgUp",)),
    Command("ten_on", "Slices", "Ten slices on", ("PgDown",)),
    Command("first_slice", "Slices", "First slice", ("Home",)),
    Command("last_slice", "Slices", "Last slice", ("End",)),
    Command("previous_series", "Slices", "Previous series", ("Left",)),
    Command("next_series", "Slices", "Next series", ("Right",)),
    Command("overlay_less", "Fusion", "Overlay: more MRI", ("Q",)),
    Command("overlay_more", "Fusion", "Overlay: more partner", ("E",)),
    Command("fusion_less", "Fusion", "More plain overlay", ("Shift+Q",)),
    Command("fusion_more", "Fusion", "More network fusion", ("Shift+E",)),
    Command("go_on", "Fusion", "Go on fusing, after a cancel or a failure"),
    Command("register", "Registration", "Register automatically", ("Ctrl+R",), "register"),
    Command("confirm", "Registration", "Confirm: I have checked the alignment", ("C",), "confirm"),
    Command("reset_alignment", "Registration", "Back to where the headers put the pair", ("Ctrl+Backspace",)),
    *(
        Command(f"move:{way}", "Registration", f"Move the partner {text}", (f"Alt+{key}",))
        for way, text, key in _NUDGES
    ),
    *(
        Command(f"turn:{way}", "Registration", f"Turn the partner {text}", (f"Alt+Shift+{key}",))
        for way, text, key in _TURNS
    ),
    Command("load_transform", "Registration", "Load a transform (.tfm)…"),
    Command("save_transform", "Registration", "Save the transform (.tfm)…"),
    *(
        Command(f"preset:{n}", "Windows", f"Window preset {n}" if n else "Default window", (str(n),), in_menu=False)
        for n in (*range(1, 10), 0)
    ),
    Command("keys", "Help", "List of keys", ("?", "F1"), "help"),
    Command("networks", "Help", "Networks"),
    Command("about", "Help", "About Synoptic"),
    Command("cancel", "Help", "Cancel what is running", ("Esc",)),
)

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


def sections() -> dict[str, tuple[tuple[str, str], ...]]:
    """The list of keys: title -> (keys, what they do), in the order of the table, mouse first."""
    listed: dict[str, list[tuple[str, str]]] = {"Mouse": list(MOUSE), "Held": list(HELD)}
    for command in COMMANDS:
        if command.keys:
            listed.setdefault(command.menu, []).append((" or ".join(command.keys), command.text.rstrip("…")))
    return {title: tuple(rows) for title, rows in listed.items()}
