"""Measuring pair by pair, the score that decides, and publishing, on pairs small enough to reckon by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from app.base.progress import Cancelled
from app.fusion import registry, weights
from app.metrics.catalogue import METRICS, evaluate
from app.research.evaluation import validation
from app.research.pairs import Pair

DRAW = np.random.default_rng(0)
PAIRS = [Pair("ct-mri", str(number), *DRAW.integers(1, 256, (2, 48, 48)).astype(np.uint8)) for number in (1001, 1002)]
COLOURED = Pair("pet-mri", "1003", *DRAW.integers(1, 256, (3, 48, 48)).astype(np.uint8))  # with a scalar


def maximum() -> dict[str, validation.Fuse]:
    return {"maximum": validation.by_network(registry.load("maximum"))}


def test_a_networks_pictures_are_rounded_eight_bits():
    fuse = validation.by_network(registry.load("maximum"))
    np.testing.assert_array_equal(fuse(PAIRS[0]), np.maximum(PAIRS[0].mri, PAIRS[0].luma))


def test_the_scalar_is_fused_and_measured_only_when_asked():
    for scalar, partner in ((False, COLOURED.luma), (True, COLOURED.scalar)):
        fused = np.maximum(COLOURED.mri, partner)
        fusers = {"maximum": validation.by_network(registry.load("maximum"), scalar=scalar)}
        (measured,) = validation.measure_each([COLOURED], fusers, scalar=scalar)
        assert measured.values == {one.metric.name: one.value for one in evaluate(fused, COLOURED.mri, partner)}


def test_every_pair_is_fused_once_by_every_fuser_task_by_task():
    asked: list[tuple[str, str]] = []

    def fuser(name: str) -> validation.Fuse:
        def fuse(pair: Pair) -> np.ndarray:
            asked.append((name, pair.name))
            return pair.mri

        return fuse

    made: list[tuple[str, str]] = []
    measured = validation.measure_each(
        [PAIRS[0], COLOURED, PAIRS[1]],
        {"a": fuser("a"), "b": fuser("b")},
        made=lambda name, pair, fused: made.append((name, pair.name)),
    )
    in_order = [(name, image) for images in (("1001", "1002"), ("1003",)) for name in "ab" for image in images]
    assert asked == made == [(one.method, one.image) for one in measured] == in_order
    assert all(one.ms > 0 for one in measured)
    assert all(list(one.values) == [metric.name for metric in METRICS] for one in measured)


def test_the_time_of_pictures_from_elsewhere_means_nothing():
    (measured,) = validation.measure_each(PAIRS[:1], maximum(), timed=False)
    assert math.isnan(measured.ms)


def test_cancelling_leaves_a_network_between_its_steps():
    asked = 0

    def progress(fraction: float, message: str = "") -> None:
        nonlocal asked
        asked += 1
        if asked == 3:  # the first is before the fusion, the second before its first step
            raise Cancelled

    made: list[str] = []
    with pytest.raises(Cancelled):
        validation.measure_each(PAIRS, maximum(), made=lambda name, *_: made.append(name), progress=progress)
    assert asked == 3
    assert made == []


def test_means_are_those_of_the_catalogue():
    found = validation.measure(PAIRS, maximum())["ct-mri"]["maximum"]
    expected = [[one.value for one in evaluate(np.maximum(p.mri, p.luma), p.mri, p.luma)] for p in PAIRS]
    assert found.pop("n") == 2
    assert list(found.values()) == pytest.approx(np.mean(expected, axis=0))


def test_the_maximum_scores_exactly_one():
    tables = validation.measure(PAIRS, maximum())
    assert validation.score({task: table["maximum"] for task, table in tables.items()}, tables) == pytest.approx(1)


def test_the_score_is_the_mean_ratio_over_tasks_and_ranked_columns():
    ones = dict.fromkeys(("EN", "CC", *validation.RANKED), 2.0)
    tables = {"ct-mri": {"maximum": ones}, "pet-mri": {"maximum": ones}}
    better = {"ct-mri": ones | {"SD": 4.0, "EN": 99.0}, "pet-mri": ones}
    assert validation.score(better, tables) == pytest.approx(1 + 1 / 16)  # one of sixteen ratios is 2


def test_what_is_undefined_counts_for_no_score():
    ones = dict.fromkeys(validation.RANKED, 2.0)
    small = ones | {"VIFF": math.nan}  # of pictures too small for it
    assert validation.score({"ct-mri": small | {"SD": 4.0}}, {"ct-mri": {"maximum": small}}) == pytest.approx(1 + 1 / 7)


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
    assert entry["quality"] == {"command": "the command", "split": "val", "tasks": {"ct-mri": {"n": 2, "SD": 1.2346}}}
    network = registry.load("lightfusionnet", folder=folder)
    assert entry["parameters"] == sum(one.numel() for one in network.parameters())
    assert entry["training_data"].startswith("AANLIB")
    of_visible = {"ir-vis": tables["ct-mri"]}
    validation.publish("lightfusionnet", made, of_visible, "the command", tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text())["lightfusionnet"]["training_data"].startswith(
        "RoadScene"
    )
    validation.publish("lightfusionnet", folder / entry["file"], tables, "again", folder)
    assert json.loads((folder / "manifest.json").read_text())["lightfusionnet"]["sha256"] == sha256


def test_half_as_large_weights_are_published_and_measured_as_they_are(tmp_path, capsys):
    for modality in ("mri", "ct"):
        folder = tmp_path / "pairs/ct-mri/val" / modality
        folder.mkdir(parents=True)
        Image.fromarray(PAIRS[0].mri).save(folder / "1001.png")
    full, into = tmp_path / "full.safetensors", tmp_path / "into"
    weights.save(registry.load("lightfusionnet"), full, {})  # an untrained one may give a flat picture
    into.mkdir()
    words = ["--pairs", str(tmp_path / "pairs"), "--publish", f"lightfusionnet={full}", "--half", "--into", str(into)]
    assert validation.main([*words, "--tasks", "ct-mri"]) == 0
    assert "| lightfusionnet |" in capsys.readouterr().out
    (entry,) = weights.read_manifest(into).values()
    tensors = weights.read_tensors(into / entry["file"], entry["sha256"])
    assert {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()} == {torch.float16}
    fuse = validation.by_network(registry.load("lightfusionnet", folder=into))
    found = validation.measure([Pair("ct-mri", "1001", PAIRS[0].mri, PAIRS[0].mri)], {"it": fuse})["ct-mri"]["it"]
    assert entry["quality"]["tasks"]["ct-mri"] == pytest.approx(found, abs=1e-4)


def test_what_was_trained_on_in_part_is_published_as_its_difference(tmp_path):
    network = registry.build("lightfusionnet")
    weights.save(network, tmp_path / "lightfusionnet.safetensors", {})
    with torch.no_grad():
        network.decoder[2].bias.add_(0.5)
    made = tmp_path / "made.safetensors"
    weights.save(network, made, {})
    tables = {"ct-mri": {"lightfusionnet": {"n": 1, "SD": 2.0}}}
    base = tmp_path / "lightfusionnet.safetensors"
    validation.publish("lightfusionnet", made, tables, "the command", tmp_path, over=base)
    entry = weights.read_manifest(tmp_path)["lightfusionnet"]
    assert entry["file"] == "lightfusionnet-tuned.safetensors"
    assert entry["over"] == {"file": base.name, "sha256": weights.sha256_of(base)}
    loaded = registry.load("lightfusionnet", folder=tmp_path)
    assert torch.equal(loaded.decoder[2].bias, network.decoder[2].bias)
    validation.publish("lightfusionnet", made, tables, "the command", tmp_path)  # and whole again
    assert "over" not in weights.read_manifest(tmp_path)["lightfusionnet"]


def test_a_difference_over_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        validation.main(["--pairs", str(tmp_path), "--publish", "maximum", "--into", str(tmp_path), "--over", "no"])
    assert stopped.value.code == 2
    assert f"there is no {tmp_path / 'no'}" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--half"], ["--over", "there"]])
def test_half_precision_or_a_difference_of_what_is_published_already_is_refused(tmp_path, capsys, words):
    (tmp_path / "there").touch()
    with pytest.raises(SystemExit) as stopped:
        validation.main(["--pairs", str(tmp_path), "--publish", "maximum", "--into", str(tmp_path), *words])
    assert stopped.value.code == 2
    assert "--publish NAME=FILE" in capsys.readouterr().err


def test_a_name_alone_measures_again_and_keeps_what_the_manifest_says(tmp_path):
    sha256 = weights.save(registry.build("lightfusionnet"), tmp_path / "lightfusionnet.safetensors", {})
    told = {"file": "lightfusionnet.safetensors", "sha256": sha256, "arguments": {}, "licence": "mine"}
    weights.write_entry(tmp_path, "lightfusionnet", told)
    row = {"n": 1, "SD": 2.0}
    validation.publish("lightfusionnet", None, {"ct-mri": {"lightfusionnet": row}}, "again", tmp_path)
    validation.publish("average", None, {"ct-mri": {"average": row}}, "again", tmp_path)
    entries = weights.read_manifest(tmp_path)
    assert told.items() <= entries["lightfusionnet"].items()
    assert entries["lightfusionnet"]["quality"]["tasks"] == {"ct-mri": row}
    assert entries["average"]["parameters"] == 0
    assert entries["average"]["ms_per_slice"]["cpu"] > 0
