"""The question before the reader's work is lost."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QMessageBox, QWidget

from app.case.unsaved import Unsaved
from app.ui.dialogs.leave_dialog import ask_to_leave, losses


def test_each_loss_has_its_sentence():
    assert losses(Unsaved(), 0) == ()
    assert [sentence.split(" would")[0] for sentence in losses(Unsaved(2, 1), 0)] == [
        "2 measurements",
        "1 alignment made or confirmed by you",
    ]
    assert losses(Unsaved(), 1) == ("An export is still being written; nothing of it would be left.",)


@pytest.mark.parametrize(("word", "answers"), [("Quit all the same", ["yes"]), ("Cancel", [])])
def test_only_quit_goes_on(qapp, word, answers):
    window, given = QWidget(), []
    box = ask_to_leave(window, "Quit", ("1 measurement would be lost.",), lambda: given.append("yes"))
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
    next(button for button in box.buttons() if button.text().replace("&", "") == word).click()
    assert given == answers
    window.close()
