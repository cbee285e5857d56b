"""How long a key, a wheel and a slider take to reach the screen: three 512 x 512 panes under a real X server.

    python tests/bench/scroll.py [--seconds 3] [--json]

Starts Xvfb, shows MRI | partner | fused of a 512 x 512 x 64 pair, and measures from sending the event to the end of
the last pane's paint. Beside it, in the same run: bare pyqtgraph, three ImageItems of the same slices. Goals on two
cores: scroll p95 <= 16 ms, <= 33 ms while a fusion runs, slider p95 <= 16 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SIDE, SLICES = 512, 64


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", action="store_true", help="use the display as it is, without starting Xvfb")
    args = parser.parse_args()
    if args.inside:
        table = measure(args.events)
        print(json.dumps(table) if args.json else as_text(table))
        return
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "2400x1200x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    try:
        display = ":" + os.read(reading, 16).decode().strip()
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": path}
        subprocess.run([sys.executable, __file__, "--inside", *sys.argv[1:]], env=environment, check=True, cwd=ROOT)
    finally:
        server.terminate()
        server.wait()


def measure(events: int) -> dict[str, dict[str, float]]:
    """p50, p95 and the longest, in ms, of each way to change the picture."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QKeySequence, QShortcut
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

    from app.ui.flow.workspace import Workspace
    from app.ui.panels.overlay_bar import OverlayBar
    from app.ui.panes.image_pane import ImagePane
    from app.ui.panes.layouts import ViewArea

    application = QApplication(["bench"])
    watch = Watch(ImagePane)
    workspace = Workspace()
    window = QWidget()
    area, bar = ViewArea(workspace), OverlayBar(workspace)
    area.setFixedSize(3 * SIDE + 4, SIDE)  # two gaps of 2 pixels
    column = QVBoxLayout(window)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(area)
    column.addWidget(bar)
    for key, steps in (("Down", 1), ("Up", -1)):
        QShortcut(QKeySequence(key), window, lambda steps=steps: workspace.scroll(steps))
    case = pair_of_512()
    workspace.set_case(case)
    window.show()
    window.activateWindow()  # there is no window manager to do it
    assert QTest.qWaitForWindowActive(window)
    panes = area.visible_panes()
    assert [(pane.width(), pane.height()) for pane in panes] == [(SIDE, SIDE)] * 3
    table: dict[str, dict[str, float]] = {}

    def keys(slider: Any = None) -> Callable[[], None]:
        """One key press to and fro between the ends of the stack, or of a slider."""
        forward = [True]

        def press() -> None:
            at, last = (
                (workspace.state.slice_of(case.mri.geometry), SLICES - 1)
                if slider is None
                else (slider.value(), slider.maximum() - 1)
            )
            if at <= 1 or at >= last - 1:
                forward[0] = at <= 1
            if slider is None:
                QTest.keyClick(window, Qt.Key.Key_Down if forward[0] else Qt.Key.Key_Up)
            else:
                QTest.keyClick(slider, Qt.Key.Key_Right if forward[0] else Qt.Key.Key_Left)

        return press

    def run(name: str, act: Callable[[], None], needed: int = 3) -> None:
        times = []
        for _ in range(events + 5):
            watch.start()
            act()
            times.append(watch.wait(application, needed))
        table[name] = summary(times[5:])

    run("scroll, three panes, overlay", keys())
    workspace.update(overlay=0.5)
    run("overlay slider", keys(bar.overlay))
    workspace.update(fusion=0.4)
    run("scroll, overlay and fusion mixed", keys())
    run("fusion slider", keys(bar.fusion))
    workspace.update(fusion=0.0)
    with_fusion(workspace, case, lambda: run("scroll while a fusion runs", keys()))
    workspace.update(layout="planes")
    application.processEvents()
    run("scroll, three planes", keys(), needed=1)
    workspace.update(layout="side-by-side")
    window.hide()
    table |= in_the_whole_window(application, case, watch, events)
    table["bare pyqtgraph, three ImageItems"] = pyqtgraph_baseline(application, case, events)
    ours, bare = table["scroll, three panes, overlay"]["p95"], table["bare pyqtgraph, three ImageItems"]["p95"]
    table["ratio of p95 to bare pyqtgraph"] = {"p95": ours / bare}
    assert workspace.tasks.stop()
    return table


