"""What a training made is vouched for in a manifest, and published where nothing better is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from app.base.progress import silent
from app.fusion import manifest, registry, weights
from app.research.training import publish
from app.research.training.publish import BetterPublishedError
from app.research.training.recipes import Base, Recipe, Stage
from tests.research import made_up

RECIPE = Recipe("lightfusionnet", (Stage(steps=1, batch=1, crop=32),), {"width": 8})


def made(folder: Path, **arguments: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "lightfusionnet.safetensors"
    torch.manual_seed(0)
    weights.save(registry.build("lightfusionnet", **arguments), path, arguments, half=True)
    return path


def entry(sd: float, **others: Any) -> dict[str, Any]:
    row = dict.fromkeys(("SD", "SF", "AG", "MI", "SCD", "VIFF", "Qabf", "SSIM"), 1.0) | {"SD": sd}
    return {
        "file": "lightfusionnet.safetensors",
        "quality": {"command": "", "split": "val", "tasks": {"ct-mri": row}},
    } | others


def test_a_manifest_says_what_was_made_and_what_it_measures(tmp_path):
    path = made(tmp_path, width=8)
    publish.measure(RECIPE, path, made_up.pairs(2), silent)
    (found,) = manifest.read_manifest(tmp_path).values()
    assert found["sha256"] == weights.sha256_of(path)
    assert found["arguments"] == {"width": 8}
    assert found["training_data"].startswith("AANLIB")
    assert found["quality"]["tasks"]["ct-mri"]["n"] == 2
    network = registry.load("lightfusionnet", folder=tmp_path)
    assert found["parameters"] == sum(one.numel() for one in network.parameters())
    visible = msgspec.structs.replace(RECIPE, stages=(Stage(steps=1, batch=1, crop=32, tasks=("ir-vis",)),))
    publish.measure(visible, path, made_up.pairs(2), silent)
    assert manifest.read_manifest(tmp_path)["lightfusionnet"]["training_data"].startswith("RoadScene")


def test_published_weights_can_be_loaded_and_leave_other_entries_alone(tmp_path):
    path = made(tmp_path / "run", width=8)
    manifest.write_entry(
        path.parent, "lightfusionnet", entry(1, arguments={"width": 8}, sha256=weights.sha256_of(path))
    )
    folder = tmp_path / "published"
    folder.mkdir()
    manifest.write_entry(folder, "average", {"parameters": 0})
    target = publish.publish(RECIPE, path, tmp_path, folder)
    assert target.read_bytes() == path.read_bytes()
    assert set(manifest.read_manifest(folder)) == {"average", "lightfusionnet"}
    registry.load("lightfusionnet", folder=folder)


def test_better_weights_stay_unless_told_otherwise(tmp_path):
    path = made(tmp_path / "run")
    manifest.write_entry(path.parent, "lightfusionnet", entry(1.0, sha256="new"))
    manifest.write_entry(tmp_path, "lightfusionnet", entry(1.8, sha256="old"))
    with pytest.raises(BetterPublishedError, match=r"these have 0\.944 of theirs"):  # (7 + 1 / 1.8) / 8
        publish.publish(RECIPE, path, tmp_path, tmp_path)
    assert manifest.read_manifest(tmp_path)["lightfusionnet"]["sha256"] == "old"
    publish.publish(RECIPE, path, tmp_path, tmp_path, overwrite=True)
    assert manifest.read_manifest(tmp_path)["lightfusionnet"]["sha256"] == "new"
    manifest.write_entry(tmp_path, "lightfusionnet", entry(0.9, sha256="worse"))
    publish.publish(RECIPE, path, tmp_path, tmp_path)
    assert manifest.read_manifest(tmp_path)["lightfusionnet"]["sha256"] == "new"


def test_what_goes_on_from_a_base_is_published_as_its_difference(tmp_path):
    torch.manual_seed(0)
    network = registry.build("lightfusionnet")
    base = tmp_path / "base.safetensors"
    sha256 = weights.save(network, base, {}, half=True)
    with torch.no_grad():
        network.decoder[2].bias.add_(0.5)
    path = tmp_path / "run/lightfusionnet.safetensors"
    path.parent.mkdir()
    weights.save(network, path, {}, half=True)
    manifest.write_entry(path.parent, "lightfusionnet", entry(1, arguments={}, sha256=weights.sha256_of(path)))
    recipe = Recipe("lightfusionnet", RECIPE.stages, {}, Base(base.name, sha256))
    target = publish.publish(recipe, path, tmp_path, tmp_path)
    assert target.name == "lightfusionnet-tuned.safetensors"
    assert target.stat().st_size < path.stat().st_size / 4
    assert manifest.read_manifest(tmp_path)["lightfusionnet"]["over"] == {"file": base.name, "sha256": sha256}
    loaded = registry.load("lightfusionnet", folder=tmp_path)
    torch.testing.assert_close(loaded.decoder[2].bias, network.decoder[2].bias.half().float())
    whole = Recipe("lightfusionnet", RECIPE.stages)
    publish.publish(whole, path, tmp_path, tmp_path, overwrite=True)
    assert "over" not in manifest.read_manifest(tmp_path)["lightfusionnet"]
