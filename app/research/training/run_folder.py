"""The folder of a training run: its checkpoint, its curves, and going on from them."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from app.base.errors import InputError, UsageError

Run = TypeVar("Run")
OTHER = "another kind of run, or another version of the program, wrote it"


class NoCheckpointError(InputError):
    hint = "Leave --resume away to begin, or name the folder of a run that was begun."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no checkpoint.pt to go on from.")


class ResumedOtherwiseError(UsageError):
    hint = "Say nothing else than what the run was begun with, or begin another one in another folder."

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(f"The run in {folder} was begun with other values of {', '.join(names)}.")


class CheckpointError(InputError):
    hint = "Begin the run anew in another folder; --start-from can take this one's weights.safetensors."

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path} cannot be gone on from: {fact}.")


class OutFolderError(InputError):
    hint = "Choose another folder with --out."

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(f"{folder} cannot be made: {error.strerror}.")


class RunExistsError(InputError):
    hint = "Say --resume to go on with it, or choose another folder."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds a training run already.")


def prepare(out: Path, config: str, rows: Mapping[str, int]) -> None:
    """Make the folder, write config.json, and drop from each file of rows those after that step."""
    make(out)
    (out / "config.json").write_text(config, "utf-8")
    for name, step in rows.items():
        _forget_after(out / name, step)


def make(out: Path) -> None:
    """The folder, where it is missing; OutFolderError where it cannot be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutFolderError(out, error) from error


def _forget_after(path: Path, step: int) -> None:
    """Drop the rows that a killed run wrote after its last checkpoint: they are coming again."""
    if not path.exists():
        return
    header, *rows = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([header, *(row for row in rows if int(row.split(",")[0]) <= step)]), "utf-8", newline="\n")


def refuse_another(out: Path) -> None:
    """RunExistsError where the folder holds a run."""
    if (out / "checkpoint.pt").exists():
        raise RunExistsError(out)


def save_checkpoint(out: Path, state: Mapping[str, Any]) -> None:
    torch.save(state, out / "checkpoint.new")
    (out / "checkpoint.new").replace(out / "checkpoint.pt")  # a full disk leaves the last good one


def read_checkpoint(out: Path, needed: Sequence[str]) -> dict[str, Any]:
    """What `save_checkpoint` wrote, on the CPU; NoCheckpointError or CheckpointError where none can be used.

    needed : the keys that tell this kind of run from others
    """
    path = out / "checkpoint.pt"
    if not path.is_file():
        raise NoCheckpointError(out)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(path, "it is damaged or no checkpoint") from error
    if not isinstance(state, dict) or not set(needed) <= state.keys():
        raise CheckpointError(path, OTHER)
    return state


def begun(out: Path, needed: Sequence[str], from_json: Callable[[str], Run]) -> Run:
    """The run whose checkpoint the folder holds; CheckpointError where this version knows no such run."""
    told = read_checkpoint(out, needed)["config"]
    try:
        return from_json(told)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise CheckpointError(out / "checkpoint.pt", OTHER) from error


def append(path: Path, row: Mapping[str, Any]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)
