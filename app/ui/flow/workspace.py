"""The one place the window's widgets meet: the ViewState, the Case, the running tasks, undo.

A widget asks (`update`, `change`, `change_layer`) and draws what `changed`, `case_changed` and `slice_fused` say;
widgets never talk to each other. What the reader changes in the case (alignment, windows, colours, layers, regions) is
a step of undo, and so is a jump to another place (`jump`); what work brings (`set_case`), and the rest of where one
looks (`update`), is not. Undo is a list of earlier cases: going back keeps all that was opened and computed since.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.case.document import Case
from app.core.volume import Patient
from app.ui.flow.task import TaskRunner
from app.view.state import ViewState, centre_voxel, fitted, reset, scrolled, zoomed

_GESTURE_S = 0.8  # changes of the same things closer together than this are one step of undo: one drag, one nudge
_DEPTH = 200


@dataclass(frozen=True)
class _Step:
    """What one step of undo goes back to: an earlier case, earlier fields of the ViewState, or both."""

    case: Case | None
    view: Mapping[str, Any]


class Workspace(QObject):
    """state, case, tasks; and the signals that say they changed.

    changed : the new ViewState
    case_changed : the new Case
    slice_fused : the k of a slice just filled in in `case.stack`
    probed : LPS mm (a Point) under the mouse, or None when it left the image; see ui/probe.py
    role_wanted : (role "mri" or "partner", series uid) when a series was dropped on a pane
    menu_wanted : (role of the pane, QPoint on the screen) on a right click
    """

    changed = Signal(object)
    case_changed = Signal(object)
    slice_fused = Signal(int)
    probed = Signal(object)
    role_wanted = Signal(str, str)
    menu_wanted = Signal(str, object)
    history_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = ViewState()
        self.case = Case()
        self.tasks = TaskRunner(self)
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._last_change: tuple[object, float] = (None, 0.0)
        self._patient: Patient | None = None  # whose pictures were shown last

    # Where one looks -------------------------------------------------------------------------------------------

    def update(self, **changes: Any) -> None:
        """Replace fields of the ViewState and tell everyone, if anything changes."""
        state = replace(self.state, **changes)
        if state != self.state:
            self.state = state
            self.changed.emit(state)

    def jump(self, **changes: Any) -> None:
        """To another place at once, by fields of the ViewState: a step of undo, unlike scrolling there."""
        before = self._view_before(changes)
        if before:
            self._remember(_Step(None, before), "jump")
            self.update(**changes)

    def _view_before(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that would change, as they are; {} where nothing would."""
        before = {name: getattr(self.state, name) for name in changes}
        return {} if all(before[name] == value for name, value in changes.items()) else before

    # The case --------------------------------------------------------------------------------------------------

    def set_case(self, case: Case | None = None, **changes: Any) -> None:
        """What work brings: replace the case, or things of it by `Case.having`, and tell everyone.

        The first volume, or one on another grid, brings the view to its middle. Another pair forgets what can be
        undone: going back never changes the series.
        """
        case = (case or self.case).having(**changes)
        if case is self.case:
            return
        before = self.case
        if before.mri is not case.mri or before.partner is not case.partner:
            self.clear_history()
        self._show(case)

    def change(self, **changes: Any) -> None:
        """What the reader changes, by `Case.having`: a step of undo."""
        self._step_to(self.case.having(**changes), frozenset(changes))

    def change_layer(self, which: str, **display: Any) -> None:
        """Fields of a layer, such as its window; which : "mri", "partner", or the uid of its series."""
        layer = self.case.of_role(which)
        if layer is not None and any(getattr(layer, name) != value for name, value in display.items()):
            self._step_to(self.case.with_layer(layer.uid, **display), (layer.uid, frozenset(display)))

    def replace_with(self, case: Case) -> None:
        """Another case that the reader made of this one, such as one without a layer: a step of undo."""
        self._step_to(case, object())

    def note_fused(self, stack: object, k: int) -> None:
        """A worker has filled in slice k of this stack; told on only while it is still the case's."""
        if stack is self.case.stack:
            self.slice_fused.emit(k)

    def _step_to(self, case: Case, what: object) -> None:
        if case is not self.case:
            self._remember(_Step(self.case.without_work(), {}), what)
            self._show(case)

    def _remember(self, step: _Step, what: object) -> None:
        """A step of undo; what : the same for changes of one gesture."""
        now = time.monotonic()
        last, last_time = self._last_change
        self._last_change = what, now
        same_gesture = what == last and now - last_time < _GESTURE_S and self._undo and not self._redo
        if not same_gesture:  # else the same drag goes on: undo goes back to before it began
            self._undo.append(step)
            del self._undo[:-_DEPTH]
            self._redo.clear()
            self.history_changed.emit()

    def _show(self, case: Case) -> None:
        before, self.case = self.case, case
        grid, old = case.grid, before.grid
        moved: dict[str, Any] = {}
        if grid is not None and _patient(case) != self._patient:
            self._patient = _patient(case)
            if self.state.annotations == "none":
                moved["annotations"] = "full"  # the next patient is named until the reader decides otherwise
        if grid is not None and (old is None or not grid.same_grid(old)):
            moved |= {"axis": 2, "crosshair_mm": centre_voxel(grid), "zoom_rect": None, **fitted()}
        self.state = replace(self.state, **moved)
        self.case_changed.emit(case)
        if moved:
            self.changed.emit(self.state)

    # What keys and menus ask for -------------------------------------------------------------------------------

    def scroll(self, steps: int, axis: int | None = None) -> None:
        """Move by slices along `axis`, or along the state's."""
        if self.case.grid is not None:
            self.update(**scrolled(self.state, self.case.grid, steps, axis))

    def zoom(self, factor: float) -> None:
        self.update(**zoomed(self.state, factor))

    def fit(self) -> None:
        self.jump(**fitted())

    def reset(self) -> None:
        """The whole plane at the place that is looked at, and the pair in the windows it had at first; one step."""
        layers = self.case.layers
        roles = (self.case.base_uid, self.case.partner_uid)
        first = tuple(replace(one, window=None, inverted=False) if one.uid in roles else one for one in layers)
        windowed = any((old.window, old.inverted) != (None, False) for old in layers if old.uid in roles)
        before = self._view_before(reset())
        if windowed or before:
            self._remember(_Step(self.case.without_work() if windowed else None, before), object())
        if windowed:
            self._show(self.case.having(layers=first))
        self.update(**reset())

    # Undo ------------------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    def undo(self) -> None:
        """Take the reader's last change of the case, or jump, back."""
        self._swap(self._undo, self._redo)

    def redo(self) -> None:
        self._swap(self._redo, self._undo)

    def end_gesture(self) -> None:
        """The mouse was released: the next change is a step of its own, however soon it follows."""
        self._last_change = None, 0.0

    def clear_history(self) -> None:
        self._undo.clear()
        self._redo.clear()
        self.history_changed.emit()

    def _swap(self, source: list[_Step], target: list[_Step]) -> None:
        if not source:
            return
        earlier = source.pop()
        case = None if earlier.case is None else self.case.without_work()
        target.append(_Step(case, {name: getattr(self.state, name) for name in earlier.view}))
        self.end_gesture()
        if earlier.case is not None:
            self._show(self.case.back_to(earlier.case))
        self.update(**earlier.view)
        self.history_changed.emit()


def _patient(case: Case) -> Patient | None:
    volume = case.mri or case.partner
    return None if volume is None else volume.series.patient
