"""Listing without torch, refusing what is not vouched for."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from app.base.assets import model_weights
from app.fusion import cards, manifest, registry, weights

LIGHT = next(spec for spec in registry.NETWORKS if spec.name == "lightfusionnet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped weights, to be damaged."""
    return Path(shutil.copytree(model_weights(), tmp_path / "weights"))


def test_the_first_choice_keeps_lesions_in_the_least_time():
    assert registry.first_choice().name == "lightfusionnet"  # 98 % in 8 ms; RefineFuse 99.5 % in 130
    slower = tuple(spec for spec in registry.available() if spec.name != "lightfusionnet")
    assert registry.first_choice(slower).name == "refinefuse"
    losing = tuple(spec for spec in slower if spec.name != "refinefuse")
    assert registry.first_choice(losing) == losing[0]  # none of them is known to keep enough


def test_what_loses_lesions_is_known_and_what_nobody_counted_is_not_accused():
    losing = {spec.name for spec in registry.networks() if registry.loses_lesions(spec)}
    assert losing == {"sspfusion", "lkcfunet", "maximum"}


def test_listing_and_describing_import_no_torch(root):
    code = (
        "import sys; from app.fusion import registry as r; "
        "from app.fusion.cards import card; "
        "[card(r.describe(s), r.refusal(s)) for s in r.NETWORKS]; r.weights_sha256(r.find('lightfusionnet')); "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_what_is_shipped_can_run():
    names = [spec.name for spec in registry.available()]
    assert {"lightfusionnet", "average", "maximum", "laplacian"} <= set(names)


def test_without_weights_only_the_classical_ones_can_run(tmp_path):
    classical = [spec for spec in registry.NETWORKS if spec.classical]
    assert {"average", "maximum", "laplacian"} <= {spec.name for spec in classical}
    assert list(registry.available(tmp_path)) == classical
    for use in (registry.load, registry.find, registry.check):
        with pytest.raises(weights.WeightsMissingError, match=r"lightfusionnet\.safetensors"):
            use("lightfusionnet", folder=tmp_path)


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
    tasks = told["quality"]["tasks"]
    assert {"ct-mri", "pet-mri", "spect-mri"} <= tasks.keys() or tasks.keys() == {"ir-vis"}
    for means in tasks.values():
        assert means["n"] > 0
        assert 0.2 < means["SSIM"] <= 1
    assert "--pairs DIR" in told["quality"]["command"]
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
    expected, found = registry.weights_sha256(LIGHT, folder), hashlib.sha256(content).hexdigest()
    assert registry.missing(LIGHT, folder) is None  # which must not read 82 MB in the window's thread
    for use in (registry.load, registry.check):
        with pytest.raises(weights.WeightsAlteredError) as caught:
            use("lightfusionnet", folder=folder)
        assert str(caught.value) == f"{path} has SHA-256 {found}, but the manifest vouches for {expected}."
    assert str(registry.refusal(LIGHT, folder)) == str(caught.value)


def test_weights_that_the_manifest_does_not_name_are_refused_with_their_hash(folder):
    path = folder / "lightfusionnet.safetensors"
    (folder / "manifest.json").write_text("{}")
    assert LIGHT not in registry.available(folder)
    for use in (registry.load, registry.find, registry.check):
        with pytest.raises(weights.WeightsUnknownError, match=weights.sha256_of(path)):
            use("lightfusionnet", folder=folder)


def test_what_is_vouched_for_is_not_refused():
    assert [registry.refusal(spec) for spec in registry.available()] == [None] * len(registry.available())
    registry.check("lightfusionnet")


def vouch(folder: Path, path: Path, **changes: object) -> None:
    entry = manifest.read_manifest(folder)["lightfusionnet"]
    manifest.write_entry(folder, "lightfusionnet", entry | {"sha256": weights.sha256_of(path)} | changes)


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
def test_a_broken_manifest_is_told_with_its_path_and_leaves_the_classical_ones(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(manifest.ManifestError, match=r"manifest\.json"):
        registry.find("lightfusionnet", folder)
    assert list(registry.available(folder)) == [spec for spec in registry.NETWORKS if spec.classical]
    assert registry.load("average", folder=folder) is not None


def test_a_manifest_without_a_hash_vouches_for_nothing(folder):
    entry = manifest.read_manifest(folder)["lightfusionnet"]
    del entry["sha256"]
    manifest.write_entry(folder, "lightfusionnet", entry)
    with pytest.raises(manifest.ManifestError, match="sha256"):
        registry.load("lightfusionnet", folder=folder)


def test_an_exchanged_file_is_noticed_though_the_network_is_cached(folder):
    first = registry.load("lightfusionnet", folder=folder)
    path = folder / "lightfusionnet.safetensors"
    weights.save(registry.build("lightfusionnet"), path, {})
    vouch(folder, path, arguments={})
    second = registry.load("lightfusionnet", folder=folder)
    assert not torch.equal(first.decoder[2].weight, second.decoder[2].weight)


@pytest.fixture
def over(folder) -> tuple[Path, Path]:
    """LightFusionNet as what one tensor of it differs from another file: that file, and the difference."""
    base, whole, target = (folder / f"{name}.safetensors" for name in ("base", "whole", "lightfusionnet"))
    network = registry.build("lightfusionnet")
    weights.save(network, base, {})
    with torch.no_grad():
        network.decoder[2].bias.add_(0.5)
    weights.save(network, whole, {})
    weights.save_over(whole, base, target)
    vouch(folder, target, arguments={}, over={"file": base.name, "sha256": weights.sha256_of(base)})
    return base, whole


def test_weights_kept_as_a_difference_are_whole_once_loaded(folder, over):
    base, whole = over
    path = folder / "lightfusionnet.safetensors"
    assert list(weights.read_tensors(path, weights.sha256_of(path))) == ["decoder.2.bias"]
    assert registry.weights_sha256(LIGHT, folder) == weights.sha256_of(path)
    expected = weights.read_tensors(whole, weights.sha256_of(whole))
    for name, tensor in registry.load("lightfusionnet", folder=folder).state_dict().items():
        assert torch.equal(tensor, expected[name])
    registry.check("lightfusionnet", folder)
    shown = cards.card(registry.describe(LIGHT, folder))
    assert f"`{base.name}`, SHA-256 `{weights.sha256_of(base)}`" in shown


def test_the_file_under_a_difference_is_vouched_for_as_well(folder, over):
    base, _ = over
    expected = weights.sha256_of(base)
    base.write_bytes(b"another network")
    for use in (registry.load, registry.check):
        with pytest.raises(weights.WeightsAlteredError, match=rf"base\.safetensors has SHA-256 .* for {expected}"):
            use("lightfusionnet", folder=folder)
    base.unlink()
    assert LIGHT not in registry.available(folder)
    with pytest.raises(weights.WeightsMissingError, match=r"base\.safetensors"):
        registry.find("lightfusionnet", folder)


@pytest.mark.parametrize(
    ("part", "fact"),
    [
        ({"file": "base.safetensors"}, "required field `sha256`"),
        ({"sha256": "00"}, "required field `file`"),
        ("base.safetensors", "got `str`"),
    ],
)
def test_a_difference_over_nothing_vouched_for_is_refused(folder, part, fact):
    vouch(folder, folder / "lightfusionnet.safetensors", over=part)
    with pytest.raises(manifest.ManifestError, match=rf"lightfusionnet does not fit: .*{fact} - at `\$.over`"):
        registry.load("lightfusionnet", folder=folder)
