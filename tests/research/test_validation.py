"""Means, rank sums and publishing, on pairs small enough to reckon by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from PIL import Image

from app.fusion import registry, weights
from app.research import validation
from app.research.pairs import Pair

DRAW = np.random.default_rng(0)
PAIRS = [Pair("ct-mri", str(number), *DRAW.integers(1, 256, (2, 48, 48)).astype(np.uint8)) for number in (1001, 1002)]


def test_rank_sums_of_a_table_reckoned_by_hand():
    table = {
        "a": {"SD": 3.0, "MI": 1.0},  # 1 + 2.5
        "b": {"SD": 2.0, "MI": 1.0},  # 2 + 2.5
        "c": {"SD": 1.0, "MI": 2.0},  # 3 + 1
        "d": {"SD": math.nan, "MI": 0.5},  # 4 + 4
    }
    assert validation.rank_sums(table, ("SD", "MI")) == {"a": 3.5, "b": 4.5, "c": 4.0, "d": 8.0}


def test_a_networks_pictures_are_rounded_eight_bits():
    fuse = validation.by_network(registry.load("maximum"))
    np.testing.assert_array_equal(fuse(PAIRS[0]), np.maximum(PAIRS[0].mri, PAIRS[0].luma))


def test_means_are_those_of_the_catalogue():
    from app.metrics.catalogue import evaluate

    fuse = validation.by_network(registry.load("average"))
    found = validation.means(PAIRS, fuse, names=["SD", "Qabf"])
    expected = [[one.value for one in evaluate(fuse(p), p.mri, p.luma, ["SD", "Qabf"])] for p in PAIRS]
    assert found["n"] == 2
    assert [found["SD"], found["Qabf"]] == pytest.approx(np.mean(expected, axis=0))


def test_peers_with_all_pictures_join_the_table_and_others_do_not(tmp_path):
    for peer, pairs in (("whole", PAIRS), ("half", PAIRS[:1])):
        (tmp_path / peer / "ct-mri").mkdir(parents=True)
        for pair in pairs:
            Image.fromarray(pair.mri).save(tmp_path / peer / "ct-mri" / f"{pair.name}.png")
    fusers = {"maximum": validation.by_network(registry.load("maximum"))}
    tables = validation.measure(PAIRS, fusers, tmp_path)
    assert set(tables["ct-mri"]) == {"maximum", "whole"}
    assert tables["ct-mri"]["whole"]["SD"] == pytest.approx(np.mean([pair.mri.std() for pair in PAIRS]))
    text = validation.as_text(tables)
    assert "| ct-mri, 2 |" in text
    assert text.count("\n| whole |") == 1


def test_the_maximum_scores_exactly_one():
    fusers = {"maximum": validation.by_network(registry.load("maximum"))}
    tables = validation.measure(PAIRS, fusers)
    assert validation.score({task: table["maximum"] for task, table in tables.items()}, tables) == pytest.approx(1)


def test_publishing_copies_weights_and_vouches_for_them(tmp_path):
    made = tmp_path / "made.safetensors"
    arguments = {"width": 8}
    sha256 = weights.save(registry.build("lightfusionnet", **arguments), made, arguments)
    tables = {"ct-mri": {"lightfusionnet": {"n": 2, "SD": 1.23456}}}
    folder = tmp_path / "folder"
    folder.mkdir()
    weights.write_entry(folder, "average", {"parameters": 0})
    validation.publish("lightfusionnet", made, tables, "the command", folder)
    entries = json.loads((folder / "manifest.json").read_text())
    assert set(entries) == {"average", "lightfusionnet"}
    entry = entries["lightfusionnet"]
    assert entry["sha256"] == sha256 == weights.sha256_of(folder / entry["file"])
    assert entry["arguments"] == arguments
    assert entry["quality"]["tasks"]["ct-mri"] == {"n": 2, "SD": 1.2346}
    network = registry.load("lightfusionnet", folder=folder)
    assert entry["parameters"] == sum(one.numel() for one in network.parameters())
    validation.publish("lightfusionnet", folder / entry["file"], tables, "again", folder)
    assert json.loads((folder / "manifest.json").read_text())["lightfusionnet"]["sha256"] == sha256
