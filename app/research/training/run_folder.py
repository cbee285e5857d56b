"""The folder of a training: its recipe, its checkpoint, its curves, and going on from them."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from app.base.errors import InputError, UsageError

CHECKPOINT, CURVE, VALIDATION = "checkpoint.pt", "curve.csv", "validation.csv"
NEEDED = ("recipe", "stage", "pairs", "run")  # in a checkpoint
OTHER = "another version of the program wrote it"


class NoCheckpointError(InputError):
    hint = "Leave --resume away to begin, or name the folder of a training that was begun."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds no {CHECKPOINT} to go on from.")


class ResumedOtherwiseError(UsageError):
    hint = "Give what it was begun with, or begin another one in another folder."

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__(f"The training in {folder} was begun with other values of {', '.join(names)}.")


class CheckpointError(InputError):
    hint = "Begin the training anew in another folder."

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path} cannot be gone on from: {fact}.")


class OutFolderError(InputError):
    hint = "Choose another folder with --out."

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(f"{folder} cannot be made: {error.strerror}.")


class RunExistsError(InputError):
    hint = "Say --resume to go on with it, or choose another folder."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} holds a training already.")


@dataclass
class RunFolder:
    """stage : the number, from 1 on, of the stage that writes its rows"""

    path: Path
    stage: int = 1

    def make(self) -> None:
        """The folder, where it is missing; OutFolderError where it cannot be, RunExistsError where it holds one."""
        if (self.path / CHECKPOINT).exists():
            raise RunExistsError(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutFolderError(self.path, error) from error

    def append(self, name: str, step: int, row: Mapping[str, Any]) -> None:
        """A row of a CSV file; one with other columns, as another stage's loss has them, brings its own header line."""
        path = self.path / name
        row = {"stage": self.stage, "step": step} | dict(row)
        header = ",".join(row)
        known = path.exists() and header in path.read_text("utf-8").splitlines()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if not known:
                writer.writeheader()
            writer.writerow(row)

    def forget_after(self, step: int) -> None:
        """Drop the rows that a broken-off training wrote after its last checkpoint: they are coming again."""
        for path in (self.path / CURVE, self.path / VALIDATION):
            if path.exists():
                rows = [line for line in path.read_text("utf-8").splitlines() if self._is_before(line, step)]
                path.write_text("".join(f"{line}\n" for line in rows), "utf-8", newline="\n")

    def _is_before(self, line: str, step: int) -> bool:
        stage, number, *_ = line.split(",")
        return stage == "stage" or (int(stage), int(number)) <= (self.stage, step)

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        unfinished = self.path / "checkpoint.new"
        torch.save(state, unfinished)
        unfinished.replace(self.path / CHECKPOINT)  # a full disk leaves the last good one

    def read_checkpoint(self) -> dict[str, Any]:
        """What `save_checkpoint` wrote, on the CPU; NoCheckpointError or CheckpointError where none can be used."""
        path = self.path / CHECKPOINT
        if not path.is_file():
            raise NoCheckpointError(self.path)
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise CheckpointError(path, "it is damaged or no checkpoint") from error
        if not isinstance(state, dict) or not set(NEEDED) <= state.keys():
            raise CheckpointError(path, OTHER)
        return state
