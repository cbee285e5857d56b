"""One place says what is shown; undo takes back what was set with thought."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.values import FusionWindow
from app.ui.flow import workspace as w
from app.ui.flow.workspace import Workspace
from tests.scenes import BERT, fused, head, pair, registered, volume


@pytest.fixture
def workspace(qapp, monkeypatch):
    monkeypatch.setattr(w, "_GESTURE_S", 0.0)
    return Workspace()


def test_a_change_is_told_once_and_no_change_not_at_all(workspace):
    told = []
    workspace.changed.connect(told.append)
    workspace.update(overlay=0.3)
    workspace.update(overlay=0.3)
    assert [state.overlay for state in told] == [0.3]


def test_the_first_volume_is_shown_at_its_middle_and_its_palette_suits_it(workspace):
    mri, pet = head(24, 12)
    workspace.set_case(mri=mri)
    assert workspace.state.crosshair_mm == tuple(mri.geometry.to_lps((12, 12, 6)))
    workspace.scroll(3)
    place = workspace.state.crosshair_mm
    workspace.set_case(partner=pet)
    assert workspace.state.crosshair_mm == place  # the grid is still the MRI's
    assert (workspace.case.palette, workspace.case.palette_alone) == ("Hot Iron", "Inverted Grey")
    workspace.set_case(partner=volume(np.zeros((4, 4, 4), np.int16), modality="CT", unit="HU"))
    assert (workspace.case.palette, workspace.case.palette_alone) == ("Grey", "Grey")


def test_undo_and_redo_of_windows(workspace):
    workspace.set_case(mri=head(24, 12)[0])
    workspace.change_layer("mri", window=(1.0, 2.0))
    workspace.change_layer("mri", window=(3.0, 4.0))
    workspace.scroll(1)  # where one looks is not undone
    workspace.undo()
    assert workspace.case.base.window == (1.0, 2.0)
    workspace.undo()
    assert workspace.case.base.window is None
    assert not workspace.can_undo
    workspace.redo()
    workspace.redo()
    assert workspace.case.base.window == (3.0, 4.0)
    assert not workspace.can_redo


def test_a_jump_can_be_undone_and_keeps_what_else_changed_since(workspace):
    workspace.set_case(mri=head(24, 12)[0])
    first = workspace.state.crosshair_mm
    workspace.jump(crosshair_mm=(1.0, 2.0, 3.0))
    workspace.jump(crosshair_mm=(1.0, 2.0, 3.0))  # nowhere else
    workspace.zoom(2)
    workspace.change_layer("mri", window=(1.0, 2.0))
    workspace.undo()
    assert (workspace.case.base.window, workspace.state.crosshair_mm) == (None, (1.0, 2.0, 3.0))
    case = workspace.case
    workspace.undo()
    assert (workspace.state.crosshair_mm, workspace.state.zoom) == (first, 2)
    assert workspace.case is case
    assert not workspace.can_undo
    workspace.redo()
    assert workspace.state.crosshair_mm == (1.0, 2.0, 3.0)


def test_one_drag_is_one_step(qapp):
    workspace = Workspace()
    workspace.set_case(mri=head(24, 12)[0])
    for centre in range(20):
        workspace.change_layer("mri", window=(float(centre), 10.0))
    workspace.undo()
    assert workspace.case.base.window is None


def test_undo_of_an_alignment_blanks_the_fusion(workspace):
    mri, pet = head(24, 12)
    workspace.set_case(pair(mri, pet))
    first = workspace.case.registration
    second = registered(np.diag([1.0, 1, 1, 1]))
    workspace.change(registration=second)
    workspace.set_case(stack=fused(pair(mri, pet).aligned, np.zeros(mri.stored.shape, np.float32)))
    workspace.undo()
    assert workspace.case.registration is first
    assert workspace.case.stack is None
    workspace.redo()
    assert workspace.case.registration is second


def test_a_fusion_window_is_undone_and_a_new_study_forgets(workspace):
    mri, pet = head(24, 12)
    workspace.set_case(pair(mri, pet))
    one, two = FusionWindow(0, 1, "a.u."), FusionWindow(0, 2, "a.u.")
    workspace.set_case(mri_fusion_window=one)
    assert not workspace.can_undo  # the default arriving is no one's choice
    workspace.change(mri_fusion_window=two)
    workspace.undo()
    assert workspace.case.mri_fusion_window is one
    workspace.set_case(mri=volume(np.zeros((2, 3, 4), np.int16)))
    assert not workspace.can_undo
    assert not workspace.can_redo


def test_slices_of_another_stack_are_not_told_on(workspace):
    mri, pet = head(24, 12)
    workspace.set_case(pair(mri, pet))
    stack = fused(workspace.case.aligned, np.zeros(mri.stored.shape, np.float32))
    other = fused(workspace.case.aligned, np.zeros(mri.stored.shape, np.float32))
    workspace.set_case(stack=stack)
    told = []
    workspace.slice_fused.connect(told.append)
    workspace.note_fused(other, 3)
    workspace.note_fused(stack, 4)
    assert told == [4]


def test_the_next_patient_is_named_again_and_another_series_of_this_one_is_not(workspace):
    mri, pet = head(16, 12)
    workspace.set_case(mri=mri)
    workspace.update(annotations="none")
    workspace.set_case(mri=None)  # while the next series is read
    workspace.set_case(mri=pet)
    assert workspace.state.annotations == "none"
    other = replace(mri, series=replace(mri.series, patient=BERT))
    workspace.set_case(mri=other)
    assert workspace.state.annotations == "full"
