"""Registration: what is known about the alignment, the automatic one, six degrees by hand, confirm, save and load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.case.document import Case
from app.core.geometry import Geometry
from app.core.transforms import euler, inverse, rigid
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.task import Running
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import plain_label
from app.ui.shell.theme import repolish
from app.view.nudges import STEPS

if TYPE_CHECKING:  # imported by a worker, once it registers
    from app.registration.register import RegistrationResult

SHORT = {
    "header-aligned": "Header only, not checked",
    "registered": "Registered and confirmed",
    "unverified": "Not verified",
    "rejected": "Registration rejected",
}
METHODS = {
    "header": "",
    "grid": "by grid",
    "coordinates": "as the coordinates stand",
    "identity": "as the coordinates stand",
    "automatic": "automatic, rigid",
    "manual": "by hand",
    "file": "from a file",
    "linked": "by way of other series",
}
_DEGREES = ("x", "y", "z")
_MOVES = ("left (+) / right", "posterior (+) / anterior", "superior (+) / inferior")
_TURNS = ("about left–right", "about front–back", "about head–feet")


@dataclass
class Moved:
    """How far the partner, as seen on the MRI, is moved from where its header puts it, about the MRI's centre."""

    rotation_deg: NDArray[np.float64]
    translation_mm: NDArray[np.float64]

    @classmethod
    def of(cls, fixed_to_moving: NDArray[np.float64], grid: Geometry) -> Moved:
        return cls(*euler(inverse(fixed_to_moving), grid.centre_mm))

    def fixed_to_moving(self, grid: Geometry) -> NDArray[np.float64]:
        return inverse(rigid(self.rotation_deg, self.translation_mm, grid.centre_mm))


