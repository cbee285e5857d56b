"""Two processes that torchrun starts train to the numbers of one, stop together, and go on where they stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from app.fusion import registry
from app.research.pairs import read_pairs
from app.research.training import loop, run_folder
from app.research.training import processes as ranks
from app.research.training.config import ConfigError, TrainConfig
from tests.research import made_up

# One loss that is a mean over the batch, and batch norm that has stopped learning: then nothing depends on the share.
RUN = TrainConfig(
    network="lightfusionnet",
    loss="lightfusionnet-published",
    steps=30,
    batch=4,
    crop=32,
    optimizer="sgd",
    learning_rate=1e-3,
    warmup=5,
    ema=0.9,
    freeze_norm=0.0,
    validate_every=10,
    validate_pairs=1,
)

# What each process runs: the command, with RUN among its runs. It keeps its own network to be compared, and in STOP_AT
# gives rank 1, and that one alone, the signal that torchrun passes on.
PROCESS = f"""
import os, signal, sys, torch
from app.research.training import loop
from app.research.training import train as training
from app.research.training.config import CONFIGS, TrainConfig
from app.research.pairs import Augmentation

told = {asdict(RUN)!r}
CONFIGS["two"] = TrainConfig(**told | {{"augmentation": Augmentation(**told["augmentation"])}})
rank, stop_at = os.environ["RANK"], int(os.environ["STOP_AT"])
steps, kept, follow = [], {{}}, loop.follow

def followed(mean, now, *how):
    follow(mean, now, *how)
    kept.update(now)
    steps.append(1)
    if rank == "1" and len(steps) == stop_at:
        signal.raise_signal(signal.SIGTERM)

loop.follow = followed
code = training.main(sys.argv[2:])
torch.save({{"code": code, "steps": len(steps), "network": kept}}, sys.argv[1] + rank)
"""


def torchrun(folder: Path, root: Path, *given: str, stop_at: int = 0) -> tuple[str, list[dict]]:
    """What the processes printed to stderr, and what each left."""
    (folder / "process.py").write_text(PROCESS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    with subprocess.Popen(
        [*command, str(folder / "process.py"), str(folder / "rank"), "--network", "two", "--device", "cpu", *given],
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "STOP_AT": str(stop_at)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            _, said = started.communicate(timeout=250)
        finally:
            started.terminate()  # torchrun then ends its processes; nothing where it has ended by itself
    assert started.returncode == 0, said
    return said, [torch.load(folder / f"rank{rank}", weights_only=True) for rank in (0, 1)]


def furthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    assert one.keys() == other.keys()
    return max(float((tensor.double() - other[name].double()).abs().max()) for name, tensor in one.items())


def test_two_processes_train_to_the_numbers_of_one_through_a_stop_and_a_resume(tmp_path, root):
    folder = made_up.write(tmp_path / "pairs")
    where = ["--pairs", str(folder), "--out", str(tmp_path / "two")]
    said, left = torchrun(tmp_path, root, *where, stop_at=13)
    assert [one["code"] for one in left] == [130, 130]
    assert [one["steps"] for one in left] == [13, 13]
    assert said.count("go on with --resume") == 1
    assert run_folder.read_checkpoint(tmp_path / "two", loop.NEEDED)["step"] == 13
    _, left = torchrun(tmp_path, root, *where, "--resume")
    assert [one["code"] for one in left] == [0, 0]
    assert [one["steps"] for one in left] == [17, 17]
    assert furthest(left[0]["network"], left[1]["network"]) == 0

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    begun = registry.build(RUN.network).state_dict()
    loop.train(RUN, read_pairs(folder, "train"), read_pairs(folder, "val"), tmp_path / "one")
    torch.set_num_threads(threads)
    one, two = (run_folder.read_checkpoint(tmp_path / name, loop.NEEDED) for name in ("one", "two"))
    assert furthest(begun, one["network"]) > 1e-3  # it did learn
    for kind in ("network", "mean"):
        assert furthest(one[kind], two[kind]) < 1e-6
    assert one["best"] == pytest.approx(two["best"], abs=1e-5)
    ran = [(tmp_path / name / "validation.csv").read_text().splitlines() for name in ("one", "two")]
    assert [line.split(",")[:3:2] for line in ran[0]] == [line.split(",")[:3:2] for line in ran[1]]


def test_a_batch_that_the_processes_cannot_share_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ranks, "count", lambda: 3)
    with pytest.raises(ConfigError, match="batch = 4: it must be a multiple of the 3 processes"):
        loop.train(RUN, made_up.pairs(), made_up.pairs(1), tmp_path)
