"""The folder of a training: rows that come and go, and checkpoints that can be read or are named."""

from __future__ import annotations

import pytest
import torch

from app.research.training.run_folder import (
    CURVE,
    NEEDED,
    CheckpointError,
    NoCheckpointError,
    OutFolderError,
    RunExistsError,
    RunFolder,
)

WHOLE = dict.fromkeys(NEEDED, 1)


def test_rows_with_other_columns_bring_their_own_header(tmp_path):
    folder = RunFolder(tmp_path)
    for step in (1, 2):
        folder.append(CURVE, step, {"loss": 0.5})
    folder.stage = 2
    folder.append(CURVE, 1, {"loss": 0.4, "ssim": 0.1})
    expected = ["stage,step,loss", "1,1,0.5", "1,2,0.5", "stage,step,loss,ssim", "2,1,0.4,0.1"]
    assert (tmp_path / CURVE).read_text().splitlines() == expected


def test_rows_after_the_last_checkpoint_are_forgotten(tmp_path):
    folder = RunFolder(tmp_path)
    for folder.stage, step in ((1, 5), (1, 9), (2, 3), (2, 6)):
        folder.append(CURVE, step, {"loss": 1})
    folder.forget_after(3)
    assert (tmp_path / CURVE).read_text().splitlines() == ["stage,step,loss", "1,5,1", "1,9,1", "2,3,1"]


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save_checkpoint(WHOLE | {"pairs": "abc", "run": {"mean": torch.ones(3)}})
    state = folder.read_checkpoint()
    assert state["pairs"] == "abc"
    assert state["run"]["mean"].tolist() == [1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]
    with pytest.raises(RunExistsError, match="holds a training already"):
        folder.make()


def test_no_checkpoint_a_damaged_one_and_another_versions_are_told_apart(tmp_path):
    folder = RunFolder(tmp_path)
    with pytest.raises(NoCheckpointError):
        folder.read_checkpoint()
    (tmp_path / "checkpoint.pt").write_bytes(b"PK not a checkpoint")
    with pytest.raises(CheckpointError, match="it is damaged"):
        folder.read_checkpoint()
    torch.save({"step": 3}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="another version"):
        folder.read_checkpoint()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutFolderError, match="file/run cannot be made"):
        RunFolder(tmp_path / "file/run").make()
