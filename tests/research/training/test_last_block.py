"""LKC-FUNet's end trained alone: the rest stays, the small kernel ends up inside the large one, and it resumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from app.base.progress import Cancelled
from app.fusion import registry, weights
from app.research.evaluation.fusers import from_file
from app.research.pairs import MEDICAL_TASKS
from app.research.training import examples, last_block, run_folder
from app.research.training.config import start_from
from app.research.training.examples import Example
from app.research.training.planted import lesion_terms
from tests.research import made_up

ARGUMENTS = {"from_maximum": True, "dropout": 0.0, "drop_path": 0.0}


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("begun") / "weights.safetensors"
    weights.save(registry.build("lkcfunet", **ARGUMENTS), path, ARGUMENTS)
    return path


def short(begun: Path) -> last_block.LastBlockRun:
    return last_block.LastBlockRun(start_from(begun), steps=4, tasks=("ct-mri",), ema=0.5)


def followed(count: int) -> list[Example]:
    """Slices with the picture to follow: the maximum, half of which is not there."""
    made = []
    for pair in made_up.pairs(count):
        sources = np.stack([pair.mri, pair.luma]).astype(np.float16) / 255
        made.append(Example(pair.task, np.concatenate([sources, sources.max(0, keepdims=True) / 2])))
    return made


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return weights.read_tensors(path, weights.sha256_of(path))


def test_only_the_end_and_only_the_centre_of_its_kernel_move(begun, tmp_path):
    last_block.train(short(begun), followed(2), tmp_path / "run")
    before, after = tensors(begun), tensors(tmp_path / "run/weights.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.startswith(last_block.LEARNING) for name in moved)
    apart = (after["last.second.3.weight"] - before["last.second.3.weight"]).abs().amax((0, 1))
    assert apart[6:9, 6:9].min() > 0
    apart[6:9, 6:9] = 0
    assert apart.max() == 0


@pytest.mark.parametrize("lost", [0.0, 1.0])
def test_the_end_gives_what_the_whole_network_gives(begun, tmp_path, lost):
    """Of what is kept of a slice, and twins, rounded to bfloat16; before it learns, and after, merged."""
    torch.manual_seed(0)
    network = from_file("lkcfunet", begun).eval()
    run = replace(short(begun), lost=lost)
    (example,) = followed(1)
    ((_, path),) = last_block.prepare(network, [example], tmp_path / "given", twins=run.twins)["ct-mri"]
    given = {name: one.float() for name, one in load_file(path).items()}
    end = last_block._End(network, 3)
    sources = last_block._twins(example).sources if lost else example.tensors()[:2]
    with torch.inference_mode():
        for _ in range(2):
            torch.testing.assert_close(end(*sources, **given).clamp(0, 1), network(*sources), atol=2e-3, rtol=0)
            end.small.weight.normal_(std=0.01)
            end.head[-1].bias.add_(0.1)
            end.merge_into(network)


def test_what_is_given_is_made_anew_for_another_large_kernel(begun, tmp_path):
    network = from_file("lkcfunet", begun).eval()
    ((_, first),) = last_block.prepare(network, followed(1), tmp_path)["ct-mri"]
    with torch.no_grad():
        network.head[-1].bias.add_(1)
    assert last_block.prepare(network, followed(1), tmp_path)["ct-mri"][0][1] == first
    with torch.no_grad():
        network.last.second[-1].weight[..., 7, 7] += 0.01
    assert last_block.prepare(network, followed(1), tmp_path)["ct-mri"][0][1] != first


def test_cancelling_leaves_the_network_between_its_steps(begun, tmp_path):
    asked: list[float] = []

    def progress(fraction: float, message: str = "") -> None:
        asked.append(fraction)
        if len(asked) == 3:  # the first is before the slice, the second before its first step
            raise Cancelled

    with pytest.raises(Cancelled):
        last_block.prepare(from_file("lkcfunet", begun), followed(1), tmp_path, progress=progress)
    assert len(asked) == 3
    assert list(tmp_path.iterdir()) == []


def test_edges_are_asked_for(begun, tmp_path):
    run = replace(short(begun), steps=20, warmup=1, edges=1.0)
    last_block.train(run, followed(1), tmp_path)
    curve = np.genfromtxt(tmp_path / "curve.csv", delimiter=",", names=True)
    assert 0 < curve["edges"][1] < curve["edges"][0] < 1


@pytest.mark.parametrize(("weight", "least", "most"), [(0.0, 0.3, 1.0), (1.0, 0.0, 0.1)])
def test_a_lesion_that_the_maximum_loses_shows_where_it_is_asked_for(begun, tmp_path, weight, least, most):
    """The picture to follow is a brighter partner, in which none of the MRI's spots shows."""
    draw = np.random.default_rng(3)
    mri, partner = 0.4 + 0.02 * draw.standard_normal((48, 48)), 0.6 + 0.02 * draw.standard_normal((48, 48))
    example = Example("ct-mri", np.stack([mri, partner, partner]).astype(np.float16))
    twins = last_block._twins(example)
    assert twins.into_mri.all()
    run = last_block.LastBlockRun(start_from(begun), steps=20, tasks=("ct-mri",), warmup=1, ema=0.5, lost=weight)
    last_block.train(run, [example], tmp_path / "run")
    with torch.inference_mode():
        pictures = twins.fused_by(from_file("lkcfunet", tmp_path / "run/weights.safetensors").eval())
    assert least <= lesion_terms(twins, *pictures, lost=1.0, invented=0.0)["lost"] <= most


