"""Asks before what the reader has made is lost: an export that still runs, measurements, alignments."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.case.unsaved import Unsaved


def losses(unsaved: Unsaved, exports: int) -> tuple[str, ...]:
    """A sentence for each kind of thing that would be lost; exports : how many are still being written."""
    sentences = []
    if exports:
        sentences.append("An export is still being written; nothing of it would be left.")
    if unsaved.regions:
        sentences.append(f"{_counted(unsaved.regions, 'measurement')} would be lost.")
    if unsaved.alignments:
        alignments = _counted(unsaved.alignments, "alignment")
        sentences.append(f"{alignments} made or confirmed by you would be lost; Save transform keeps one.")
    return tuple(sentences)


def ask_to_leave(window: QWidget, action: str, sentences: tuple[str, ...], go_on: Callable[[], None]) -> QMessageBox:
    """Open the question over the window; `go_on` is called if the answer is yes. action : such as "Quit"."""
    box = QMessageBox(QMessageBox.Icon.Question, f"{action}?", "\n".join(sentences), parent=window)
    box.setTextFormat(Qt.TextFormat.PlainText)
    leave = box.addButton(f"{action} all the same", QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    leave.clicked.connect(lambda: go_on())
    box.open()
    return box


def _counted(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"
