"""Tasks end in exactly one way, and an answer out of date is dropped."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QThread

from app.base import memory
from app.base.errors import InputError
from app.ui.flow.task import TaskRunner


@pytest.fixture
def tasks(qapp):
    runner = TaskRunner()
    yield runner
    assert runner.stop()
    settle(runner)


def settle(runner: TaskRunner, limit_s: float = 10) -> None:
    end = time.monotonic() + limit_s
    while runner.busy:
        QCoreApplication.processEvents()
        assert time.monotonic() < end, "a task did not end"
        time.sleep(0.001)


def test_the_result_arrives_in_the_gui_thread(tasks, qapp):
    seen = []
    tasks.start("work", lambda _: threading.get_ident(), lambda made: seen.append((made, QThread.currentThread())))
    settle(tasks)
    ((worker, thread),) = seen
    assert worker != threading.get_ident()
    assert thread is qapp.thread()


def test_progress_is_shown_and_cancel_answers_at_the_next_step(tasks):
    states, ended, steps = [], [], []
    tasks.changed.connect(states.append)

    def work(progress):
        for step in range(1000):
            steps.append(step)
            progress(step / 1000, f"step {step}")
            time.sleep(0.01)

    tasks.start("long", work, lambda _: ended.append("done"), cancelled=lambda: ended.append("cancelled"))
    while not any(one and one[0].fraction > 0 for one in states):
        QCoreApplication.processEvents()
    tasks.cancel_all()
    begun = len(steps)
    settle(tasks)
    assert len(steps) <= begun + 1
    assert ended == ["cancelled"]
    assert states[-1] == ()
    assert any(one and one[0].message.startswith("step") for one in states)


def test_a_newer_request_drops_the_older_answer(tasks):
    answers = []
    gate = threading.Event()

    def slow(progress):
        gate.wait(5)  # does not look at its progress: it answers all the same
        return "old"

    tasks.start("ask", slow, answers.append, key="question")
    tasks.start("ask", lambda progress: "new", answers.append, key="question")
    gate.set()
    settle(tasks)
    assert answers == ["new"]


def test_a_cancelled_key_says_nothing_more(tasks):
    answers = []
    gate = threading.Event()
    tasks.start("ask", lambda progress: gate.wait(5), answers.append, key="k", cancelled=lambda: answers.append("c"))
    assert tasks.has("k")
    tasks.cancel("k")
    assert not tasks.has("k")
    gate.set()
    settle(tasks)
    assert answers == []


def test_errors_go_to_the_caller_or_to_everyone(tasks):
    mine, everyones = [], []
    tasks.failed.connect(lambda name, error: everyones.append((name, str(error))))

    def work(progress):
        raise InputError("It is broken.")

    tasks.start("mine", work, print, failed=lambda error: mine.append(str(error)))
    tasks.start("other", work, print)
    settle(tasks)
    assert mine == ["It is broken."]
    assert everyones == [("other", "It is broken.")]


def test_an_urgent_task_does_not_queue_behind_long_work(qapp):
    runner = TaskRunner(threads=1)
    gate, answers = threading.Event(), []
    runner.start("long", lambda progress: gate.wait(10), lambda _: answers.append("long"))
    runner.start("urgent", lambda progress: None, lambda _: answers.append("urgent"), urgent=True)
    end = time.monotonic() + 5
    while "urgent" not in answers and time.monotonic() < end:
        QCoreApplication.processEvents()
    assert answers == ["urgent"]
    gate.set()
    settle(runner)
    assert answers == ["urgent", "long"]


def test_a_fault_of_the_listener_still_ends_the_task_for_the_status_line(tasks):
    shown = []
    tasks.changed.connect(shown.append)

    def broken(result):
        raise ZeroDivisionError

    faults, hook = [], sys.excepthook
    sys.excepthook = lambda kind, error, trace: faults.append(kind)
    try:
        tasks.start("Reading", lambda progress: None, broken)
        settle(tasks)
        assert faults == [ZeroDivisionError]
    finally:
        sys.excepthook = hook
    assert shown[-1] == ()


def test_what_failed_work_held_is_let_go(tasks):
    class Held:
        pass

    refs, errors = [], []

    def work(progress):
        volume = Held()
        refs.append(weakref.ref(volume))
        try:
            raise ValueError("first")
        except ValueError as error:
            raise RuntimeError("then") from error

    tasks.start("work", work, lambda _: None, failed=errors.append)
    settle(tasks)
    assert isinstance(errors[0], RuntimeError)
    assert refs[0]() is None
    assert errors[0].__traceback__  # its place can still be told


def _resident_mb() -> float:
    status = Path("/proc/self/statm").read_text("ascii")
    return int(status.split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def test_long_work_leaves_no_free_memory_behind(tasks):
    """What one step has freed must not lie beside what the next one needs."""
    memory.give_back()  # what earlier tests freed would hide what this one takes
    before, most, kept = _resident_mb(), [0.0], []

    def work(progress):
        blocks = [bytearray(60_000) for _ in range(5000)]  # 300 MB in pieces too small for pages of their own
        most[0] = _resident_mb()
        kept.extend(blocks[::100])  # what stays lies between what goes
        time.sleep(0.3)

    tasks.start("work", work, lambda _: None)
    settle(tasks)
    assert tasks._pool.waitForDone(5000)
    assert most[0] > before + 250
    assert _resident_mb() < before + 60
