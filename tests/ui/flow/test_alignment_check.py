"""Confirming takes a look and a second press; before and after registering stand at one key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.transforms import rigid
from app.registration.register import RegistrationResult, nudged
from app.registration.verdict import Verdict
from app.ui.flow import alignment_check
from app.ui.flow.alignment_check import COMPARISON, OVERLAY, AlignmentCheck, moved
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.workspace import Workspace
from tests.scenes import head
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def volumes():
    pair = head(size=48, slices=12)
    return tuple(replace(volume, series=replace(volume.series, frame_of_reference_uid="1.2.3")) for volume in pair)


@pytest.fixture
def check(qapp, volumes, monkeypatch):
    monkeypatch.setattr(alignment_check, "LOOK_MS", 30)
    workspace = Workspace()
    workspace.update(fusion=1.0)  # the network's fusion alone: nothing of the alignment can be judged
    flow = PairFlow(workspace)
    checked = AlignmentCheck(workspace, flow)
    checked.notices = []
    checked.noticed.connect(checked.notices.append)
    workspace.set_case(mri=volumes[0], partner=volumes[1])
    wait_until(lambda: not flow.pending, "the pair to be fused")
    yield checked
    workspace.tasks.stop()


def verdict_of(check: AlignmentCheck) -> Verdict:
    return check._workspace.case.registration.verdict


def look(check: AlignmentCheck) -> None:
    check._workspace.update(fusion=0.0)
    wait_until(lambda: OVERLAY in check.looked_at, "the overlay to be looked at")


def test_nothing_is_confirmed_unseen(check) -> None:
    check.ask()
    check.ask()
    assert verdict_of(check) is Verdict.HEADER_ALIGNED
    assert check.looked_at == ()
    assert check.notices[-1].text.startswith("Not confirmed")


def test_after_a_look_the_second_press_confirms(check) -> None:
    look(check)
    check.ask()
    assert verdict_of(check) is Verdict.HEADER_ALIGNED
    assert OVERLAY in check.notices[-1].text
    check.ask()
    assert verdict_of(check) is Verdict.REGISTERED


def test_an_overlay_in_passing_is_no_look(check, monkeypatch) -> None:
    check._look.setInterval(10_000)
    check._workspace.update(fusion=0.0)
    check._workspace.update(fusion=1.0)
    assert not check._look.isActive()
    check.ask()
    assert check.notices[-1].text.startswith("Not confirmed")


def test_a_nudge_asks_for_another_look_and_another_question(check) -> None:
    look(check)
    check.ask()
    check._look.setInterval(10_000)
    check._flow.realign(rigid((0, 0, 0), (3, 0, 0)))
    assert check.looked_at == ()
    check.ask()
    assert verdict_of(check) is Verdict.UNVERIFIED


def registered(check: AlignmentCheck, shift_mm: float) -> tuple[RegistrationResult, RegistrationResult]:
    before = check._workspace.case.registration
    after = replace(nudged(before, rigid((0, 0, 0), (shift_mm, 0, 0))), method="automatic")
    check._flow._registered(after)
    return before, check._workspace.case.registration


def test_before_and_after_stand_at_one_key_and_what_is_shown_can_be_confirmed(check) -> None:
    before, after = registered(check, 4.0)
    check.compare()
    assert check._workspace.case.registration is before
    assert check._workspace.state.fusion == 0  # over the overlay
    check._look.setInterval(10_000)
    check.compare()
    assert check._workspace.case.registration is after
    assert "moved 4.0 mm, turned 0.0°" in check.notices[-1].text
    assert COMPARISON in check.looked_at
    check.compare()
    check.ask()
    check.ask()
    confirmed = check._workspace.case.registration
    assert confirmed.verdict is Verdict.REGISTERED
    np.testing.assert_array_equal(confirmed.fixed_to_moving, before.fixed_to_moving)
    assert not check.can_compare


def test_what_was_not_moved_is_not_compared(check) -> None:
    registered(check, 0.0)
    assert not check.can_compare


def test_moved_tells_millimetres_and_degrees(check) -> None:
    before = check._workspace.case.registration
    after = nudged(before, rigid((0, 0, 10), (0, 3, 4)))
    assert moved(before, after, np.zeros(3)) == "moved 5.0 mm, turned 10.0°"
