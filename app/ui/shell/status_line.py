"""The status line: what is running, how far it is, Cancel; and, always, that this is not for diagnostic use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from app import NOT_FOR_DIAGNOSIS
from app.ui.shell.messages import plain_label
from app.ui.shell.theme import fixed_width_font

QUIET_KEYS = ("metrics",)  # done within a blink at every scroll: showing them would flicker


class Running(Protocol):
    """What is shown of a task: fraction from 0 to 1; a key in QUIET_KEYS is not shown."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def fraction(self) -> float: ...


class StatusLine(QStatusBar):
    """Shows the oldest running task, and how many others wait behind it."""

    cancel_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.text = plain_label(wrap=False)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # a long text is cut
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setFixedWidth(160)
        self.bar.setFormat("%p %")
        self.cancel = QPushButton("Cancel")
        self.cancel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.cancel.setToolTip("Stop what is running (Esc)")
        self.cancel.clicked.connect(self.cancel_asked)
        warning = QLabel(NOT_FOR_DIAGNOSIS)
        warning.setObjectName("notForDiagnosis")
        self.addWidget(self.text, 1)
        self.addWidget(self.bar)
        self.addWidget(self.cancel)
        self.reading = plain_label(wrap=False)  # of the probe
        self.reading.setFont(fixed_width_font(self.reading))
        self.addPermanentWidget(self.reading)
        self.addPermanentWidget(warning)
        self.show_running(())

    def show_running(self, running: Sequence[Running]) -> None:
        shown = [task for task in running if task.key not in QUIET_KEYS]
        self.bar.setVisible(bool(shown))
        self.cancel.setVisible(bool(shown))
        if not shown:
            self.text.setText("Ready")
            return
        first, others = shown[0], len(shown) - 1
        message = f": {first.message}" if first.message else ""
        more = f"   (and {others} more)" if others else ""
        self.text.setText(f"{first.name}{message}{more}")
        self.bar.setValue(round(1000 * first.fraction))
