"""How a command ends where signals ask it to."""

from __future__ import annotations

import errno
import signal
import sys
import time

import pytest

from app.base import terminal
from app.base.errors import AppError
from app.base.progress import Cancelled, Progress


def test_signals_that_come_together_cancel_once_at_the_next_report(capsys):
    reached: list[str] = []

    def work(progress: Progress) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        reached.append("went on, to save")
        progress(0.5)
        reached.append("went on for ever")

    assert terminal.exit_code(work) == 130
    assert reached == ["went on, to save"]
    assert "cancelled" in capsys.readouterr().err


def test_what_may_not_be_read_is_told_in_a_sentence(capsys):
    def work(progress: Progress) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "pairs/ct")

    heard: list[AppError] = []
    assert terminal.exit_code(work, heard.append) == 2
    assert "pairs/ct may not be read or written: Permission denied.\nAsk" in capsys.readouterr().err
    assert len(heard) == 1


def test_a_later_one_stops_at_once(monkeypatch):
    monkeypatch.setattr(terminal, "_TOGETHER_S", 0.01)

    def work(progress: Progress) -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")

    assert terminal.exit_code(work) == 130


def test_a_quiet_command_says_nothing_and_gives_the_handlers_back(capsys):
    def work(progress: Progress) -> None:
        signal.raise_signal(signal.SIGTERM)
        progress(0.5, "half")

    before = [signal.getsignal(number) for number in terminal.STOPPING]
    assert terminal.exit_code(work, quiet=True) == 130
    assert capsys.readouterr().err == ""
    assert [signal.getsignal(number) for number in terminal.STOPPING] == before


def test_a_cancel_ends_the_program_that_runs_apart():
    def check() -> None:
        raise Cancelled

    started = time.monotonic()
    with pytest.raises(Cancelled):
        terminal.run_apart([sys.executable, "-c", "import time; time.sleep(60)"], check)
    assert time.monotonic() - started < 30


def test_what_a_program_apart_prints_is_kept_whatever_its_time(monkeypatch):
    monkeypatch.setattr(terminal, "_APART_S", 0.01)
    looks: list[int] = []
    slow = "import time; print('one', flush=True); time.sleep(0.3); print('two'); raise SystemExit(3)"
    ended = terminal.run_apart([sys.executable, "-c", slow], lambda: looks.append(1))
    assert (ended.returncode, ended.stdout) == (3, "one\ntwo\n")
    assert looks
