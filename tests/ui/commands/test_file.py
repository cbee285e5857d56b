"""The menu File: open, close, save."""

from __future__ import annotations

from PySide6.QtWidgets import QFileDialog

from app.case.document import Case
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
