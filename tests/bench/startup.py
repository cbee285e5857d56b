"""How long from process start to the window, to the demo study, to its first fused slice; against a bare window.

    python tests/bench/startup.py [PATH...]      (the demo study without a PATH; DISPLAY or QT_QPA_PLATFORM as set)

Every figure is taken in a fresh process, in seconds since the system started it. Limits are those of the machine with
2 cores; the ratio to a bare PySide6 window says more on any other.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 3
LIMITS_S = {"window": 2.0, "mri shown": 4.0, "pair shown": None, "first fused slice": 12.0, "all done": None}

_BARE = """
import json, psutil, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow
application = QApplication([])
window = QMainWindow()
window.setCentralWidget(QLabel("bare"))
window.resize(1440, 900)
window.show()
def shown():
    print(json.dumps({"window": time.time() - psutil.Process().create_time()}))
    application.quit()
QTimer.singleShot(0, shown)
application.exec()
"""


def measured(paths: list[Path]) -> dict[str, float]:
    """In this process: open the window as `synoptic` does, and note when things are painted."""
    import psutil

    from app.base import settings
    from app.ui.application import make_application, make_window, start
    from app.ui.shell.platform_check import check

    started = psutil.Process().create_time()
    times: dict[str, float] = {}

    def note(name: str) -> None:
        times.setdefault(name, time.time() - started)

    check()
    application = make_application()
    window = make_window(settings.Settings())
    window.show()
    from PySide6.QtCore import QTimer

    QTimer.singleShot(0, lambda: note("window"))
    start(window, paths)

    def look() -> None:
        case = window.workspace.case
        picture = window.views.panes["mri"].picture()
        if picture.pixels is not None:
            note("mri shown")
        if window.views.panes["fused"].picture().pixels is not None and case.partner is not None:
            note("pair shown")
        if case.stack is not None and case.stack.done.any():
            note("first fused slice")
        if case.stack is not None and case.stack.complete and not window.pending:
            note("all done")
            application.quit()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(10)
    application.exec()
    window.leave()
    return times


def _in_fresh_process(*command: str) -> dict[str, float]:
    answer = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout.strip().splitlines()[-1])


def main() -> None:
    if "--once" in sys.argv:
        print(json.dumps(measured([Path(one) for one in sys.argv[1:] if one != "--once"])))
        return
    from app.ui.flow.demo_study import prepare

    if len(sys.argv) == 1:
        prepare(lambda fraction, message="": None)  # made once, then cached: not part of the figures
    bare = min(_in_fresh_process("-c", _BARE)["window"] for _ in range(ROUNDS))
    runs = [_in_fresh_process(__file__, "--once", *sys.argv[1:]) for _ in range(ROUNDS)]
    print(f"| best of {ROUNDS} | s | limit s | times a bare window |\n| --- | --- | --- | --- |")
    print(f"| bare PySide6 window | {bare:.2f} | | 1.0 |")
    for name, limit in LIMITS_S.items():
        best = min(run[name] for run in runs)
        print(f"| {name} | {best:.2f} | {limit or ''} | {best / bare:.1f} |")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
