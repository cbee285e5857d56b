"""Cards as a reader sees them, and the sentences on what a network was never shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.base.assets import model_weights
from app.fusion import cards, registry
from app.fusion.registry import listed
from app.fusion.spec import Concerns, NetworkSpec, TrainedOn

LIGHT = listed("lightfusionnet")
HEART = NetworkSpec(
    "heart",
    "HeartNet",
    "nowhere",
    "HeartNet",
    TrainedOn(frozenset({"MR", "CT"}), body_parts=frozenset({"HEART", "CHEST"})),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped weights, to be damaged."""
    return Path(shutil.copytree(model_weights(), tmp_path / "weights"))


def test_a_card_names_the_hash_and_says_first_why_a_network_cannot_run(folder):
    (folder / "lightfusionnet.safetensors").write_bytes(b"another network")
    refused = registry.refusal(LIGHT, folder)
    shown = cards.card(registry.describe(LIGHT, folder), refused, "3 ms here.").splitlines()
    assert shown[0] == "# LightFusionNet"
    assert shown[2] == f"- **Cannot run here:** {refused} {refused.hint}"
    assert f"SHA-256 `{registry.weights_sha256(LIGHT, folder)}`" in shown[5]
    assert shown[4] == "- **Parameters:** 4,467"
    assert shown[6].startswith("- **Time:** 3 ms here. ")
    assert shown[6].endswith("with 2 threads for a slice of 256 × 256, as its publisher measured.")
    assert any(line.startswith("**Limits.**") for line in shown)


def test_a_classical_card_has_its_measured_quality_as_a_table():
    shown = cards.card(registry.describe(registry.find("average")))
    assert "not trained" in shown
    row = next(line for line in shown.splitlines() if line.startswith("| ct-mri "))
    measured = registry.describe(registry.find("average"))["quality"]["tasks"]["ct-mri"]
    assert row.split(" | ")[1:3] == [str(measured["n"]), f"{measured['EN']:.3f}"]


def test_each_fact_has_its_sentence():
    def said(spec: NetworkSpec, strange: Concerns) -> str:
        return cards.never_shown(spec, strange).removesuffix(": choose another network.")

    light, streets = listed("lightfusionnet"), listed("refinefuse-ir-vis")
    seen = "LightFusionNet was trained on heads in MRI, CT, PET and SPECT, never on "
    assert said(light, Concerns(frozenset({"XC", "TG"}))) == f"{seen}visible and infrared pictures"
    assert said(light, Concerns(frozenset({"US"}))) == f"{seen}US"
    assert said(light, Concerns(body_part="PELVIS")) == f"{seen}PELVIS"
    assert said(streets, Concerns(frozenset({"CT", "MR"}))).endswith(
        "on visible and infrared pictures, never on patients"
    )
    assert said(HEART, Concerns(frozenset({"PT", "NM"}))) == (
        "HeartNet was trained on chest and heart in MRI and CT, never on PET and SPECT"
    )
    assert said(light, Concerns(plane="sagittal")) == ""  # which the pane tells


def test_planes_are_named():
    assert cards.planes(listed("lightfusionnet")) == "axial"
    assert cards.planes(listed("average")) == cards.planes(listed("refinefuse-ir-vis")) == ""
