"""Messages that do not stop the work: a stack of notices over the panes, and the red stop for two patients."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.base.errors import AppError

MOST_SHOWN = 3


@dataclass(frozen=True)
class Notice:
    """kind: "info", "warning" or "error"; a notice replaces the one shown with the same topic, where it has one."""

    text: str
    hint: str = ""
    kind: str = "info"
    topic: str = ""


def of_error(what: str, error: Exception, topic: str = "") -> Notice:
    """The sentence and hint of an AppError; for anything else, a bug, its type, and the way to the traceback.

    Only the frames go to stderr, never the message: it can quote a header, and so a patient.
    """
    if isinstance(error, AppError):
        return Notice(str(error), error.hint, "error", topic)
    print(f"{what}: {type(error).__name__}", *traceback.format_tb(error.__traceback__), sep="\n", file=sys.stderr)
    text = f"{what} failed: {type(error).__name__}: {error}"
    return Notice(text, "This is a fault of the program. The terminal shows where it happened.", "error", topic)


def plain_label(text: str = "", *, name: str = "", wrap: bool = True) -> QLabel:
    """A label that shows what it is given as it is: headers may hold HTML or worse."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(wrap)
    if name:
        label.setObjectName(name)
    return label


class NoticeBar(QWidget):
    """The latest notices, newest last; nothing at all while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[Notice, QFrame]] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(4, 4, 4, 4)
        self._column.setSpacing(3)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    @property
    def notices(self) -> tuple[Notice, ...]:
        return tuple(notice for notice, _ in self._rows)

    def show_notice(self, notice: Notice) -> None:
        for old, frame in list(self._rows):
            if old == notice or (notice.topic and old.topic == notice.topic):
                self._remove(frame)
        frame = self._frame(notice)
        self._rows.append((notice, frame))
        self._column.addWidget(frame)
        while len(self._rows) > MOST_SHOWN:
            self._remove(self._rows[0][1])
        self.show()

    def clear_topic(self, topic: str) -> None:
        """Take away what is no longer true."""
        for notice, frame in list(self._rows):
            if notice.topic == topic:
                self._remove(frame)

    def _frame(self, notice: Notice) -> QFrame:
        frame = QFrame()
        frame.setObjectName("notice")
        frame.setProperty("kind", notice.kind)
        row = QHBoxLayout(frame)
        row.setContentsMargins(8, 3, 4, 3)
        row.addWidget(plain_label(f"{notice.text} {notice.hint}".strip()), 1)
        close = QToolButton()
        close.setText("×")
        close.setToolTip("Dismiss this message")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(lambda: self._remove(frame))
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        return frame

    def _remove(self, frame: QFrame) -> None:
        self._rows = [row for row in self._rows if row[1] is not frame]
        self._column.removeWidget(frame)
        frame.hide()
        frame.deleteLater()
        self.setVisible(bool(self._rows))


class StopBanner(QFrame):
    """Two different patients in the two roles: in red, in the way, until the reader says it is right or undoes it."""

    confirmed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stop")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 6)
        self._text = plain_label()
        row.addWidget(self._text, 1)
        self.confirm_button = QPushButton("It is the same patient: show them together")
        self.confirm_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # no stray Return or Space may confirm this
        self.confirm_button.clicked.connect(self.confirmed)
        row.addWidget(self.confirm_button)
        self.hide()

    def show_contradictions(self, fields: tuple[str, ...]) -> None:
        """The header fields that contradict each other; () hides the banner."""
        self._text.setText(
            f"STOP: the MRI and its partner name different patients ({', '.join(fields)}). "
            "They are not shown together, not registered and not fused."
        )
        self.setVisible(bool(fields))


Notify = Callable[[Notice], None]
