"""What a network was trained on, held against what it is to fuse."""

from __future__ import annotations

import pytest

from app.fusion.registry import listed
from app.fusion.spec import HEADS, STREETS, Concerns, NetworkSpec, TrainedOn, concerns

HEART = NetworkSpec(
    "heart",
    "HeartNet",
    "nowhere",
    "HeartNet",
    TrainedOn(frozenset({"MR", "CT"}), body_parts=frozenset({"HEART", "CHEST"})),
)


@pytest.mark.parametrize(
    ("name", "modalities", "plane", "body_part", "strange"),
    [
        ("lightfusionnet", ("MR", "PT"), "axial", "BRAIN", Concerns()),
        ("lightfusionnet", ("MR", "PT"), "sagittal", "", Concerns(plane="sagittal")),
        ("lightfusionnet", ("MR", ""), "", "", Concerns()),
        ("lightfusionnet", ("XC", "TG"), "", "", Concerns(frozenset({"XC", "TG"}))),
        ("lightfusionnet", ("MR", "CT"), "axial", " PELVIS", Concerns(body_part="PELVIS")),
        ("refinefuse-ir-vis", ("XC", "TG"), "coronal", "", Concerns()),
        ("refinefuse-ir-vis", ("MR", "TG"), "", "", Concerns(frozenset({"MR"}))),
        ("average", ("MR", "XC"), "sagittal", "PELVIS", Concerns()),
    ],
)
def test_what_was_never_shown_is_told_as_facts(name, modalities, plane, body_part, strange):
    assert concerns(listed(name), modalities, plane, body_part) == strange


def test_a_body_part_is_known_by_any_of_its_words():
    assert concerns(HEART, ("MR",), "axial", "Chest, abdomen") == Concerns()
    assert concerns(HEART, ("MR",), "axial", "BRAIN") == Concerns(body_part="BRAIN")


def test_patients_are_told_from_streets():
    assert HEADS.of_patients
    assert not STREETS.of_patients
