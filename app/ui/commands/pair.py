"""The menus Fusion and Registration: both sliders, and how the partner lies on the MRI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QFileDialog

from app.ui.commands.command import Command, Window, with_pair
from app.view.nudges import nudged

SLIDER_STEP = 0.05
_MOVES = (  # way, what it does, key, axis of the screen (right, up, away), sign
    ("right", "to the right", "Right", 0, 1),
    ("left", "to the left", "Left", 0, -1),
    ("up", "up", "Up", 1, 1),
    ("down", "down", "Down", 1, -1),
    ("away", "deeper", "PgUp", 2, 1),
    ("near", "nearer", "PgDown", 2, -1),
)
_TURNS = (  # the same, about that axis
    ("right", "clockwise", "Right", 2, 1),
    ("left", "anticlockwise", "Left", 2, -1),
    ("up", "top away", "Up", 0, -1),
    ("down", "top nearer", "Down", 0, 1),
    ("away", "left side away", "PgUp", 1, 1),
    ("near", "left side nearer", "PgDown", 1, -1),
)


def _slide(field: str, step: float) -> Callable[[Window], None]:
    """Moves a slider of the ViewState, within 0 and 1."""

    def run(window: Window) -> None:
        value = getattr(window.workspace.state, field) + step
        window.workspace.update(**{field: round(min(max(value, 0.0), 1.0), 2)})

    return run


def _nudge(kind: str, axis: int, sign: int) -> Callable[[Window], None]:
    """One step of the partner on the screen, about the crosshair, in the plane that keys go to."""

    def run(window: Window) -> None:
        case, state = window.workspace.case, window.workspace.state
        if case.mri is None or case.registration is None or not case.mri.geometry.in_mm:
            return
        by = [0.0, 0.0, 0.0]
        by[axis] = sign * window.registration_panel.step_size
        vector = (by[0], by[1], by[2])
        plane = case.mri.geometry.plane_across(state.axis)
        matrix, centre = case.registration.fixed_to_moving, np.asarray(state.crosshair_mm)
        if kind == "move":
            window.flow.realign(nudged(matrix, plane, centre, move=vector))
        else:
            window.flow.realign(nudged(matrix, plane, centre, turn=vector))

    return run


def _nudges() -> Iterator[Command]:
    for way, text, key, axis, sign in _MOVES:
        run = _nudge("move", axis, sign)
        yield Command(f"move:{way}", "Registration", f"Move the partner {text}", run, (f"Alt+{key}",))
    for way, text, key, axis, sign in _TURNS:
        run = _nudge("turn", axis, sign)
        yield Command(f"turn:{way}", "Registration", f"Turn the partner {text}", run, (f"Alt+Shift+{key}",))


def load_transform(window: Window) -> None:
    file, _ = QFileDialog.getOpenFileName(window, "Load a rigid transform", "", "ITK transforms (*.tfm *.txt)")
    if file:
        window.flow.load_transform(Path(file))


def save_transform(window: Window) -> None:
    """The file dialog has asked already whether to overwrite."""
    suggested = str(Path.home() / "mri-to-partner.tfm")
    file, _ = QFileDialog.getSaveFileName(window, "Save the transform", suggested, "ITK transforms (*.tfm)")
    if file:
        window.flow.save_transform(Path(file) if Path(file).suffix else Path(f"{file}.tfm"))


COMMANDS = (
    Command("overlay_less", "Fusion", "Overlay: more MRI", _slide("overlay", -SLIDER_STEP), ("Q",)),
    Command("overlay_more", "Fusion", "Overlay: more partner", _slide("overlay", SLIDER_STEP), ("E",)),
    Command("fusion_less", "Fusion", "More plain overlay", _slide("fusion", -SLIDER_STEP), ("Shift+Q",)),
    Command("fusion_more", "Fusion", "More network fusion", _slide("fusion", SLIDER_STEP), ("Shift+E",)),
    Command("go_on", "Fusion", "Go on fusing, after a cancel or a failure", lambda window: window.flow.go_on()),
    Command(
        "register", "Registration", "Register automatically", lambda window: window.flow.register(), ("Ctrl+R",),
        "register", enabled=with_pair,
    ),
    Command(
        "confirm", "Registration", "Confirm: I have checked the alignment", lambda window: window.check.ask(),
        ("C",), "confirm", enabled=with_pair,
    ),
    Command(
        "compare", "Registration", "Before and after registering", lambda window: window.check.compare(), ("B",),
        enabled=with_pair,
    ),
    Command(
        "reset_alignment", "Registration", "Back to where the headers put the pair",
        lambda window: window.flow.reset_alignment(), ("Ctrl+Backspace",), enabled=with_pair,
    ),
    *_nudges(),
    Command("load_transform", "Registration", "Load a transform (.tfm)…", load_transform, enabled=with_pair),
    Command("save_transform", "Registration", "Save the transform (.tfm)…", save_transform, enabled=with_pair),
)  # fmt: skip
