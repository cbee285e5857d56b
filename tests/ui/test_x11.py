"""The program under a real X server, driven by xdotool as a reader would, and looked at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.ui.test_application import pair_folder  # noqa: F401 - a fixture

WAIT_S = 90
AMBER, GREEN = (255, 200, 97), (127, 212, 145)


class Desk:
    """A window on the server: keys, clicks, and what is seen."""

    program: subprocess.Popen[str]

    def __init__(self, display: str, folder) -> None:
        self.folder = folder
        self.env = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PYTHONFAULTHANDLER": "1"}
        self.env["XDG_CONFIG_HOME"] = str(folder)  # the settings of no other window: where things lie rests on them

    def tool(self, *arguments: str) -> str:
        return subprocess.run(
            ["xdotool", *arguments], env=self.env, capture_output=True, text=True, timeout=30
        ).stdout.strip()

    def look(self) -> np.ndarray:
        target = self.folder / "seen.png"
        subprocess.run(["import", "-window", "root", str(target)], env=self.env, check=True, timeout=30)
        with Image.open(target) as image:
            return np.asarray(image.convert("RGB")).astype(int)

    def wait(self, so, what: str) -> np.ndarray:
        give_up = time.monotonic() + WAIT_S
        while True:
            seen = self.look()
            if so(seen):
                return seen
            ended = self.program.poll()
            if ended is not None or time.monotonic() > give_up:
                self.program.send_signal(signal.SIGABRT)  # one that runs tells where each of its threads stands
                how = f"waited {WAIT_S} s" if ended is None else f"it ended with {ended}"
                pytest.fail(f"{how}, no sign of {what}; the program said:\n{self.program.stdout.read()}")
            time.sleep(0.3)

    def key(self, key: str) -> None:
        self.tool("key", "--clearmodifiers", key)
        time.sleep(0.4)


def _colourful(pixels: np.ndarray) -> float:
    """The share of pixels that are clearly coloured warm: Hot Iron over grey."""
    return float((pixels[..., 0] > pixels[..., 2] + 60).mean())


@pytest.fixture
def desk(xvfb, pair_folder, tmp_path):  # noqa: F811
    one = Desk(xvfb, tmp_path)
    command = [sys.executable, "-m", "app", "view", str(pair_folder), "--layout", "overlay", "--network", "average"]
    one.program = subprocess.Popen(command, env=one.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        give_up = time.monotonic() + WAIT_S
        while not one.tool("search", "--onlyvisible", "--name", "^Synoptic$"):
            assert one.program.poll() is None, one.program.stdout.read()
            assert time.monotonic() < give_up
            time.sleep(0.2)
        yield one
    finally:
        one.program.kill()
        with one.program.stdout:
            one.program.wait()


def test_a_pair_is_opened_fused_scrolled_blended_confirmed_and_closed(desk):
    pane = np.s_[110:760, 260:1100]
    desk.wait(lambda seen: _colourful(seen[pane]) > 0.05, "the overlay")
    table = np.s_[520:740, 1160:1430]
    seen = desk.wait(lambda seen: (seen[table].min(axis=-1) > 180).sum() > 300, "the metrics")
    amber = np.abs(seen[:, 1100:] - AMBER).max(axis=-1) < 20
    assert amber.sum() > 40  # "Not verified" in the panel

    desk.tool("keydown", "space")
    alone = desk.wait(lambda seen: _colourful(seen[pane]) < 0.01, "the MRI alone")
    assert alone[pane].max() > 150  # the MRI, not a black pane
    desk.tool("keyup", "space")
    desk.wait(lambda seen: _colourful(seen[pane]) > 0.05, "the overlay again")

    before = desk.look()[pane]
    desk.key("Down")
    assert (np.abs(desk.look()[pane] - before).max(axis=-1) > 20).mean() > 0.01  # another slice

    for _ in range(10):
        desk.key("q")
    assert _colourful(desk.look()[pane]) < 0.01  # the slider stands at the MRI

    desk.key("c")  # asks: the overlay was in view long enough
    desk.key("c")
    confirmed = desk.look()[:, 1100:]
    assert (np.abs(confirmed - GREEN).max(axis=-1) < 20).sum() > 30  # green: registered and confirmed

    desk.key("ctrl+q")
    assert desk.program.wait(timeout=30) == 0
    said = desk.program.stdout.read()
    assert said == "", said


def test_ctrl_c_in_the_terminal_ends_it_with_130(desk):
    desk.program.send_signal(signal.SIGINT)
    assert desk.program.wait(timeout=60) == 130
    assert desk.program.stdout.read() == "synoptic: cancelled\n"
