"""Waiting for a window: events are handled until something is so, or the test fails."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEventLoop

LONGEST_S = 60.0


def wait_until(so: Callable[[], object], what: str = "the condition") -> None:
    """Handle events until `so()` is true; generous, since nothing here measures time."""
    give_up = time.monotonic() + LONGEST_S
    while not so():
        assert time.monotonic() < give_up, f"waited {LONGEST_S:.0f} s for {what}"
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        time.sleep(0.002)
