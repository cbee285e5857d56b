"""Listing without torch, refusing what is not vouched for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.assets import model_weights
from app.fusion import registry, weights

LIGHT = next(spec for spec in registry.NETWORKS if spec.name == "lightfusionnet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped weights, to be damaged."""
    return Path(shutil.copytree(model_weights(), tmp_path / "weights"))


def test_listing_and_describing_import_no_torch(root):
    code = (
        "import sys; from app.fusion import registry as r; "
        "[r.describe(s) for s in r.available()]; r.weights_sha256(r.find('lightfusionnet')); "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_what_is_shipped_can_run():
    names = [spec.name for spec in registry.available()]
    assert {"lightfusionnet", "average", "maximum", "laplacian"} <= set(names)


def test_without_weights_only_the_classical_ones_can_run(tmp_path):
    assert [spec.name for spec in registry.available(tmp_path)] == ["average", "maximum", "laplacian"]
    with pytest.raises(registry.UnknownNetworkError, match="lightfusionnet") as caught:
        registry.load("lightfusionnet", folder=tmp_path)
    assert "average, maximum, laplacian" in caught.value.hint


def test_a_manifest_entry_without_its_file_is_not_listed(folder):
    (folder / "lightfusionnet.safetensors").unlink()
    assert "lightfusionnet" not in [spec.name for spec in registry.available(folder)]


def test_a_misspelt_name_is_answered_with_the_right_ones():
    with pytest.raises(registry.UnknownNetworkError, match="lightfusion-net") as caught:
        registry.find("lightfusion-net")
    assert "lightfusionnet" in caught.value.hint


@pytest.mark.parametrize("spec", registry.available(), ids=lambda spec: spec.name)
def test_every_description_is_complete(spec):
    told = json.loads(json.dumps(registry.describe(spec)))
    assert told["name"] == spec.name
    assert told["licence"]
    for task in ("ct-mri", "pet-mri", "spect-mri"):
        assert told["quality"]["tasks"][task]["SSIM"] > 0.5
    assert "python -m app.research" in told["quality"]["command"]
    assert told["ms_per_slice"]["cpu"] > 0
    if not spec.classical:
        assert told["parameters"] == sum(one.numel() for one in registry.load(spec.name).parameters())
        assert told["sha256"] == weights.sha256_of(model_weights() / told["weights"]) == registry.weights_sha256(spec)
        assert told["training_data"]
        assert "research use" in told["licence"]
        assert told["card"].startswith(f"# {spec.title}")


def test_the_classical_ones_have_no_weights_to_name():
    assert registry.weights_sha256(registry.find("average")) == ""


def test_a_network_is_loaded_once_and_ready_for_inference():
    network = registry.load("lightfusionnet")
    assert registry.load("lightfusionnet") is network
    assert not network.training
    assert not any(one.requires_grad for one in network.parameters())


def test_one_altered_byte_is_refused_with_both_hashes(folder):
    path = folder / "lightfusionnet.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(weights.WeightsAlteredError) as caught:
        registry.load("lightfusionnet", folder=folder)
    assert registry.weights_sha256(LIGHT, folder) in str(caught.value)
    assert weights.sha256_of(path) in str(caught.value)


def vouch(folder: Path, path: Path, **changes: object) -> None:
    entry = weights.read_manifest(folder)["lightfusionnet"]
    weights.write_entry(folder, "lightfusionnet", entry | {"sha256": weights.sha256_of(path)} | changes)


def test_tensors_of_another_shape_are_refused_by_name(folder):
    path = folder / "lightfusionnet.safetensors"
    weights.save(registry.build("lightfusionnet", width=8), path, {})
    vouch(folder, path)
    with pytest.raises(weights.WeightsMismatchError, match=r"decoder.*\(8,.*\(16,"):
        registry.load("lightfusionnet", folder=folder)


def test_a_missing_tensor_is_refused_by_name(folder):
    from safetensors.torch import load_file, save_file

    path = folder / "lightfusionnet.safetensors"
    tensors = load_file(path)
    del tensors["decoder.2.bias"]
    save_file(tensors, path)
    vouch(folder, path)
    with pytest.raises(weights.WeightsMismatchError, match=r"decoder\.2\.bias is absent in the file"):
        registry.load("lightfusionnet", folder=folder)


def test_a_file_that_is_no_safetensors_is_refused(folder):
    path = folder / "lightfusionnet.safetensors"
    path.write_bytes(b"not tensors")
    vouch(folder, path)
    with pytest.raises(weights.WeightsMismatchError):
        registry.load("lightfusionnet", folder=folder)


@pytest.mark.parametrize("content", ["{", "[]", '{"lightfusionnet": 3}'])
def test_a_broken_manifest_is_told_with_its_path(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(weights.ManifestError, match=r"manifest\.json"):
        registry.available(folder)


def test_a_manifest_without_a_hash_vouches_for_nothing(folder):
    entry = weights.read_manifest(folder)["lightfusionnet"]
    del entry["sha256"]
    weights.write_entry(folder, "lightfusionnet", entry)
    with pytest.raises(weights.ManifestError, match="sha256"):
        registry.load("lightfusionnet", folder=folder)


def test_an_exchanged_file_is_noticed_though_the_network_is_cached(folder):
    first = registry.load("lightfusionnet", folder=folder)
    path = folder / "lightfusionnet.safetensors"
    weights.save(registry.build("lightfusionnet"), path, {})
    vouch(folder, path, arguments={})
    second = registry.load("lightfusionnet", folder=folder)
    assert not torch.equal(first.decoder[2].weight, second.decoder[2].weight)
