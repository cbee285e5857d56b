"""LKC-FUNet's last blocks trained alone: the rest stays, small kernels end up inside large ones, and it resumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.fusion import registry, weights
from app.progress import Cancelled
from app.research import examples, last_blocks, run_folder
from app.research.config import start_from
from app.research.examples import Example
from app.research.fusers import from_file
from app.research.pairs import MEDICAL_TASKS
from tests.research import made_up

ARGUMENTS = {"from_maximum": True, "dropout": 0.0, "drop_path": 0.0}


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("begun") / "weights.safetensors"
    weights.save(registry.build("lkcfunet", **ARGUMENTS), path, ARGUMENTS)
    return path


def short(begun: Path) -> last_blocks.LastBlocksRun:
    return last_blocks.LastBlocksRun(start_from(begun), steps=4, tasks=("ct-mri",), ema=0.5)


def followed(count: int) -> list[Example]:
    """Slices with the picture to follow: the maximum, half of which is not there."""
    made = []
    for pair in made_up.pairs(count):
        sources = np.stack([pair.mri, pair.luma]).astype(np.float16) / 255
        made.append(Example(pair.task, np.concatenate([sources, sources.max(0, keepdims=True) / 2])))
    return made


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return weights.read_tensors(path, weights.sha256_of(path))


def test_only_the_last_blocks_and_only_the_centres_of_its_kernels_move(begun, tmp_path):
    last_blocks.train(short(begun), followed(2), tmp_path / "run")
    before, after = tensors(begun), tensors(tmp_path / "run/weights.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.startswith(last_blocks.LEARNING) for name in moved)
    for name in ("last.first.2.weight", "last.second.3.weight"):
        apart = (after[name] - before[name]).abs().amax((0, 1))
        assert apart[6:9, 6:9].min() > 0
        apart[6:9, 6:9] = 0
        assert apart.max() == 0


def test_a_kernel_beside_a_large_one_is_that_kernel_inside_it():
    torch.manual_seed(0)
    large = last_blocks.LargeKernelConv2d(3, 2, 15)
    beside = last_blocks._Beside(large, 3)
    with torch.no_grad():
        beside.small.weight.normal_()
        features = torch.randn(1, 3, 24, 20)
        apart = beside(features)
        torch.testing.assert_close(beside.merged()(features), apart, atol=1e-4, rtol=1e-4)


def test_it_comes_nearer_to_what_it_follows(begun, tmp_path):
    run = last_blocks.LastBlocksRun(start_from(begun), steps=12, tasks=("ct-mri",), warmup=1)
    seen: list[float] = []

    def listening(fraction: float, message: str = "") -> None:
        if "loss" in message:
            seen.append(float(message.rsplit(" ", 1)[1]))

    last_blocks.train(run, followed(1), tmp_path / "run", progress=listening)
    assert seen[-1] < 0.5 * seen[0]


def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(begun, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of floats depend on how they are split among threads

    def stopping(fraction: float, message: str = "") -> None:
        if message.startswith("step 2 of"):
            raise Cancelled

    last_blocks.train(short(begun), followed(2), tmp_path / "whole")
    with pytest.raises(Cancelled):
        last_blocks.train(short(begun), followed(2), tmp_path / "parts", progress=stopping)
    assert tensors(tmp_path / "parts/weights.safetensors").keys() == tensors(begun).keys()
    run = last_blocks.from_json(run_folder.read_checkpoint(tmp_path / "parts", last_blocks.NEEDED)["config"])
    assert run == short(begun)
    with pytest.raises(run_folder.ResumedOtherwiseError, match="--examples"):
        last_blocks.train(run, followed(3), tmp_path / "parts", resume=True)
    last_blocks.train(run, followed(2), tmp_path / "parts", resume=True)
    torch.set_num_threads(before)
    one, other = (tmp_path / name / "weights.safetensors" for name in ("whole", "parts"))
    assert one.read_bytes() == other.read_bytes()
    assert from_file("lkcfunet", one)(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)).shape == (1, 1, 16, 16)


def test_the_command_refuses_what_is_not_there_in_a_sentence(begun, tmp_path, capsys):
    for task in MEDICAL_TASKS:
        examples.make([replace(pair, task=task) for pair in made_up.pairs(1)], tmp_path / "examples")
    run = ["--examples", str(tmp_path / "examples"), "--out", str(tmp_path / "run")]
    assert last_blocks.main([*run, "--resume"]) == 2
    assert "holds no checkpoint.pt to go on from" in capsys.readouterr().err
    assert last_blocks.main([*run, "--start-from", str(tmp_path / "none")]) == 2
    assert "no weights to start from" in capsys.readouterr().err
    assert last_blocks.main([*run, "--start-from", str(begun), "--steps", "1"]) == 0
    assert last_blocks.main([*run, "--start-from", str(begun)]) == 2
    assert "holds a training run already" in capsys.readouterr().err
    assert last_blocks.main([*run, "--resume", "--steps", "2"]) == 2
    assert "begun with other values of --steps" in capsys.readouterr().err
    begun_gone = begun.with_name("gone.safetensors")
    begun.rename(begun_gone)
    assert last_blocks.main([*run, "--resume"]) == 2
    assert f"{begun} cannot be read: No such file" in capsys.readouterr().err
    begun_gone.rename(begun)


def test_the_folder_of_another_kind_of_run_is_refused(tmp_path):
    run_folder.save_checkpoint(tmp_path, {"config": "{}", "network": {}, "validated": 0})
    with pytest.raises(run_folder.CheckpointError, match="another kind of run"):
        run_folder.read_checkpoint(tmp_path, last_blocks.NEEDED)
