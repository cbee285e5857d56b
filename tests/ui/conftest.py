"""The window's tests run without a display, and a warning from Qt fails them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QMessageLogContext,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from app.base.settings import Settings
from app.ui.application import make_application, make_window
from tests.scenes import head
from tests.ui.windows import give
from tests.waiting import wait_until

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


@pytest.fixture(scope="module")
def volumes():
    """An MR and a PET of one frame of reference, so that nothing has to be registered."""
    pair = head(size=48, slices=12)
    return tuple(replace(volume, series=replace(volume.series, frame_of_reference_uid="1.2.3")) for volume in pair)


@pytest.fixture
def empty(qapp):
    """The window with nothing in it, and the network that needs no weights."""
    make_application()
    window = make_window(Settings(), network="average")
    window.show()
    yield window
    window.leave()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)  # or it would live on under the next one


@pytest.fixture
def window(empty, volumes):
    """With a fused pair in it."""
    give(empty, *volumes)
    wait_until(lambda: not empty.pending, "the pair to be fused")
    return empty
