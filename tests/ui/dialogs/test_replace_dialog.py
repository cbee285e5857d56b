"""The question before a confirmed alignment is replaced."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMessageBox, QWidget

from app.ui.dialogs.replace_dialog import ask_to_replace


@pytest.mark.parametrize(("word", "answers"), [("Replace", ["yes"]), ("Cancel", [])])
def test_only_replace_goes_on(qapp, word, answers):
    window, given = QWidget(), []
    box = ask_to_replace(window, "Registering again", lambda: given.append("yes"))
    assert "Registering again replaces" in box.text()
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
    next(button for button in box.buttons() if button.text().replace("&", "") == word).click()
    assert given == answers
    window.close()
