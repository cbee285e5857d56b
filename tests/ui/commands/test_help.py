"""The menu Help: networks, the program, and Esc."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QTextBrowser

from app import NOT_FOR_DIAGNOSIS
from app.ui.dialogs.networks_dialog import NetworksDialog
from tests.waiting import wait_until


def test_help_has_the_networks_cards(window):
    window.actions_by_name["networks"].trigger()
    dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, NetworksDialog))
    wait_until(lambda: dialog.list.count(), "the cards")
    assert dialog.text.toPlainText().startswith("Average\n")  # the network in use
    assert "measured on this computer's CPU" in dialog.text.toPlainText()
    dialog.close()


def test_esc_cancels_what_runs(empty):
    def endless(progress):
        while True:
            progress(0.5)

    empty.workspace.tasks.start("Working", endless, lambda _: None)
    wait_until(lambda: empty.workspace.tasks.busy)
    empty.actions_by_name["cancel"].trigger()
    wait_until(lambda: not empty.workspace.tasks.busy)


def test_about_says_that_it_is_not_for_diagnosis(empty):
    empty.actions_by_name["about"].trigger()
    dialog = next(widget for widget in QApplication.topLevelWidgets() if widget.windowTitle() == "About Synoptic")
    assert NOT_FOR_DIAGNOSIS in dialog.findChild(QTextBrowser).toPlainText()
    dialog.close()
