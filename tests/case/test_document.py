"""No picture outlives what it was made from, and nothing that was made is thrown away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.document import Case
from app.case.layers import Layer
from app.case.regions import Region
from app.core.transforms import rigid
from app.core.values import FusionWindow
from app.core.volume import Patient, Study
from app.registration.verdict import Verdict
from tests.scenes import BERT, aligned, fused, head, pair, registered, volume

TURNED = rigid((0, 0, 3), (2, 0, 0))


@pytest.fixture(scope="module")
def whole():
    mri, pet = head(24, 12)
    case = pair(mri, pet).having(
        mri_fusion_window=FusionWindow(0, 600, "a.u."), partner_fusion_window=FusionWindow(0, 10, "SUVbw")
    )
    return case.having(stack=fused(case.aligned, np.zeros(mri.stored.shape, np.float32)))


def framed(made, frame):
    return replace(made, series=replace(made.series, frame_of_reference_uid=frame))


# What falls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"network": "maximum"}, {"stack"}),
        ({"device": "cpu"}, {"stack"}),
        ({"mri_fusion_window": FusionWindow(0, 1, "a.u.")}, {"stack"}),
        ({"partner_fusion_window": None}, {"stack"}),
        ({"registration": registered(TURNED)}, {"stack", "aligned"}),
        ({"mri": volume(np.zeros((2, 2, 2), np.int16))}, {"stack", "aligned", "registration", "mri_fusion_window"}),
        ({"partner": None}, {"stack", "aligned", "registration", "partner_fusion_window"}),
    ],
)
def test_all_that_rested_on_a_change_falls_and_comes_back_with_it(whole, change, gone):
    changed = whole.having(**change)
    assert changed.generation == whole.generation + 1
    for name in ("stack", "aligned", "registration", "mri_fusion_window", "partner_fusion_window"):
        assert (getattr(changed, name) is None) == (name in gone or change.get(name, 0) is None), name
    back = changed.having(**{name: getattr(whole, name) for name in change})
    assert (back.stack, back.aligned, back.registration) == (whole.stack, whole.aligned, whole.registration)


def test_an_answer_does_not_make_the_question_out_of_date(whole):
    again = aligned(whole.mri, whole.partner, whole.registration)
    changed = whole.having(aligned=again)
    assert changed.generation == whole.generation
    assert changed.stack is None
    assert whole.having(stack=None).generation == whole.generation


def test_the_same_again_is_no_change(whole):
    assert whole.having(network=whole.network, mri=whole.mri) is whole


def test_a_confirmation_computes_nothing_again(whole):
    changed = whole.having(registration=registered(verdict="registered"))
    assert changed.stack.fused is whole.stack.fused
    assert changed.aligned.values is whole.aligned.values
    assert changed.stack.aligned is changed.aligned
    assert changed.aligned.registration is changed.registration  # an export says what was confirmed
    assert changed.generation == whole.generation + 1


# Pairs ---------------------------------------------------------------------------------------------------------


def test_a_pair_seen_before_comes_back_with_all_that_was_made_for_it(whole):
    other = volume(np.zeros((4, 4, 4), np.int16), modality="CT", unit="HU")
    turned = whole.having(registration=registered(TURNED, "registered")).with_layer(
        whole.partner_uid, window=(3.0, 6.0)
    )
    turned = turned.having(aligned=aligned(whole.mri, whole.partner, turned.registration))
    away = turned.having(partner=other).having(network="maximum")
    assert (away.registration, away.aligned, away.stack) == (None, None, None)
    back = away.having(partner=whole.partner)
    assert back.registration is turned.registration
    assert back.aligned.values is turned.aligned.values
    assert back.partner_layer.window == (3.0, 6.0)
    assert back.stack is None  # of the other network
    assert away.layer(other.series.uid).volume is other


def test_a_pet_goes_onto_the_mri_through_its_ct(whole):
    mri, pet = framed(whole.mri, "1.1"), framed(whole.partner, "1.2")
    ct = framed(volume(np.zeros((4, 4, 4), np.int16), modality="CT", unit="HU"), "1.2")
    linked = Case().having(mri=mri, partner=ct).having(registration=registered(TURNED, "registered"))
    through = linked.having(partner=pet)
    np.testing.assert_allclose(through.registration.fixed_to_moving, TURNED)
    assert (through.registration.method, through.registration.verdict) == ("linked", Verdict.HEADER_ALIGNED)
    assert through.having(network="maximum").registration is through.registration
    by_hand = through.having(registration=registered(np.eye(4), "registered"))
    assert by_hand.having(partner=ct).registration is linked.registration  # the CT's own stays


def test_one_frame_of_reference_is_left_to_the_comparison_of_the_headers(whole):
    case = Case().having(mri=framed(whole.mri, "1.1"), partner=framed(whole.partner, "1.1"))
    assert case.registration is None


def test_two_series_of_one_uid_are_two_layers(whole):
    twin = replace(whole.partner, series=replace(whole.partner.series, uid=whole.mri.series.uid))
    case = Case().having(mri=whole.mri, partner=twin)
    assert (case.mri, case.partner) == (whole.mri, twin)
    assert case.having(mri=twin, partner=whole.mri).mri is twin


def test_two_patients_stop_the_pair_until_confirmed_and_are_asked_once(whole):
    other = replace(whole.partner, series=replace(whole.partner.series, patient=BERT, uid="9.9"))
    case = whole.having(partner=other)
    assert set(case.different_patients) == {"patient ID", "name", "birth date", "sex"}
    assert case.stopped
    confirmed = case.having(different_patients_confirmed=True)
    assert not confirmed.stopped
    assert not confirmed.having(partner=whole.partner).having(partner=other).stopped
    third = replace(other, series=replace(other.series, uid="9.10"))
    assert confirmed.having(partner=third).stopped  # another pair
    assert confirmed.having(different_patients_confirmed=False).stopped
    assert not whole.stopped


def test_series_found_again_as_others_lose_what_was_said_about_them(whole):
    region = Region(1, "length", ((0, 0, 0), (1, 0, 0)), Layer.of(whole.mri).end)
    mri, pet = whole.mri.series, whole.partner.series
    listed = whole.having(regions=(region,), studies=(Study(Patient(), "1", (mri, pet)),))
    same = listed.having(studies=(Study(Patient(), "1", (replace(mri), replace(pet))),))
    assert (same.links, same.regions) == (listed.links, (region,))
    other = listed.having(studies=(Study(Patient(), "1", (replace(mri, size=(9, 9, 9)), pet)),))
    assert (other.links, other.regions) == ((), ())


# Layers --------------------------------------------------------------------------------------------------------


def test_a_layer_without_a_role_lies_over_the_pair_when_it_is_shown(whole):
    ct = Layer.of(framed(volume(np.zeros((4, 4, 4), np.int16), modality="CT", unit="HU"), "1.2"))
    case = whole.having(layers=(*whole.layers, replace(ct, visible=True)))
    assert [layer.uid for layer in case.overlays] == [ct.uid]
    assert case.way_to(ct) is None  # nothing says where it lies
    assert case.having(partner=ct.volume).overlays == ()
    assert case.without_layer(ct.uid).layers == whole.layers
    assert case.without_layer(whole.partner_uid).partner is None


def test_a_region_drawn_on_one_series_is_placed_on_another_by_the_links(whole):
    drawn = Region(1, "length", ((0, 0, 0), (3, 4, 0)), whole.base.end)
    case = whole.having(registration=registered(TURNED), regions=(drawn,))
    assert case.placed(drawn) is drawn
    swapped = case.having(mri=whole.partner, partner=None)
    np.testing.assert_allclose(swapped.placed(drawn).points_mm[0], TURNED[:3, 3])
    assert Case().having(mri=volume(np.zeros((2, 2, 2), np.int16))).placed(drawn) is None


# Undo ----------------------------------------------------------------------------------------------------------


def test_going_back_keeps_what_was_computed_since(whole):
    earlier = whole.without_work()
    moved = whole.having(registration=registered(TURNED))
    later = moved.having(aligned=aligned(whole.mri, whole.partner, moved.registration))
    back = later.back_to(earlier)
    assert back.registration is whole.registration
    assert back.stack is whole.stack
    assert back.back_to(later.without_work()).aligned.values is later.aligned.values
    assert (earlier.aligned, earlier.stack) == (None, None)


def test_the_grid_is_the_mris_or_that_of_the_one_volume(whole):
    assert Case().grid is None
    assert whole.grid is whole.mri.geometry
    assert whole.having(mri=None).grid is whole.partner.geometry
    assert whole.emptied().layers == ()
