"""The manifest: entries as their types have them, one broken entry no harm to others, and written as they stood."""

from __future__ import annotations

import json

import pytest

from app.base.assets import model_weights
from app.fusion import manifest
from app.fusion.manifest import Entry, ManifestError, Vouched
from app.fusion.spec import TrainedOn

ENTRY = {"file": "net.safetensors", "sha256": "ab", "parameters": 3, "ms_per_slice": {"cpu": 7.6, "threads": 2}}


def put(folder, **entries) -> None:
    (folder / manifest.NAME).write_text(json.dumps(entries), encoding="utf-8")


def test_the_shipped_manifest_holds_what_its_types_say():
    for name in manifest.read_manifest(model_weights()):
        entry = manifest.read_entry(model_weights(), name)
        assert entry is not None
        assert entry.quality is not None


def test_an_entry_is_read_into_its_types(tmp_path):
    over = {"file": "base.safetensors", "sha256": "cd"}
    trained_on = {"modalities": ["MR", "CT"], "planes": ["axial"]}
    put(tmp_path, net=ENTRY | {"over": over, "trained_on": trained_on, "of_a_later_version": 1})
    entry = manifest.read_entry(tmp_path, "net")
    assert entry == Entry(
        parameters=3,
        file="net.safetensors",
        sha256="ab",
        over=Vouched("base.safetensors", "cd"),
        ms_per_slice={"cpu": 7.6, "threads": 2},
        trained_on=TrainedOn(frozenset({"MR", "CT"}), frozenset({"axial"})),
    )
    assert entry.files() == [Vouched("base.safetensors", "cd"), Vouched("net.safetensors", "ab")]


def test_what_is_not_there_is_none(tmp_path):
    assert manifest.read_manifest(tmp_path) == {}
    assert manifest.read_entry(tmp_path, "net") is None
    put(tmp_path, net=ENTRY)
    assert manifest.read_entry(tmp_path, "other") is None


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"sha256": None}, "net has no 'sha256'"),
        ({"file": None}, "net has no 'file'"),
        ({"parameters": "3"}, "the entry of net does not fit: Expected `int`, got `str` - at `$.parameters`"),
        (
            {"over": {"file": "base"}},
            "the entry of net does not fit: Object missing required field `sha256` - at `$.over`",
        ),
        ({"trained_on": {"modalities": ["PET"]}}, "matching regex '^[A-Z]{2}$' - at `$.trained_on.modalities[0]`"),
        ({"quality": {"split": "val"}}, "Object missing required field `command` - at `$.quality`"),
    ],
)
def test_a_broken_entry_is_told_by_name_and_place_and_harms_no_other(tmp_path, changes, fact):
    put(tmp_path, net=ENTRY | changes, other=ENTRY)
    with pytest.raises(ManifestError) as caught:
        manifest.read_entry(tmp_path, "net")
    assert str(caught.value).endswith(f"{fact}.")
    assert str(tmp_path / manifest.NAME) in str(caught.value)
    assert manifest.read_entry(tmp_path, "other") is not None


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"net": 3}', b"\xff"])
def test_a_broken_file_is_told_with_its_path(tmp_path, content):
    (tmp_path / manifest.NAME).write_bytes(content)
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        manifest.read_manifest(tmp_path)


def test_writing_one_entry_leaves_the_others_as_they_stand(tmp_path):
    put(tmp_path, z=ENTRY | {"of_a_later_version": "ü"}, net={"parameters": 1})
    manifest.write_entry(tmp_path, "net", ENTRY)
    assert list(manifest.read_manifest(tmp_path)) == ["net", "z"]
    assert manifest.read_manifest(tmp_path) == {"net": ENTRY, "z": ENTRY | {"of_a_later_version": "ü"}}
