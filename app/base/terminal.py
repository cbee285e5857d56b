"""How a command talks to a terminal: progress and notes on stderr, and the exit code its end has.

Exit 0 done; 2 a problem the user can mend; 130 cancelled. `synoptic` and the modules of `app.research` that run with
`python -m` end alike.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from app.base import process
from app.base.errors import AppError
from app.base.progress import Cancelled, Progress, silent

CANCELLED = 130
STOPPING = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C, and what a scheduler sends
_TOGETHER_S = 1.0  # signals that come within it of the first were meant as one
_APART_S = 0.2  # between two looks at Cancel while another program runs
_LIVE_S, _LOG_S = 0.1, 2.0  # between two reports of progress: on a terminal, and elsewhere


class NotPermittedError(AppError):
    hint = "Ask for the right to it, or name another file or folder."

    def __init__(self, error: OSError) -> None:
        super().__init__(f"{error.filename or 'A file or folder'} may not be read or written: {error.strerror}.")


def exit_code(
    work: Callable[[Progress], None], on_error: Callable[[AppError], None] = lambda error: None, *, quiet: bool = False
) -> int:
    """Settle the process, then do the work with progress on stderr; the exit code is returned, never raised.

    on_error : hears an error, too
    quiet : no progress, and no word where it was cancelled, as for all but one of several processes with one terminal
    """
    process.settle()
    try:
        with nullcontext(silent) if quiet else printed_progress() as report, _stopped_by_signals(report) as progress:
            work(progress)
        sys.stdout.flush()  # a full disk is told here, not after the exit code
        return 0
    except AppError as error:
        return _report_error(error, on_error)
    except (Cancelled, KeyboardInterrupt):
        if not quiet:
            note("cancelled")
        return CANCELLED
    except OSError as error:
        if isinstance(error, PermissionError):
            return _report_error(NotPermittedError(error), on_error)
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains again at exit
        if error.errno == errno.ENOSPC:
            note(f"{error.filename or 'standard output, or a file'} takes no more: the disk is full.")
        return 2


def _report_error(error: AppError, on_error: Callable[[AppError], None]) -> int:
    print(f"synoptic: {error}", *([error.hint] if error.hint else []), sep="\n", file=sys.stderr)
    on_error(error)
    return 2


def whole_number(text: str) -> int:
    """The type of a --seed, and of counts where 0 means all."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not 0 or a larger whole number")
    return int(text)


def run_apart(words: Sequence[str], check: Callable[[], None], **options: Any) -> subprocess.CompletedProcess[str]:
    """A program's run, its standard output kept; what `check`, called now and then, raises ends it (SIGTERM)."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            while True:
                try:
                    outputs = process.communicate(timeout=_APART_S)
                    return subprocess.CompletedProcess(words, process.returncode, *outputs)
                except subprocess.TimeoutExpired:
                    check()
        except BaseException:  # a second Ctrl-C, too: no program is left behind
            process.terminate()
            raise


def note(text: str) -> None:
    print(f"synoptic: {text}", file=sys.stderr)


@contextmanager
def _stopped_by_signals(report: Progress) -> Iterator[Progress]:
    """The first Ctrl-C or SIGTERM makes it raise Cancelled at the next report; another one, later, stops at once.

    One that comes with the first is no other: torchrun hands on to its processes what the terminal sent them, too.
    """
    first: float | None = None

    def on_interrupt(signum: int, frame: Any) -> None:
        nonlocal first
        if first is None:
            first = time.monotonic()
        elif time.monotonic() - first > _TOGETHER_S:
            raise KeyboardInterrupt

    def progress(fraction: float, message: str = "") -> None:
        if first is not None:
            raise Cancelled
        report(fraction, message)

    handlers = {number: signal.signal(number, on_interrupt) for number in STOPPING}
    try:
        yield progress
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextmanager
def printed_progress() -> Iterator[Progress]:
    """Prints to stderr, now and then: one line that changes on a terminal, lines elsewhere."""
    live = sys.stderr.isatty()
    last = time.monotonic()

    def progress(fraction: float, message: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < (_LIVE_S if live else _LOG_S):
            return
        last = now
        line = f"{fraction:4.0%} {message}"
        print(f"\r\x1b[K{line}" if live else line, end="" if live else "\n", file=sys.stderr, flush=True)

    try:
        yield progress
    finally:
        if live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
