"""Start the window: checks, QApplication, settings, what to open first; or take a picture of it and leave.

Process start to window must be short, so this imports PySide6, numpy and light modules alone. torch and SimpleITK are
imported by a worker when the first volume has been read, while its partner is read and registered. Earlier, they would
compete with the reading for the interpreter (the first picture came 1.3 s later); later, the import, which holds the
interpreter for 0.1 s at a time, would be felt while scrolling.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from app.base import process
from app.base import settings as user_settings
from app.base.errors import FusionError, UsageError
from app.base.progress import Progress
from app.base.terminal import CANCELLED, STOPPING, printed_progress
from app.core.palettes import PALETTES
from app.fusion import registry
from app.ui.shell.garbage import collected_here, set_apart
from app.ui.shell.platform_check import check
from app.view.layouts import LAYOUTS

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from app.case.document import Case
    from app.ui.flow.task import Running
    from app.ui.main_window import MainWindow

SETTING_CHOICES: user_settings.Choices = {"layout": LAYOUTS, "palettes": PALETTES}
_HEAR_MS = 250
_PLATFORM_SAYS = ("This plugin does not support propagateSizeHints()",)  # of itself, whatever the program does
_POLL_MS = 50
_QUIET_POLLS = 4  # so often in a row nothing may be running before the picture is taken


class ScreenshotError(UsageError):
    hint = "Choose a folder that exists and that you may write to, and a name that ends in .png."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} cannot be written.")


def run(
    paths: Sequence[Path], *, layout: str | None = None, network: str | None = None, screenshot: Path | None = None
) -> int:
    """Open the window on `paths`, or on the demo study; 0 when it was closed, 130 after Ctrl-C or SIGTERM.

    With `screenshot`, wait until all work is done, with progress on stderr, save the window as a PNG there and return
    0. Raises AppError where the window cannot be opened, the network is not there, or, with `screenshot`, nothing could
    be read or saved.
    """
    if network is not None:
        registry.check(network)  # a misspelt name, or altered weights, are told before any window
    if screenshot is not None and not screenshot.parent.is_dir():
        raise ScreenshotError(screenshot)
    check()
    application = make_application()
    settings, note = user_settings.load(choices=SETTING_CHOICES)
    window = make_window(settings, layout=layout, network=network)
    if note:
        from app.ui.shell.messages import Notice

        window.notices.show_notice(Notice(note, kind="warning", topic="settings file"))
    with _heard(application, window), collected_here():
        window.show()
        start(window, paths)
        if screenshot is not None:
            return _take_picture(application, window, screenshot)
        code = application.exec()
        window.leave()  # and wait for its workers
    _remember(window)
    return code


def make_application() -> QApplication:
    """The QApplication with its look; the one that is there already, where one is (tests)."""
    from PySide6.QtCore import QLocale, Qt
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    from app.ui.shell import theme

    process.settle()
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        application = QApplication(sys.argv[:1])
    QLocale.setDefault(QLocale.c())  # decimal points everywhere: a decimal comma beside a list of numbers misleads
    application.setApplicationName("synoptic")
    application.setApplicationDisplayName("Synoptic")
    application.setDesktopFileName("synoptic")
    theme.apply(application)
    return application


def make_window(
    settings: user_settings.Settings, *, layout: str | None = None, network: str | None = None
) -> MainWindow:
    """The window, not shown yet: `layout` and `network` win over the settings.

    Where the network chosen last time cannot run any more, `registry.first_choice` is taken, and a notice says so.
    """
    from app.ui.main_window import MainWindow
    from app.ui.shell.messages import Notice

    window = MainWindow(settings)
    first = registry.first_choice()
    wanted = network or settings.network or first.name
    try:
        window.workspace.set_case(network=registry.find(wanted).name)
    except FusionError as error:
        window.workspace.set_case(network=first.name)
        window.flow.stand_in = first.name
        hint = f"It was chosen last time. {first.title} is used instead."
        window.notices.show_notice(Notice(str(error), hint, "warning", "settings"))
    for broken in registry.package_errors():
        window.notices.show_notice(Notice(str(broken), broken.hint, "warning", f"packages: {broken}"))
    if layout is not None:
        window.workspace.update(layout=layout)
    return window


def start(window: MainWindow, paths: Sequence[Path]) -> None:
    """Begin to load; with the first volume, begin to import what the workers will need."""
    if paths:
        window.opening.open(paths)
    else:
        window.open_demo()
    workspace = window.workspace

    def warm_once(case: Case) -> None:
        if case.grid is not None:
            workspace.case_changed.disconnect(warm_once)
            workspace.tasks.start("Starting", _warm, lambda _: set_apart(), key="warm")

    workspace.case_changed.connect(warm_once)


def _warm(progress: Progress) -> None:
    import SimpleITK  # noqa: F401

    progress(0.4)
    import torch  # noqa: F401

    progress(0.9)
    import app.fusion.infer
    import app.metrics.catalogue  # noqa: F401

    progress(0.95)
    import pyqtgraph  # noqa: F401


@contextmanager
def _heard(application: QApplication, window: MainWindow) -> Iterator[None]:
    """Ctrl-C or SIGTERM closes the window, and a fault in a slot is shown in it instead of passing unseen."""
    from PySide6.QtCore import QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler

    from app.ui.shell.messages import of_error

    def print_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if message not in _PLATFORM_SAYS:
            print(f"synoptic: {message}", file=sys.stderr)

    def fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            window.notices.show_notice(of_error("The window", error))
        else:
            sys.__excepthook__(kind, error, trace)

    stopped: list[int] = []
    hook = sys.excepthook
    before = {number: signal.signal(number, lambda number, _: stopped.append(number)) for number in STOPPING}
    sys.excepthook = fault
    messages = qInstallMessageHandler(print_message)
    timer = QTimer()  # while Qt waits, Python hears no signal; and before it waits there is nothing to leave
    timer.timeout.connect(lambda: application.exit(CANCELLED) if stopped else None)
    timer.start(_HEAR_MS)
    try:
        yield
    finally:
        timer.stop()
        qInstallMessageHandler(messages)
        sys.excepthook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _take_picture(application: QApplication, window: MainWindow, path: Path) -> int:
    from PySide6.QtCore import QTimer

    quiet = 0

    def look() -> None:
        nonlocal quiet
        quiet = 0 if window.pending else quiet + 1
        if quiet >= _QUIET_POLLS and not window.browser.make_next_thumbnail():
            application.quit()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(_POLL_MS)
    with printed_progress() as progress:  # a slow network may need minutes for a whole volume

        def tell(running: Sequence[Running]) -> None:
            for task in running[-1:]:
                progress(task.fraction, f"{task.name}: {task.message}" if task.message else task.name)

        window.workspace.tasks.changed.connect(tell)
        code = application.exec()
        window.workspace.tasks.changed.disconnect(tell)
    timer.stop()
    saved = code != 0 or window.save_picture(path)
    window.leave()
    if not saved:
        raise ScreenshotError(path)
    if code == 0 and window.opening.failed is not None:
        raise window.opening.failed
    return code


def _remember(window: MainWindow) -> None:
    try:
        user_settings.save(window.settings())
    except OSError as error:  # a read-only home is no reason to fail at the very end
        print(f"synoptic: the settings could not be saved: {error.strerror}", file=sys.stderr)
