"""The window's tests run without a display, and a warning from Qt fails them."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

# What the offscreen platform says of itself, whatever the program does.
PLATFORM_SAYS = ("This plugin does not support propagateSizeHints()",)


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    existing = QApplication.instance()
    return existing if isinstance(existing, QApplication) else QApplication(["synoptic-tests"])


@pytest.fixture(autouse=True)
def no_qt_warnings() -> Iterator[None]:
    """Fail the test in which Qt warns, with all it said."""
    said: list[str] = []

    def listen(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg) and message not in PLATFORM_SAYS:
            said.append(message)

    previous = qInstallMessageHandler(listen)
    yield
    qInstallMessageHandler(previous)
    assert not said, f"Qt warned: {said}"
