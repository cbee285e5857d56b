"""Asks before an alignment that the reader has confirmed is replaced."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget


def ask_to_replace(window: QWidget, what: str, go_on: Callable[[], None]) -> QMessageBox:
    """Open the question over the window; `go_on` is called if the answer is yes. what : "Registering again", ..."""
    text = f"{what} replaces an alignment that was checked and confirmed."
    box = QMessageBox(QMessageBox.Icon.Question, "Replace the confirmed alignment?", text, parent=window)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("Undo (Ctrl+Z) brings it back while this pair is shown.")
    replace = box.addButton("Replace", QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    replace.clicked.connect(lambda: go_on())
    box.open()
    return box
