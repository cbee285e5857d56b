"""Work off the GUI thread: `Task` runs one plain function, `TaskRunner` owns the tasks and drops stale answers.

    tasks.start("Registering", lambda progress: register(mri, partner, progress=progress), done=show, key="register")

The function takes `progress`, which raises Cancelled after `cancel()`. `done` is called in the GUI thread, and only
while no newer task with the same key was started: a request is numbered, and an answer out of date is dropped.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot
from shiboken6 import isValid

from app.base import memory
from app.base.progress import Cancelled, Progress

Work = Callable[[Progress], Any]
_numbers = count(1)
_TICK_S = 0.04  # progress is reported to the window at most this often; Cancel is looked at every time
_SWITCH_S = 0.0005  # Python's own 5 ms, met at each of a paint's five or more entries, would show as a stutter
_LONG_S = 0.2  # work that took longer may have freed much memory
_NICER = 5  # than the window's own thread


class TaskSignals(QObject):
    """What a task says, always with its number first."""

    progressed = Signal(int, float, str)
    finished = Signal(int, object)
    cancelled = Signal(int)
    failed = Signal(int, object)


class Task(QRunnable):
    """One run of `work(progress)`: finished, cancelled or failed, exactly one of them."""

    def __init__(self, work: Work, *, urgent: bool = False) -> None:
        super().__init__()
        self._urgent = urgent
        self.setAutoDelete(False)  # its signals are Python's: Qt must not delete what TaskRunner still holds
        self.number = next(_numbers)
        self.signals = TaskSignals()
        self._work = work
        self._stop = threading.Event()
        self._reported_at = 0.0

    def cancel(self) -> None:
        """Ask the work to stop at its next report of progress."""
        self._stop.set()

    def _progress(self, fraction: float, message: str = "") -> None:
        if self._stop.is_set():
            raise Cancelled  # unwinds the work from wherever it reports
        now = time.monotonic()
        if now - self._reported_at >= _TICK_S:
            self._reported_at = now
            self._say("progressed", float(fraction), message)

    def run(self) -> None:
        if not self._urgent:
            _yield_to_the_window()
        started = time.monotonic()
        try:
            self._say("finished", self._work(self._progress))
        except Cancelled:
            self._say("cancelled")
        except Exception as error:  # noqa: BLE001 - a thread has no caller to raise to
            _forget_frames(error)
            self._say("failed", error)
        if time.monotonic() - started > _LONG_S:
            memory.give_back()

    def _say(self, what: str, *told: Any) -> None:
        if isValid(self.signals):  # a window that was closed without waiting has no one left to tell
            getattr(self.signals, what).emit(self.number, *told)

    def forget(self) -> None:
        """Let go of the work, and of the volumes it holds."""
        self._work = _nothing


def _forget_frames(error: BaseException | None) -> None:
    """Let go of what the work held where it failed, such as volumes; the places stay, to be told."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _nothing(progress: Progress) -> None:
    """What is left of a task that has ended."""


