"""Whether a window can be opened here, said before Qt ends the process."""

from __future__ import annotations

import pytest

from app.ui.shell import platform_check
from tests.ui.program import run_program


def test_without_a_display_it_says_so_and_offers_the_command():
    done = run_program("view", QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 2
    assert "there is no display" in done.stderr
    assert "synoptic fuse" in done.stderr


def test_a_display_that_does_not_answer_is_named():
    done = run_program("view", QT_QPA_PLATFORM="", DISPLAY=":987", WAYLAND_DISPLAY="")
    assert done.returncode == 2
    assert ":987 does not answer" in done.stderr


def test_a_missing_system_library_is_named(monkeypatch):
    def missing(path):
        raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(platform_check.ctypes, "CDLL", missing)
    monkeypatch.setattr(platform_check.sys, "platform", "linux")
    with pytest.raises(platform_check.MissingLibraryError, match=r"libxcb-cursor\.so\.0") as caught:
        platform_check.check({"DISPLAY": ":0"})
    assert "apt install" in caught.value.hint