def in_the_whole_window(application: Any, case: Any, watch: Watch, events: int) -> dict[str, dict[str, float]]:
    """The same keys in the program's own window, with browser, panels and metrics beside the panes."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from app.base.settings import Settings
    from app.ui.application import make_window

    window = make_window(Settings())
    window.resize(2400, 1100)
    window.workspace.set_case(case)
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    wide = sum(window.splitter.sizes())
    window.splitter.setSizes([220, 3 * SIDE + 4, wide - 3 * SIDE - 224])
    limit = time.monotonic() + 60
    while (window.workspace.tasks.busy or time.monotonic() < limit - 57) and time.monotonic() < limit:
        application.processEvents()
    times, forward = [], True
    for _ in range(events):
        at = window.workspace.state.slice_of(case.mri.geometry)
        forward = at <= 1 or (forward and at < SLICES - 2)
        watch.start()
        QTest.keyClick(window.views, Qt.Key.Key_Down if forward else Qt.Key.Key_Up)
        times.append(watch.wait(application, 3))
        pause = time.monotonic() + 0.02  # what the other parts do after the paint is theirs
        while time.monotonic() < pause:
            application.processEvents()
    sizes = sorted({(pane.width(), pane.height()) for pane in window.views.visible_panes()})
    print(f"panes in the whole window: {sizes}", file=sys.stderr)
    window.leave()
    return {"scroll in the whole window": summary(times)}


class Watch:
    """When the last of the panes has finished painting."""

    def __init__(self, kind: type) -> None:
        self._painted: dict[int, tuple[float, float]] = {}
        original = kind.paintEvent

        def paint(pane: Any, event: Any) -> None:
            original(pane, event)
            self._painted[id(pane)] = time.perf_counter(), time.thread_time()

        kind.paintEvent = paint  # on the class, and before there is a pane: Qt looks it up once

    def start(self) -> None:
        self._painted.clear()
        self._started = time.perf_counter(), time.thread_time()

    def wait(self, application: Any, needed: int) -> tuple[float, float]:
        """Milliseconds since start() to the end of the last pane's paint: on the clock, and of this thread's work."""
        limit = time.perf_counter() + 5
        while len(self._painted) < needed:
            application.processEvents()
            assert time.perf_counter() < limit, f"only {len(self._painted)} of {needed} panes painted"
        application.processEvents()
        end = max(self._painted.values())
        return (end[0] - self._started[0]) * 1e3, (end[1] - self._started[1]) * 1e3


def pair_of_512() -> Any:
    from tests.scenes import fused, head, pair

    mri, partner = head(SIDE, SLICES)
    case = pair(mri, partner)
    assert case.aligned is not None
    luma = np.clip(case.aligned.values / 10, 0, 1)
    return case.having(stack=fused(case.aligned, luma))


def with_fusion(workspace: Any, case: Any, act: Callable[[], None]) -> None:
    """While fusions of the whole pair follow each other in a worker."""
    from app.case.fusing import default_request, fuse_pair
    from app.fusion import registry

    names = [spec.name for spec in registry.available()]
    network = "lightfusionnet" if "lightfusionnet" in names else "laplacian"
    request = default_request(case.aligned, network, "cpu")
    running, slices = [True], [0]

    def work(progress: Any) -> None:
        def on_slice(stack: Any, k: int) -> None:
            slices[0] += 1

        while running[0]:
            fuse_pair(case.aligned, request, on_slice=on_slice, progress=progress)

    workspace.tasks.start("fusing", work, lambda _: None, key="fusion")
    limit = time.monotonic() + 60
    while slices[0] < 2 and time.monotonic() < limit:
        time.sleep(0.05)
    before, started = slices[0], time.monotonic()
    act()
    rate = (slices[0] - before) / (time.monotonic() - started)
    print(f"meanwhile {network} fused {rate:.1f} slices/s of {SIDE} x {SIDE}", file=sys.stderr)
    assert slices[0] > before, "no fusion ran"
    running[0] = False
    workspace.tasks.cancel("fusion")


def pyqtgraph_baseline(application: Any, case: Any, events: int) -> dict[str, float]:
    """Three views with one ImageItem each, setImage on every key; no overlay, no labels."""
    import pyqtgraph as pg
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QKeySequence, QShortcut
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QHBoxLayout, QWidget

    pg.setConfigOptions(imageAxisOrder="row-major")
    watch = Watch(pg.GraphicsView)
    window = QWidget()
    row = QHBoxLayout(window)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(2)
    views, items = [], []
    for _ in range(3):
        view, item = pg.GraphicsView(), pg.ImageItem()
        box = pg.ViewBox(lockAspect=True, invertY=True)
        view.setCentralItem(box)
        box.addItem(item)
        view.setFixedSize(SIDE, SIDE)
        row.addWidget(view)
        views.append(view)
        items.append(item)
    sources = [(case.mri.stored, (0, 900)), (case.aligned.values, (0, 10)), (case.stack.fused, (0, 1))]
    place = [0]

    def show(step: int) -> None:
        place[0] = (place[0] + step) % SLICES
        for item, (array, window_levels) in zip(items, sources, strict=True):
            item.setImage(array[place[0]], levels=window_levels, autoLevels=False)

    QShortcut(QKeySequence("Down"), window, lambda: show(1))
    show(SLICES // 2)
    window.show()
    window.activateWindow()  # there is no window manager to do it
    assert QTest.qWaitForWindowActive(window)
    times = []
    for _ in range(events + 5):
        watch.start()
        QTest.keyClick(window, Qt.Key.Key_Down)
        times.append(watch.wait(application, 3))
    window.leave()
    return summary(times[5:])


def summary(times_ms: list[tuple[float, float]]) -> dict[str, float]:
    """work : the thread's own processor time, which other programs on the machine do not change; its median"""
    clock, work = np.array(times_ms).T
    p50, p95 = np.percentile(clock, (50, 95))
    return {"p50": float(p50), "p95": float(p95), "longest": float(clock.max()), "work": float(np.median(work))}


def as_text(table: dict[str, dict[str, float]]) -> str:
    columns = (("p50", 8), ("p95", 8), ("longest", 9), ("work", 8))
    lines = [f"{'ms from event to paint':42}" + "".join(f"{name:>{width}}" for name, width in columns)]
    for name, row in table.items():
        lines.append(f"{name:42}" + "".join(f"{row[c]:>{w}.1f}" if c in row else " " * w for c, w in columns))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
