"""The menu File: open, close, save."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app import export
from app.case.document import Case
from app.case.regions import Region
from app.ui.shell.messages import Notice
from tests.waiting import wait_until


def test_closing_all_leaves_no_picture_and_no_number(window):
    window.actions_by_name["close_all"].trigger()
    wait_until(lambda: not window.workspace.tasks.busy)
    case: Case = window.workspace.case
    assert case.mri is None
    assert window.metrics_pane.heading.text() == "No fused slice yet"
    assert window.registration_panel.verdict.text() == "No pair yet"
    window.notices.show_notice(Notice("still alive"))


def question(window):
    """The open question, or None."""
    return next((box for box in window.findChildren(QMessageBox) if box.isVisible()), None)


def measure(window):
    base = window.workspace.case.base
    window.workspace.change(regions=(Region(1, "length", ((0.0, 0.0, 0.0), (4.0, 0.0, 0.0)), base.end),))


@pytest.mark.parametrize("name", ["quit", "close_all"])
def test_leaving_asks_while_a_measurement_would_be_lost(window, name):
    measure(window)
    window.actions_by_name[name].trigger()
    box = question(window)
    assert box.text() == "1 measurement would be lost."
    box.button(QMessageBox.StandardButton.Cancel).click()
    assert window.isVisible()
    assert len(window.workspace.case.regions) == 1
    window.actions_by_name[name].trigger()
    next(button for button in question(window).buttons() if "all the same" in button.text()).click()
    wait_until(lambda: not window.isVisible() if name == "quit" else window.workspace.case.mri is None)


def test_quitting_asks_while_an_export_runs_and_not_once_it_has_ended(window, tmp_path, monkeypatch):
    going_on = threading.Event()
    monkeypatch.setattr(export, "write", lambda *_, **__: going_on.wait(10) and [tmp_path / "a.png"])
    window.exporter.write(window.workspace.case, tmp_path, export.Options(formats=("png",), slices=(0,)))
    window.close()
    assert question(window).text().startswith("An export is still being written")
    question(window).button(QMessageBox.StandardButton.Cancel).click()
    assert window.isVisible()
    going_on.set()
    wait_until(lambda: window.exporter.running == 0)
    window.close()
    assert not window.isVisible()


def test_what_a_dialog_names_is_opened_and_a_cancelled_one_opens_nothing(empty, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(empty.opening, "open", opened.append)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(tmp_path / "a.nii")], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    empty.actions_by_name["open_files"].trigger()
    empty.actions_by_name["open_folder"].trigger()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    empty.actions_by_name["open_files"].trigger()
    empty.actions_by_name["open_folder"].trigger()
    assert opened == [[tmp_path / "a.nii"], [tmp_path]]


def test_a_picture_gets_its_ending_and_one_that_cannot_be_written_is_told(empty, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "window"), ""))
    empty.actions_by_name["save_picture"].trigger()
    assert (tmp_path / "window.png").is_file()
    assert empty.notices.notices[-1].text == f"Saved {tmp_path / 'window.png'}."
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "not" / "there.png"), ""))
    empty.actions_by_name["save_picture"].trigger()
    assert (empty.notices.notices[-1].kind, empty.notices.notices[-1].topic) == ("error", "picture")