def _leave_room_for_the_window() -> None:
    """Workers hand the interpreter over soon, and torch, once one of them imports it, leaves a core free.

    On two cores torch's two threads, waiting for each other in a loop while the window holds one core, took nine
    times the processor time of one thread for the same slices.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) - 1)))


def _yield_to_the_window() -> None:
    """Let the scheduler prefer the GUI thread; threads started from here (torch's) inherit it.

    Linux gives each thread its own niceness (setpriority(2), C library/kernel differences); elsewhere it is one for
    the whole process, so nothing is done there.
    """
    if sys.platform == "linux":
        window = os.getpriority(os.PRIO_PROCESS, os.getpid())
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(window + _NICER, 19))


@dataclass(frozen=True)
class Running:
    """A task in progress, for the status line."""

    number: int
    name: str
    key: str
    fraction: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class _Listener:
    done: Callable[[Any], None]
    failed: Callable[[Exception], None] | None
    cancelled: Callable[[], None] | None


class TaskRunner(QObject):
    """Starts tasks, keeps them alive, and calls back in the GUI thread.

    changed : tuple of Running, oldest first, whenever one starts, ticks or ends
    failed : (name, error) of a task whose caller gave no `failed` of its own
    """

    changed = Signal(object)
    failed = Signal(str, object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 4) -> None:
        super().__init__(parent)
        _leave_room_for_the_window()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._urgent_pool = QThreadPool(self)  # its own: a thread that was made to yield cannot be hurried again
        self._urgent_pool.setMaxThreadCount(2)
        self._tasks: dict[int, Task] = {}
        self._listeners: dict[int, _Listener] = {}
        self._running: dict[int, Running] = {}
        self._newest: dict[str, int] = {}
        self._ended: deque[Task] = deque(maxlen=64)  # a task says "finished" while its run() is still on the way out

    def start(
        self,
        name: str,
        work: Work,
        done: Callable[[Any], None],
        *,
        failed: Callable[[Exception], None] | None = None,
        cancelled: Callable[[], None] | None = None,
        key: str = "",
        urgent: bool = False,
    ) -> int:
        """Run work(progress) in a worker; the number of the request is returned.

        A key allows one current task of its kind: an older one is cancelled, and whatever it still answers is dropped.
        urgent : something the reader waits for at every step; it need not queue behind long work, nor yield to the
        window as other workers do.
        """
        task = Task(work, urgent=urgent)
        if key:
            self.cancel(key)
            self._newest[key] = task.number
        self._tasks[task.number] = task
        self._listeners[task.number] = _Listener(done, failed, cancelled)
        self._running[task.number] = Running(task.number, name, key)
        task.signals.progressed.connect(self._on_progressed)
        task.signals.finished.connect(self._on_finished)
        task.signals.cancelled.connect(self._on_cancelled)
        task.signals.failed.connect(self._on_failed)
        (self._urgent_pool if urgent else self._pool).start(task)
        self._tell()
        return task.number

    def cancel(self, key: str) -> None:
        """Cancel the current task of this key; its answer will be dropped."""
        number = self._newest.pop(key, None)
        if number in self._tasks:
            self._tasks[number].cancel()

    def has(self, key: str) -> bool:
        """Whether a current task of this key runs or waits."""
        return key in self._newest

    def cancel_all(self) -> None:
        """Cancel everything that runs; callers that gave `cancelled` are told."""
        for task in self._tasks.values():
            task.cancel()

    def stop(self, *, wait_ms: int = 5000) -> bool:
        """Cancel everything and wait for the threads, as the window does when it closes; whether all have ended."""
        self.cancel_all()
        self._newest.clear()
        return self._pool.waitForDone(wait_ms) and self._urgent_pool.waitForDone(wait_ms)

    @property
    def running(self) -> tuple[Running, ...]:
        return tuple(self._running.values())

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def _tell(self) -> None:
        self.changed.emit(self.running)

    def _end(self, number: int) -> tuple[Running, _Listener | None]:
        """Forget a task; its listener, unless a newer request or a cancel has made the answer stale."""
        task = self._tasks.pop(number)
        task.forget()
        self._ended.append(task)
        running, listener = self._running.pop(number), self._listeners.pop(number)
        current = not running.key or self._newest.get(running.key) == number
        if running.key and current:
            del self._newest[running.key]
        return running, listener if current else None

    @Slot(int, float, str)
    def _on_progressed(self, number: int, fraction: float, message: str) -> None:
        if number in self._running:
            old = self._running[number]
            self._running[number] = Running(number, old.name, old.key, fraction, message or old.message)
            self._tell()

    @Slot(int, object)
    def _on_finished(self, number: int, result: Any) -> None:
        _, listener = self._end(number)
        try:
            if listener is not None:
                listener.done(result)
        finally:
            self._tell()

    @Slot(int)
    def _on_cancelled(self, number: int) -> None:
        _, listener = self._end(number)
        try:
            if listener is not None and listener.cancelled is not None:
                listener.cancelled()
        finally:
            self._tell()

    @Slot(int, object)
    def _on_failed(self, number: int, error: Exception) -> None:
        running, listener = self._end(number)
        try:
            if listener is not None and listener.failed is not None:
                listener.failed(error)
            elif listener is not None:
                self.failed.emit(running.name, error)
        finally:
            self._tell()
