"""No picture outlives what it was made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.values import FusionWindow
from app.view.scene import Scene
from tests.scenes import BERT, aligned, fused, head, pair, registered, volume


@pytest.fixture(scope="module")
def whole():
    mri, pet = head(24, 12)
    scene = pair(mri, pet).having(
        mri_fusion_window=FusionWindow(0, 600, "a.u."), partner_fusion_window=FusionWindow(0, 10, "SUVbw")
    )
    return scene.having(stack=fused(scene.aligned, np.zeros(mri.stored.shape, np.float32)))


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"network": "maximum"}, {"stack"}),
        ({"device": "cpu"}, {"stack"}),
        ({"mri_fusion_window": FusionWindow(0, 1, "a.u.")}, {"stack"}),
        ({"partner_fusion_window": None}, {"stack"}),
        ({"registration": registered()}, {"stack", "aligned"}),
        ({"mri": volume(np.zeros((2, 2, 2), np.int16))}, {"stack", "aligned", "registration", "mri_fusion_window"}),
        ({"partner": None}, {"stack", "aligned", "registration", "partner_fusion_window"}),
    ],
)
def test_a_change_drops_all_that_rested_on_it(whole, change, gone):
    changed = whole.having(**change)
    assert changed.generation == whole.generation + 1
    for name in ("stack", "aligned", "registration", "mri_fusion_window", "partner_fusion_window"):
        assert (getattr(changed, name) is None) == (name in gone or change.get(name, 0) is None), name


def test_an_answer_does_not_make_the_question_out_of_date(whole):
    again = aligned(whole.mri, whole.partner, whole.registration)
    changed = whole.having(aligned=again)
    assert changed.generation == whole.generation
    assert changed.stack is None
    assert whole.having(stack=None).generation == whole.generation


def test_the_same_again_is_no_change(whole):
    assert whole.having(network=whole.network, mri=whole.mri) is whole


def test_a_field_given_beside_the_one_it_rests_on_is_kept(whole):
    registration = registered(verdict="registered")
    changed = whole.having(registration=registration, aligned=whole.aligned, stack=whole.stack)
    assert changed.stack is whole.stack
    assert changed.generation == whole.generation + 1


def test_two_patients_stop_the_scene_until_confirmed(whole):
    other = replace(whole.partner, series=replace(whole.partner.series, patient=BERT))
    scene = whole.having(partner=other)
    assert set(scene.different_patients) == {"patient ID", "name", "birth date", "sex"}
    assert scene.stopped
    assert not scene.having(different_patients_confirmed=True).stopped
    assert scene.having(different_patients_confirmed=True).having(partner=replace(other)).stopped  # asked anew
    assert not whole.stopped


def test_the_grid_is_the_mris_or_that_of_the_one_volume(whole):
    assert Scene().grid is None
    assert whole.grid is whole.mri.geometry
    assert whole.having(mri=None).grid is whole.partner.geometry
