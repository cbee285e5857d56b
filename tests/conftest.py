"""What all tests share: no display and no settings of the user's, an X server for those who ask, no skips in CI."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.paths import ROOT

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything imports Qt

# The same examples on every run, and no deadline: a slow machine is no bug.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings and caches of the tests, and of the programs they start, lie in a folder that is thrown away."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            patch.setenv(variable, str(home / variable.lower()))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def xvfb() -> Iterator[str]:
    """A real X server of 1920 x 1200 pixels without a screen; the value is its DISPLAY.

    A program started on it needs `env=os.environ | {"DISPLAY": xvfb, "QT_QPA_PLATFORM": "xcb"}`.
    """
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1920x1200x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as number:  # the server picks a free number and writes it once it listens
            line = number.readline().strip()
        if not line:
            raise RuntimeError(f"Xvfb ended with code {server.wait()} before it listened")
        yield f":{line}"
    finally:
        server.terminate()
        server.wait()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed run: a check that nobody ran proves nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter else 0
    if skipped and os.environ.get("CI") and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{skipped} skipped: no test may be skipped here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
