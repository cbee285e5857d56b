"""What each command of commands.py does. The window gives its parts; nothing here draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from app.core.geometry import Geometry
from app.core.planes import axis_named
from app.ui.dialogs.help_dialog import about_html, keys_html, open_page
from app.ui.dialogs.networks_dialog import open_networks
from app.ui.shell.messages import Notice
from app.view.nudges import nudged
from app.view.presets import by_key
from app.view.state import ANNOTATION_LEVELS, at_slice

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

SLIDER_STEP = 0.05
_WAYS = {"right": (0, 1), "left": (0, -1), "up": (1, 1), "down": (1, -1), "away": (2, 1), "near": (2, -1)}
_TURNS = {"right": (2, 1), "left": (2, -1), "up": (0, -1), "down": (0, 1), "away": (1, 1), "near": (1, -1)}


class Handlers:
    """`handler(name)` is the function of a command."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.workspace = window.workspace
        self.flow = window.flow
        self.opening = window.opening

    def handler(self, name: str) -> Callable[[], object]:
        """The function for a Command's name; "tool:pan" is `tool("pan")`."""
        head, _, argument = name.partition(":")
        return partial(getattr(self, head), argument) if argument else getattr(self, head)

    # File ------------------------------------------------------------------------------------------------------

    def open_files(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self.window, "Open DICOM, NIfTI, NRRD, MHA, zip or pictures")
        if files:
            self.opening.open([Path(file) for file in files])

    def open_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.window, "Open a folder")
        if folder:
            self.opening.open([Path(folder)])

    def open_demo(self) -> None:
        self.window.open_demo()

    def close_all(self) -> None:
        self.opening.close_all()

    def export(self) -> None:
        self.window.exporter.ask()

    def save_picture(self) -> None:
        suggested = str(Path.home() / "synoptic.png")
        file, _ = QFileDialog.getSaveFileName(self.window, "Save a picture of the window", suggested, "PNG (*.png)")
        if file:
            path = Path(file) if Path(file).suffix else Path(f"{file}.png")
            saved = self.window.save_picture(path)
            text = f"Saved {path}." if saved else f"{path} cannot be written."
            self.window.notices.show_notice(Notice(text, kind="info" if saved else "error", topic="picture"))

    def quit(self) -> None:
        self.window.close()

    # View ------------------------------------------------------------------------------------------------------

    def layout(self, name: str) -> None:
        self.workspace.update(layout=name, maximised="")

    def plane(self, name: str) -> None:
        """The plane of the panes that have none of their own; among three planes, the one that keys go to."""
        grid = self.workspace.scene.grid
        if grid is not None and grid.in_mm:
            axis = axis_named(grid, name)
            if axis != self.workspace.state.axis:
                self.workspace.update(axis=axis, zoom_rect=None)

    def tool(self, name: str) -> None:
        self.workspace.update(tool=name)

    def clear_measurements(self) -> None:
        self.workspace.update(measurements=())

    def fit(self) -> None:
        self.workspace.fit()

    def reset(self) -> None:
        self.workspace.reset()

    def maximise(self) -> None:
        if self.workspace.state.maximised:
            self.workspace.update(maximised="")
        else:
            names = [pane.spec.name for pane in self.window.views.visible_panes()]
            under = self._pane_under_mouse()
            self.workspace.update(maximised=under if under in names else names[-1])

    def invert(self) -> None:
        state = self.workspace.state
        if self._role_under_mouse() == "mri":
            self.workspace.update(mri_inverted=not state.mri_inverted)
        else:
            self.workspace.update(partner_inverted=not state.partner_inverted)

    def annotations(self) -> None:
        at = ANNOTATION_LEVELS.index(self.workspace.state.annotations)
        self.workspace.update(annotations=ANNOTATION_LEVELS[(at + 1) % len(ANNOTATION_LEVELS)])

    def crosshair(self) -> None:
        self.workspace.update(show_crosshair=not self.workspace.state.show_crosshair)

    def smooth(self) -> None:
        self.workspace.update(smooth=not self.workspace.state.smooth)

    def reverse_drag(self) -> None:
        self.workspace.update(reverse_window_drag=not self.workspace.state.reverse_window_drag)

    def panels(self) -> None:
        self.window.toggle_panels()

    def full_screen(self) -> None:
        if self.window.isFullScreen():
            self.window.showNormal()
        else:
            self.window.showFullScreen()

    def preset(self, key: str) -> None:
        """The window of this number for the pane under the mouse, or for the volume that has one of this number."""
        scene, role = self.workspace.scene, self._role_under_mouse()
        for one in (role, "partner", "mri"):
            found = by_key(scene.mri if one == "mri" else scene.partner, key)
            if found is not None:
                if one == "mri":
                    self.workspace.update(mri_window=found.window)
                else:
                    self.workspace.update(partner_window=found.window)
                return

    # Slices ----------------------------------------------------------------------------------------------------

    def previous_slice(self) -> None:
        self.workspace.scroll(-1)

    def next_slice(self) -> None:
        self.workspace.scroll(1)

    def ten_back(self) -> None:
        self.workspace.scroll(-10)

    def ten_on(self) -> None:
        self.workspace.scroll(10)

    def first_slice(self) -> None:
        self._go_to(lambda grid, axis: 0)

    def last_slice(self) -> None:
        self._go_to(lambda grid, axis: grid.size[axis] - 1)

    def _go_to(self, index: Callable[[Geometry, int], int]) -> None:
        state, grid = self.workspace.state, self.workspace.scene.grid
        if grid is not None:
            self.workspace.update(**at_slice(state, grid, index(grid, state.axis)))

    def previous_series(self) -> None:
        self._other_series(-1)

    def next_series(self) -> None:
        self._other_series(1)

    def _other_series(self, step: int) -> None:
        """The next series of the list for the pane under the mouse (else the partner), passing by the other role's."""
        role = self._role_under_mouse()
        taken = self.opening.chosen["partner" if role == "mri" else "mri"]
        listed = [one for study in self.workspace.scene.studies for one in study.series if not one.problem]
        listed = [one for one in listed if taken is None or one.uid != taken.uid]
        if not listed:
            return
        now = self.opening.chosen[role]
        at = next((n for n, one in enumerate(listed) if now is not None and one.uid == now.uid), -step)
        series = listed[(at + step) % len(listed)]
        if now is None or series.uid != now.uid:
            self.opening.choose(role, series)

    # Fusion and registration -----------------------------------------------------------------------------------

    def undo(self) -> None:
        self.workspace.undo()

    def redo(self) -> None:
        self.workspace.redo()

    def overlay_less(self) -> None:
        self.workspace.update(overlay=_slid(self.workspace.state.overlay, -SLIDER_STEP))

    def overlay_more(self) -> None:
        self.workspace.update(overlay=_slid(self.workspace.state.overlay, SLIDER_STEP))

    def fusion_less(self) -> None:
        self.workspace.update(fusion=_slid(self.workspace.state.fusion, -SLIDER_STEP))

    def fusion_more(self) -> None:
        self.workspace.update(fusion=_slid(self.workspace.state.fusion, SLIDER_STEP))

    def go_on(self) -> None:
        self.flow.go_on()

    def register(self) -> None:
        self.flow.register()

    def confirm(self) -> None:
        self.flow.confirm()

    def reset_alignment(self) -> None:
        self.flow.reset_alignment()

    def move(self, way: str) -> None:
        axis, sign = _WAYS[way]
        self._nudge("move", axis, sign)

    def turn(self, way: str) -> None:
        axis, sign = _TURNS[way]
        self._nudge("turn", axis, sign)

    def _nudge(self, kind: str, axis: int, sign: int) -> None:
        """One step of the partner on the screen, about the crosshair, in the plane that keys go to."""
        scene, state = self.workspace.scene, self.workspace.state
        if scene.mri is None or scene.registration is None or not scene.mri.geometry.in_mm:
            return
        by = [0.0, 0.0, 0.0]
        by[axis] = sign * self.window.registration_panel.step_size
        vector = (by[0], by[1], by[2])
        plane = scene.mri.geometry.plane_across(state.axis)
        matrix, centre = scene.registration.fixed_to_moving, np.asarray(state.crosshair_mm)
        if kind == "move":
            self.flow.realign(nudged(matrix, plane, centre, move=vector))
        else:
            self.flow.realign(nudged(matrix, plane, centre, turn=vector))

    def load_transform(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self.window, "Load a rigid transform", "", "ITK transforms (*.tfm *.txt)")
        if file:
            self.flow.load_transform(Path(file))

    def save_transform(self) -> None:
        """The file dialog has asked already whether to overwrite."""
        suggested = str(Path.home() / "mri-to-partner.tfm")
        file, _ = QFileDialog.getSaveFileName(self.window, "Save the transform", suggested, "ITK transforms (*.tfm)")
        if file:
            self.flow.save_transform(Path(file) if Path(file).suffix else Path(f"{file}.tfm"))

    # Help ------------------------------------------------------------------------------------------------------

    def keys(self) -> None:
        open_page("Keys and mouse", keys_html(), self.window)

    def networks(self) -> None:
        open_networks(self.workspace, self.flow.times, self.window)

    def about(self) -> None:
        open_page("About Synoptic", about_html(), self.window)

    def cancel(self) -> None:
        self.workspace.tasks.cancel_all()

    # Where the mouse is ----------------------------------------------------------------------------------------

    def _pane_under_mouse(self) -> str:
        widget: QWidget | None = QApplication.widgetAt(QCursor.pos())
        while widget is not None:
            for name, pane in self.window.views.panes.items():
                if pane is widget:
                    return name
            widget = widget.parentWidget()
        return ""

    def _role_under_mouse(self) -> str:
        """ "mri" or "partner": whose window a drag there would change; the partner anywhere else."""
        pane = self.window.views.panes.get(self._pane_under_mouse())
        role = None if pane is None else pane.windowed_role()
        if role is None:
            return "mri" if self.workspace.scene.partner is None else "partner"
        return role


def _slid(value: float, step: float) -> float:
    return round(min(max(value + step, 0.0), 1.0), 2)
