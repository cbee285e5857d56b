"""What a manifest entry tells of a network's quality, and measuring it again."""

from __future__ import annotations

import pytest

from app.fusion import manifest, registry, weights
from app.metrics.catalogue import METRICS
from app.research.__main__ import main
from app.research.evaluation.quality import quality
from app.research.evaluation.validation import by_network, measure
from tests.research import made_up


def test_the_quality_of_a_network_is_its_means_over_the_pairs_to_four_digits():
    network = registry.load("maximum")
    pairs = made_up.pairs(2)
    measured = quality("maximum", network, pairs)
    expected = measure(pairs, {"maximum": by_network(network)})["ct-mri"]["maximum"]
    assert measured["parameters"] == 0
    assert measured["ms_per_slice"]["cpu"] >= 0
    assert measured["quality"]["command"] == "synoptic evaluate --pairs DIR --task ct-mri --networks maximum"
    found = measured["quality"]["tasks"]["ct-mri"]
    assert list(found) == ["n", *(metric.name for metric in METRICS)]
    assert found == {name: pytest.approx(value, abs=5.1e-5) for name, value in expected.items()}


def test_a_manifest_is_measured_again_and_keeps_what_is_not_measured(tmp_path):
    sha256 = weights.save(registry.build("lightfusionnet"), tmp_path / "lightfusionnet.safetensors", {})
    entry = {"file": "lightfusionnet.safetensors", "sha256": sha256, "arguments": {}, "licence": "mine"}
    entry["quality"] = {"command": "", "split": "val", "tasks": {"ct-mri": {"n": 99}}}
    manifest.write_entry(tmp_path, "lightfusionnet", entry)
    pairs = made_up.write(tmp_path / "pairs")
    words = ["renew", str(tmp_path / "manifest.json"), "--pairs", str(pairs), "--only"]
    assert main([*words, "light"]) == 0
    (renewed,) = manifest.read_manifest(tmp_path).values()  # the classical methods were not asked for
    assert {name: renewed[name] for name in ("file", "sha256", "licence")} == {
        name: entry[name] for name in ("file", "sha256", "licence")
    }
    assert renewed["parameters"] == 4467
    assert {task: row["n"] for task, row in renewed["quality"]["tasks"].items()} == {"ct-mri": 2}
    assert main([*words, "maximum"]) == 0
    assert set(manifest.read_manifest(tmp_path)["maximum"]["quality"]["tasks"]) == {"ct-mri", "pet-mri", "spect-mri"}
