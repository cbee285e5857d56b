"""The fused pane goes to the fusion by itself once, and gives way to whatever the reader does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.registration import register as registration
from app.ui.flow.first_look import FirstLook
from app.ui.flow.workspace import Workspace
from tests.scenes import aligned, fused, head


@pytest.fixture(scope="module")
def volumes():
    return head(size=32, slices=24)


@pytest.fixture
def workspace(qapp):
    one = Workspace()
    FirstLook(one)
    yield one
    one.tasks.stop()


def _fuse(workspace, volumes):
    there = registration.identity(*volumes)
    onto = aligned(*volumes, there)
    workspace.set_case(mri=volumes[0], partner=volumes[1])
    workspace.set_case(registration=there, aligned=onto, stack=fused(onto, np.zeros(onto.values.shape, np.float32)))
    workspace.note_fused(workspace.case.stack, 3)


def test_the_first_fused_slice_is_shown(workspace, volumes):
    _fuse(workspace, volumes)
    assert workspace.state.fusion == 1


def test_the_layout_for_overlays_keeps_the_overlay(workspace, volumes):
    workspace.update(layout="overlay")
    _fuse(workspace, volumes)
    assert workspace.state.fusion == 0


@pytest.mark.parametrize("touched", [{"overlay": 0.3}, {"fusion": 0.2}])
def test_a_reader_who_moved_a_slider_is_left_alone(workspace, volumes, touched):
    workspace.set_case(mri=volumes[0], partner=volumes[1])
    workspace.update(**touched)
    _fuse(workspace, volumes)
    assert workspace.state.fusion == touched.get("fusion", 0)


def test_the_overlay_slider_shows_the_overlay_again(workspace, volumes):
    _fuse(workspace, volumes)
    workspace.update(overlay=0.4)
    assert workspace.state.fusion == 0
    workspace.update(fusion=1.0)  # the reader's own choice stays
    workspace.update(overlay=0.6)
    assert workspace.state.fusion == 1


def test_a_nudge_is_made_over_the_overlay(workspace, volumes):
    _fuse(workspace, volumes)
    there = workspace.case.registration
    workspace.set_case(registration=registration.nudged(there, np.eye(4)))
    assert workspace.state.fusion == 0


def test_scrolling_and_confirming_change_nothing(workspace, volumes):
    _fuse(workspace, volumes)
    workspace.scroll(1)
    case = workspace.case
    sure = registration.confirmed(case.registration)
    workspace.set_case(registration=sure, aligned=case.aligned, stack=case.stack)
    assert workspace.state.fusion == 1


def test_every_new_pair_starts_with_its_overlay(workspace, volumes):
    _fuse(workspace, volumes)
    other = replace(volumes[1], series=replace(volumes[1].series, uid="other"))
    workspace.set_case(partner=other)
    assert workspace.state.fusion == 0
    _fuse(workspace, (volumes[0], other))
    assert workspace.state.fusion == 1