class RegistrationPanel(QWidget):
    """Draws `case.registration`; asks `PairFlow` for everything."""

    save_asked = Signal()
    load_asked = Signal()
    confirm_asked = Signal()
    compare_asked = Signal()

    def __init__(self, workspace: Workspace, flow: PairFlow) -> None:
        super().__init__()
        self._workspace, self._flow = workspace, flow
        self._moved: Moved | None = None
        self._registering = False  # and says so where the numbers of the last one stood
        self.verdict = plain_label("No pair yet", name="verdict")
        font = self.verdict.font()
        font.setBold(True)
        self.verdict.setFont(font)
        self.sentence = plain_label(name="quiet")
        self.measured = plain_label(name="quiet")
        self.register_button = self._button("Register", "Register automatically (Ctrl+R)", flow.register)
        self.confirm_button = self._button(
            "Confirm", "I have checked the alignment: it is right (C)", self.confirm_asked.emit
        )
        self.reset_button = self._button("To header", "Back to where the headers put the pair", flow.reset_alignment)
        self.undo_button = self._button("Undo", "Ctrl+Z", workspace.undo)
        self.redo_button = self._button("Redo", "Ctrl+Shift+Z", workspace.redo)
        self.compare_button = self._button(
            "Before / after", "Before and after registering (B)", self.compare_asked.emit
        )
        self.save_button = self._button("Save .tfm…", "Save the transform, for ITK and others", self.save_asked.emit)
        self.load_button = self._button("Load .tfm…", "Load a rigid ITK transform", self.load_asked.emit)
        self.step = QComboBox()
        for step in STEPS:
            self.step.addItem(f"{step:g} mm / {step:g}°", step)
        self.step.setCurrentIndex(STEPS.index(1.0))
        self.step.setToolTip("How far one press of a nudge key or an arrow of a field goes")
        self.step.currentIndexChanged.connect(self._set_steps)
        self.moves = [self._field("mm", text, n, turn=False) for n, text in enumerate(_MOVES)]
        self.turns = [self._field("°", text, n, turn=True) for n, text in enumerate(_TURNS)]

        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        for widget in (self.verdict, self.sentence, self.measured):
            column.addWidget(widget)
        column.addLayout(_row(self.register_button, self.confirm_button, self.reset_button))
        column.addWidget(self._hand())
        column.addLayout(_row(self.compare_button, self.undo_button, self.redo_button))
        column.addLayout(_row(self.save_button, self.load_button))
        column.addStretch(1)

        self._set_steps()
        workspace.case_changed.connect(self.show_case)
        workspace.history_changed.connect(self._show_history)
        workspace.tasks.changed.connect(self._show_running)
        self.show_case(workspace.case)
        self._show_history()

    @property
    def step_size(self) -> float:
        return float(self.step.currentData())

    def _hand(self) -> QGroupBox:
        box = QGroupBox("Partner moved by hand")
        grid = QGridLayout(box)
        grid.setContentsMargins(6, 4, 6, 4)
        grid.setVerticalSpacing(3)
        grid.addWidget(QLabel("Step"), 0, 0)
        grid.addWidget(self.step, 0, 1, 1, 2)
        for n, axis in enumerate(_DEGREES):
            label = QLabel(axis)
            label.setToolTip(f"{axis}: move {_MOVES[n]}; turn {_TURNS[n]}")
            grid.addWidget(label, n + 1, 0)
            grid.addWidget(self.moves[n], n + 1, 1)
            grid.addWidget(self.turns[n], n + 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        keys = plain_label("Keys: Alt+arrows and Alt+PgUp/PgDn move, with Shift they turn.", name="quiet")
        grid.addWidget(keys, 4, 0, 1, 3)
        return box

    def _button(self, text: str, tip: str, asked: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.clicked.connect(lambda: asked())
        return button

    def _field(self, unit: str, text: str, axis: int, *, turn: bool) -> QDoubleSpinBox:
        field = QDoubleSpinBox()
        field.setDecimals(2)
        field.setRange(-180 if turn else -2000, 180 if turn else 2000)
        field.setSuffix(f" {unit}")
        field.setToolTip(text)
        field.setMinimumWidth(70)
        field.setKeyboardTracking(False)  # a number half typed must not move the picture
        field.valueChanged.connect(lambda value: self._typed(axis, float(value), turn=turn))
        return field

    def _set_steps(self) -> None:
        for field in (*self.moves, *self.turns):
            field.setSingleStep(self.step_size)

    def _typed(self, axis: int, value: float, *, turn: bool) -> None:
        mri = self._workspace.case.mri
        if self._moved is None or mri is None:
            return
        (self._moved.rotation_deg if turn else self._moved.translation_mm)[axis] = value
        self._flow.realign(self._moved.fixed_to_moving(mri.geometry))

    def show_case(self, case: Case) -> None:
        registration, pair = case.registration, case.mri is not None and case.partner is not None
        known = registration is not None and not case.stopped
        in_mm = known and case.mri is not None and case.mri.geometry.in_mm
        for button in (self.register_button, self.reset_button, self.save_button, self.load_button):
            button.setEnabled(in_mm)
        for field in (*self.moves, *self.turns):
            field.setEnabled(in_mm)
        confirmed = registration is not None and registration.verdict.value == "registered"
        self.confirm_button.setEnabled(known and not confirmed)
        if registration is None or not known:
            self._moved = None
            self._say("Different patients" if case.stopped else "Comparing…" if pair else "No pair yet", "", "", "")
            return
        verdict, method = registration.verdict.value, METHODS.get(registration.method, registration.method)
        unregistered = verdict == "unverified" and registration.method == "identity"
        heading = "Not registered" if unregistered else SHORT.get(verdict, verdict)
        sentence = registration.verdict.explanation  # the heading says the rest
        if registration.method == "linked" and registration.stopped and not confirmed:
            sentence = registration.stopped.sentence  # the two series themselves need not share a frame
        heading = f"{heading} ({method})" if method else heading
        if not in_mm and unregistered:
            heading = "Two pictures, laid pixel on pixel"
        told = [heading, f"{sentence[:1].upper()}{sentence[1:]}", *registration.warnings]
        told += _confirmation(registration)
        self._say(told[0], verdict, "\n".join(told[1:]), _gain(registration.metric_before, registration.metric_after))
        if case.mri is not None:
            self._moved = Moved.of(registration.fixed_to_moving, case.mri.geometry)
            for fields, values in ((self.moves, self._moved.translation_mm), (self.turns, self._moved.rotation_deg)):
                for field, value in zip(fields, values, strict=True):
                    with QSignalBlocker(field):  # drawing is not asking
                        field.setValue(float(value))

    def _say(self, heading: str, verdict: str, sentence: str, measured: str) -> None:
        self.verdict.setText(heading)
        self.verdict.setProperty("verdict", verdict)
        repolish(self.verdict)
        self.sentence.setText(sentence)
        self.measured.setText(measured)
        self.measured.setVisible(bool(measured))

    def _show_history(self) -> None:
        self.undo_button.setEnabled(self._workspace.can_undo)
        self.redo_button.setEnabled(self._workspace.can_redo)

    def _show_running(self, running: tuple[Running, ...]) -> None:
        """The live metric while registering; the numbers of the last one stay until then."""
        for work in running:
            if work.key == "register":
                self._registering = True
                self.measured.setText(f"Registering, {work.fraction:.0%}: {work.message}".rstrip(": "))
                self.measured.show()
                self.confirm_button.setEnabled(False)
                return
        if self._registering:
            self._registering = False
            self.show_case(self._workspace.case)


def _confirmation(registration: RegistrationResult) -> list[str]:
    """Who has checked the alignment, when, and what it was then."""
    if not registration.confirmed_by:
        return []
    record = f"Checked and confirmed by {registration.confirmed_by}, {registration.confirmed_at}."
    return [f"{record} {registration.stopped.sentence}" if registration.stopped else record]


def _gain(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    return f"Mutual information {before:.4f} → {after:.4f} nats"


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget)
    return row
