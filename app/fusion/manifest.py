"""manifest.json beside the weights: which file each network is read from, its hash, and what was measured of it.

    {"lightfusionnet": {"file": "lightfusionnet.safetensors", "sha256": "...", "parameters": 4467, "arguments": {},
                        "training_data": "...", "licence": "...", "card": "lightfusionnet.md",
                        "quality": {"command": "...", "split": "val", "tasks": {"ct-mri": {"n": 16, "SD": 84.1, ...}}}}}

A file may hold only the tensors in which it differs from another one, which its entry then names as "over", with the
hash of that one. So a large network that was trained on in part is not kept twice. In a package from outside, an entry
also has the network's "title" and what it was "trained_on".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from app.fusion.spec import TrainedOn
from app.fusion.weights import REINSTALL, WeightsError

NAME = "manifest.json"
Number = int | float


class ManifestError(WeightsError):
    hint = REINSTALL

    def __init__(self, path: Path, fact: str) -> None:
        self.fact = f"{path}: {fact}"
        super().__init__(f"{path} cannot be used: {fact}.")


class Vouched(msgspec.Struct, frozen=True):
    """A file beside the manifest, and the SHA-256 that it must have."""

    file: str
    sha256: str


class Quality(msgspec.Struct, frozen=True):
    """Means of the metrics per task, with the number of pairs as "n", and the command that measured them."""

    command: str
    split: str
    tasks: dict[str, dict[str, Number]]


class Lesions(msgspec.Struct, frozen=True):
    """What the test with planted and deleted lesions counted, over all tasks, and the command that ran it.

    planted : where the other source is no noisier; shown : of those, in the fused picture
    deleted : places without one; invented : of those, where the fused picture shows one
    """

    command: str
    planted: int
    shown: int
    deleted: int
    invented: int

    @property
    def share_shown(self) -> float:
        return self.shown / self.planted


class Entry(msgspec.Struct, frozen=True):
    """What the manifest says of one network; classical ones have no file.

    arguments : of the network's constructor
    over : the file that the weights are the difference from
    ms_per_slice : of 256 x 256 pixels, by device, and with how many "threads" on the CPU
    title, trained_on : of networks from other packages
    """

    parameters: int = 0
    file: str | None = None
    sha256: str | None = None
    arguments: dict[str, Any] = {}
    over: Vouched | None = None
    training_data: str | None = None
    licence: str | None = None
    card: str | None = None
    quality: Quality | None = None
    ms_per_slice: dict[str, Number] | None = None
    lesions: Lesions | None = None
    title: str | None = None
    trained_on: TrainedOn | None = None

    def files(self) -> list[Vouched]:
        """What the weights are read from, one over the other; [] where there are none."""
        own = [Vouched(self.file, self.sha256)] if self.file and self.sha256 else []
        return [self.over, *own] if self.over else own


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Entries by the network's name, as they stand there; empty where there is no manifest."""
    path = folder / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, Any]])
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise ManifestError(path, str(error)) from error


def read_entry(folder: Path, name: str) -> Entry | None:
    """One network's entry, checked; None where the manifest has none. Other entries may be as they like."""
    fields = read_manifest(folder).get(name)
    if fields is None:
        return None
    try:
        entry = msgspec.convert(fields, Entry)
    except msgspec.ValidationError as error:
        raise ManifestError(folder / NAME, f"the entry of {name} does not fit: {error}") from error
    for key in ("file", "sha256"):
        if (entry.file or entry.sha256 or entry.over) and not getattr(entry, key):
            raise ManifestError(folder / NAME, f"{name} has no {key!r}")
    return entry


def write_entry(folder: Path, name: str, entry: dict[str, Any]) -> None:
    """Add or replace one entry; the others stay as they are."""
    entries = read_manifest(folder) | {name: entry}
    text = json.dumps(dict(sorted(entries.items())), indent=2, ensure_ascii=False) + "\n"
    (folder / NAME).write_text(text, "utf-8")
