"""The status line: what runs, Cancel, and what the probe reads."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.waiting import wait_until


def test_the_probe_reads_both_volumes_and_says_where(window):
    window.workspace.probed.emit((0.0, 0.0, 0.0))
    told = window.status.reading.text()
    assert "MR " in told
    assert "SUVbw" in told
    assert "mm" in told
    window.workspace.probed.emit(None)
    assert window.status.reading.text() == ""


def test_what_runs_is_named_with_a_cancel_that_works(empty):
    def endless(progress):
        while True:
            progress(0.25, "slice 1 of 4")

    empty.workspace.tasks.start("Working", endless, lambda _: None)
    wait_until(lambda: "slice 1 of 4" in empty.status.text.text())
    assert empty.status.text.text() == "Working: slice 1 of 4"
    assert empty.status.bar.value() == 250
    QTest.mouseClick(empty.status.cancel, Qt.MouseButton.LeftButton)
    wait_until(lambda: not empty.workspace.tasks.busy)
    assert empty.status.text.text() == "Ready"
    assert not empty.status.cancel.isVisible()
