"""The one place the window's widgets meet: the ViewState, the Scene, the running tasks, undo.

A widget asks (`update`, `set_scene`) and draws what `changed`, `scene_changed` and `slice_fused` say; widgets never
talk to each other. Undo covers what a reader sets with thought (windows, colours, alignment, fusion windows,
measurements), not where he looks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.modalities import modality_of
from app.ui.flow.task import TaskRunner
from app.view.scene import Scene
from app.view.state import ViewState, centre_voxel, fitted, reset, scrolled, zoomed

_UNDO_STATE = (
    "mri_window",
    "partner_window",
    "palette",
    "palette_alone",
    "fading",
    "mri_inverted",
    "partner_inverted",
    "measurements",
    "zoom_rect",
)
_UNDO_SCENE = ("registration", "mri_fusion_window", "partner_fusion_window")
_GESTURE_S = 0.8  # changes of the same fields closer together than this are one step of undo: one drag, one nudge
_DEPTH = 200


@dataclass(frozen=True)
class _Step:
    """Fields to put back: of the state, of the scene; with the volumes they belong to."""

    state: dict[str, Any]
    scene: dict[str, Any]
    volumes: tuple[object, object]


class Workspace(QObject):
    """state, scene, tasks; and the signals that say they changed.

    changed : the new ViewState
    scene_changed : the new Scene
    slice_fused : the k of a slice just filled in in `scene.stack`
    probed : LPS mm (a Point) under the mouse, or None when it left the image; see ui/probe.py
    role_wanted : (role "mri" or "partner", series uid) when a series was dropped on a pane
    menu_wanted : (role of the pane, QPoint on the screen) on a right click
    """

    changed = Signal(object)
    scene_changed = Signal(object)
    slice_fused = Signal(int)
    probed = Signal(object)
    role_wanted = Signal(str, str)
    menu_wanted = Signal(str, object)
    history_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = ViewState()
        self.scene = Scene()
        self.tasks = TaskRunner(self)
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._last_change: tuple[frozenset[str], float] = (frozenset(), 0.0)

    def update(self, **changes: Any) -> None:
        """Replace fields of the ViewState and tell everyone, if anything changes."""
        state = replace(self.state, **changes)
        if state != self.state:
            old = {
                name: getattr(self.state, name)
                for name in _UNDO_STATE
                if getattr(self.state, name) != getattr(state, name)
            }
            self._remember(old, {})
            self.state = state
            self.changed.emit(state)

    def set_scene(self, scene: Scene | None = None, **changes: Any) -> None:
        """Replace the scene, or fields of it by `Scene.having`, and tell everyone.

        The first volume, or one on another grid, brings the view to its middle; a new volume its default window.
        """
        scene = (scene or self.scene).having(**changes)
        if scene is self.scene:
            return
        before, self.scene = self.scene, scene
        state: dict[str, Any] = {}
        if before.mri is not scene.mri or before.partner is not scene.partner:
            self.clear_history()
            if scene.mri is not before.mri:
                state |= {"mri_window": None, "mri_inverted": False}
            if scene.partner is not before.partner:
                kind = modality_of(scene.partner.modality if scene.partner is not None else "PT")
                state |= {
                    "partner_window": None,
                    "partner_inverted": False,
                    "palette": kind.palette,
                    "palette_alone": kind.palette_alone,
                }
        else:
            old = {
                name: getattr(before, name)
                for name in _UNDO_SCENE
                if getattr(before, name) is not getattr(scene, name) and getattr(before, name) is not None
            }
            self._remember({}, old)
        if scene.grid is not None and (before.grid is None or not scene.grid.same_grid(before.grid)):
            state |= {"axis": 2, "crosshair_mm": centre_voxel(scene.grid), "zoom_rect": None, "measurements": ()}
            state |= fitted()
        self.state = replace(self.state, **state)
        self.scene_changed.emit(scene)
        if state:
            self.changed.emit(self.state)

    def note_fused(self, stack: object, k: int) -> None:
        """A worker has filled in slice k of this stack; told on only while it is still the scene's."""
        if stack is self.scene.stack:
            self.slice_fused.emit(k)

    # What keys and menus ask for -------------------------------------------------------------------------------

    def scroll(self, steps: int, axis: int | None = None) -> None:
        """Move by slices along `axis`, or along the state's."""
        if self.scene.grid is not None:
            self.update(**scrolled(self.state, self.scene.grid, steps, axis))

    def zoom(self, factor: float) -> None:
        self.update(**zoomed(self.state, factor))

    def fit(self) -> None:
        self.update(**fitted())

    def reset(self) -> None:
        self.update(**reset(self.scene.grid))

    # Undo ------------------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    def undo(self) -> None:
        """Take the last change of windows, colours, alignment, fusion windows or measurements back."""
        self._swap(self._undo, self._redo)

    def redo(self) -> None:
        self._swap(self._redo, self._undo)

    def end_gesture(self) -> None:
        """The mouse was released: the next change is a step of its own, however soon it follows."""
        self._last_change = frozenset(), 0.0

    def clear_history(self) -> None:
        self._undo.clear()
        self._redo.clear()
        self.history_changed.emit()

    def _volumes(self) -> tuple[object, object]:
        return self.scene.mri, self.scene.partner

    def _remember(self, state: dict[str, Any], scene: dict[str, Any]) -> None:
        names, now = frozenset(state) | frozenset(scene), time.monotonic()
        if not names:
            return
        last_names, last_time = self._last_change
        self._last_change = names, now
        if names == last_names and now - last_time < _GESTURE_S and self._undo and not self._redo:
            return  # the same drag goes on: the step before it began is what undo goes back to
        self._undo.append(_Step(state, scene, self._volumes()))
        del self._undo[:-_DEPTH]
        self._redo.clear()
        self.history_changed.emit()

    def _swap(self, source: list[_Step], target: list[_Step]) -> None:
        if not source:
            return
        step = source.pop()
        target.append(
            _Step(
                {name: getattr(self.state, name) for name in step.state},
                {name: getattr(self.scene, name) for name in step.scene},
                step.volumes,
            )
        )
        self._last_change = frozenset(), 0.0
        if step.scene:
            self.scene = self.scene.having(**step.scene)
            self.scene_changed.emit(self.scene)
        if step.state:
            self.state = replace(self.state, **step.state)
            self.changed.emit(self.state)
        self.history_changed.emit()
