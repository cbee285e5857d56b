"""Steps that rest on parts of the case: begun once for each question, dropped when what they rest on is replaced."""

from __future__ import annotations

import threading

import pytest

from app.ui.flow.steps import Steps
from app.ui.flow.workspace import Workspace
from tests.scenes import head
from tests.waiting import wait_until


class Listener:
    """Steps "read" (resting on the MRI) and "look" (on the network's name), and what became of them."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.answers: list[object] = []
        self.failures: list[tuple[str, str, str]] = []
        self.cancelled: list[str] = []
        self.steps = Steps(
            self.workspace,
            {"read": lambda case: (case.mri,), "look": lambda case: (case.network,)},
            lambda name, title, error: self.failures.append((name, title, str(error))),
            self.cancelled.append,
        )

    def begin(self, name, work):
        self.steps.begin(name, f"Doing {name}", work, self.answers.append)


@pytest.fixture
def listener(qapp):
    listener = Listener()
    yield listener
    assert listener.workspace.tasks.stop()


def test_a_step_is_begun_once_and_its_answer_kept_in_mind(listener):
    calls = []
    listener.begin("read", lambda progress: calls.append(1) or "answer")
    wait_until(lambda: listener.answers)
    listener.begin("read", lambda progress: calls.append(1) or "another")
    assert listener.answers == ["answer"]
    assert len(calls) == 1
    assert listener.steps["read"].running is False
    listener.steps.forget("read")
    assert listener.steps["read"] is None
    listener.begin("read", lambda progress: "again")
    wait_until(lambda: listener.answers == ["answer", "again"])


def test_a_failure_is_told_with_its_name_and_title_and_is_not_tried_again(listener):
    def fail(progress):
        raise ValueError("no such thing")

    listener.begin("read", fail)
    wait_until(lambda: listener.failures)
    assert listener.failures == [("read", "Doing read", "no such thing")]
    listener.begin("read", lambda progress: "another")
    assert not listener.workspace.tasks.busy
    assert listener.answers == []


def test_a_step_whose_ground_is_replaced_is_cancelled_and_says_nothing(listener):
    heard = threading.Event()

    def endless(progress):
        heard.set()
        while True:
            progress(0.1)

    mri, _ = head(16, 24)
    listener.begin("read", endless)
    listener.begin("look", lambda progress: "seen")
    assert heard.wait(10)
    listener.workspace.set_case(mri=mri)
    listener.steps.forget_outdated()
    assert listener.steps["read"] is None
    assert listener.steps["look"] is not None  # it rests on the network alone
    wait_until(lambda: not listener.workspace.tasks.busy)
    assert listener.answers == ["seen"]
    assert listener.cancelled == []  # the reader cancelled nothing


def test_an_equal_name_is_the_same_ground_and_an_equal_volume_is_not(listener):
    listener.begin("look", lambda progress: "seen")
    wait_until(lambda: listener.answers)
    listener.workspace.set_case(network="".join(["aver", "age"]))
    step = listener.steps.fresh("look")
    assert step.rests_on == ("average",)
    listener.steps.forget_outdated()
    listener.workspace.set_case(network="".join(["aver", "age"]))
    listener.begin("look", lambda progress: "seen again")
    wait_until(lambda: not listener.workspace.tasks.busy)
    before = list(listener.answers)
    listener.steps.forget_outdated()
    listener.begin("look", lambda progress: "seen a third time")
    assert listener.answers == before
