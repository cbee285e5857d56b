"""When commands can run, and what a command is unless it says otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.ui.commands.command import Command, always, with_pair
from app.ui.flow.workspace import Workspace
from tests.scenes import BERT, head, pair


@pytest.fixture
def workspace(qapp):
    workspace = Workspace()
    yield workspace
    workspace.tasks.stop()


def test_a_command_runs_whatever_is_open_and_has_no_tick_unless_it_says_so(workspace):
    command = Command("hum", "Music", "Hum", lambda window: None)
    assert command.enabled is always
    assert command.enabled(workspace)
    assert command.checked is None
    assert command.in_menu
    assert command.keys == ()


def test_a_pair_is_one_that_is_laid_together_and_of_one_patient(workspace):
    assert not with_pair(workspace)
    mri, partner = head(16, 24)
    workspace.set_case(mri=mri, partner=partner)
    assert not with_pair(workspace)
    case = pair(mri, partner)
    workspace.set_case(case)
    assert with_pair(workspace)


def test_a_pair_of_two_patients_is_none(workspace):
    mri, partner = head(16, 24)
    other = replace(partner, series=replace(partner.series, patient=BERT))
    workspace.set_case(pair(mri, other))
    assert workspace.case.registration is not None
    assert not with_pair(workspace)