def test_it_comes_nearer_to_what_it_follows(begun, tmp_path):
    run = last_block.LastBlockRun(start_from(begun), steps=12, tasks=("ct-mri",), warmup=1)
    seen: list[float] = []

    def listening(fraction: float, message: str = "") -> None:
        if "loss" in message:
            seen.append(float(message.rsplit(" ", 1)[1]))

    last_block.train(run, followed(1), tmp_path / "run", progress=listening)
    assert seen[-1] < 0.5 * seen[0]


def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(begun, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of floats depend on how they are split among threads

    def stopping(fraction: float, message: str = "") -> None:
        if message.startswith("step 2 of"):
            raise Cancelled

    last_block.train(short(begun), followed(2), tmp_path / "whole")
    with pytest.raises(Cancelled):
        last_block.train(short(begun), followed(2), tmp_path / "parts", progress=stopping)
    assert tensors(tmp_path / "parts/weights.safetensors").keys() == tensors(begun).keys()
    run = last_block.from_json(run_folder.read_checkpoint(tmp_path / "parts", last_block.NEEDED)["config"])
    assert run == short(begun)
    with pytest.raises(run_folder.ResumedOtherwiseError, match="--examples"):
        last_block.train(run, followed(3), tmp_path / "parts", resume=True)
    last_block.train(run, followed(2), tmp_path / "parts", resume=True)
    torch.set_num_threads(before)
    one, other = (tmp_path / name / "weights.safetensors" for name in ("whole", "parts"))
    assert one.read_bytes() == other.read_bytes()
    assert from_file("lkcfunet", one)(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)).shape == (1, 1, 16, 16)


def test_the_command_refuses_what_is_not_there_in_a_sentence(begun, tmp_path, capsys):
    for task in MEDICAL_TASKS:
        examples.make([replace(pair, task=task) for pair in made_up.pairs(1)], tmp_path / "examples")
    run = ["--examples", str(tmp_path / "examples"), "--out", str(tmp_path / "run")]
    assert last_block.main([*run, "--resume"]) == 2
    assert "holds no checkpoint.pt to go on from" in capsys.readouterr().err
    assert last_block.main([*run, "--start-from", str(tmp_path / "none")]) == 2
    assert "no weights to start from" in capsys.readouterr().err
    for wrong in (["--steps", "0"], ["--learning-rate", "nan"]):
        assert last_block.main([*run, "--start-from", str(begun), *wrong]) == 2
        assert "A training run cannot have" in capsys.readouterr().err
    assert last_block.main([*run, "--start-from", str(begun), "--steps", "1"]) == 0
    assert last_block.main([*run, "--start-from", str(begun)]) == 2
    assert "holds a training run already" in capsys.readouterr().err
    assert last_block.main([*run, "--resume", "--steps", "2"]) == 2
    assert "begun with other values of --steps" in capsys.readouterr().err
    begun_gone = begun.with_name("gone.safetensors")
    begun.rename(begun_gone)
    assert last_block.main([*run, "--resume"]) == 2
    assert f"{begun} cannot be read: No such file" in capsys.readouterr().err
    begun_gone.rename(begun)


def test_the_folder_of_another_kind_of_run_is_refused(tmp_path):
    run_folder.save_checkpoint(tmp_path, {"config": "{}", "network": {}, "validated": 0})
    with pytest.raises(run_folder.CheckpointError, match="another kind of run"):
        run_folder.read_checkpoint(tmp_path, last_block.NEEDED)
