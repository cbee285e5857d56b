"""One stage of a few steps on made-up pairs: it learns, goes on to the same numbers, and stops when asked."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from app.base.progress import Cancelled, Progress, silent
from app.fusion import registry
from app.research.training import loop, losses
from app.research.training.batches import batch_at
from app.research.training.loop import DivergedError, StageRun
from app.research.training.losses import loss_of
from app.research.training.recipes import RecipeError, Stage
from app.research.training.run_folder import CURVE, VALIDATION, RunFolder
from tests.research import made_up

SHORT = Stage(steps=40, batch=2, crop=32, tasks=("ct-mri",), learning_rate=5e-3, warmup=5, ema=0.9)


def changed(**changes: Any) -> Stage:
    return msgspec.structs.replace(SHORT, **changes)


def network(name: str = "lightfusionnet", **arguments: Any) -> nn.Module:
    torch.manual_seed(0)
    return registry.build(name, **arguments)


def begun(stage: Stage, name: str = "lightfusionnet") -> StageRun:
    return StageRun(stage, network(name), name, "cpu")


@dataclass
class Training:
    """A stage on made-up pairs, and what it saved."""

    folder: Path
    saved: list[dict[str, Any]] = field(default_factory=list)

    def go(self, run: StageRun, progress: Progress = silent, held_out: int = 1) -> StageRun:
        self.folder.mkdir(exist_ok=True)

        def save() -> None:
            state = run.state()
            self.saved.append({name: _copied(part) for name, part in state.items()})

        pairs = made_up.pairs(), made_up.pairs(held_out, seed=1)
        loop.train(run, *pairs, RunFolder(self.folder), save, progress=progress)
        return run

    def rows(self, name: str = CURVE) -> list[dict[str, str]]:
        with (self.folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def _copied(part: Any) -> Any:
    if isinstance(part, torch.Tensor):
        return part.clone()
    return {name: _copied(value) for name, value in part.items()} if isinstance(part, dict) else part


def stop_at(step: int, error: type[BaseException] = Cancelled) -> Progress:
    def progress(fraction: float, message: str = "") -> None:
        if message.startswith(f"step {step} of"):
            raise error

    return progress


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums of floats depend on how they are split among threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_few_steps_lower_the_loss_and_are_told(tmp_path):
    training = Training(tmp_path)
    run = training.go(begun(SHORT))
    told = [float(row["loss"]) for row in training.rows()]
    assert np.mean(told[-8:]) < 0.8 * np.mean(told[:4])
    assert [int(row["step"]) for row in training.rows()] == list(range(1, 41))
    assert run.done == training.saved[-1]["done"] == 40
    assert not (tmp_path / VALIDATION).exists()


@pytest.mark.parametrize("error", [Cancelled, KeyError])
def test_a_stage_that_was_stopped_or_killed_goes_on_to_the_same_numbers(tmp_path, monkeypatch, error):
    whole = Training(tmp_path / "whole")
    one = whole.go(begun(SHORT))
    monkeypatch.setattr(loop, "CHECKPOINT_S", -1)  # after every step
    parts = Training(tmp_path / "parts")
    with pytest.raises(error):
        parts.go(begun(SHORT), stop_at(23, error))
    assert parts.saved[-1]["done"] == (23 if error is Cancelled else 22)
    other = begun(SHORT)
    other.restore(parts.saved[-1])
    RunFolder(parts.folder).forget_after(other.done)
    parts.go(other)
    for kind in ("network", "mean"):
        for name, tensor in one.state()[kind].items():
            assert torch.equal(tensor, other.state()[kind][name]), (kind, name)
    assert parts.rows() == whole.rows()


def test_what_is_random_in_a_network_depends_on_seed_and_step_alone(tmp_path, monkeypatch):
    def dropping(net: nn.Module, mri: torch.Tensor, partner: torch.Tensor) -> losses.Terms:
        return {"mean": functional.dropout(net(mri, partner), 0.2).mean()}

    monkeypatch.setattr(loop, "loss_of", lambda *_: dropping)
    ended = []
    for number, seed in enumerate((3, 3, 4)):
        run = begun(changed(seed=seed, steps=3))
        torch.manual_seed(number)  # what was drawn before does not matter
        ended.append(Training(tmp_path / str(number)).go(run).network.state_dict()["mri.0.0.weight"])
    assert torch.equal(ended[0], ended[1])
    assert not torch.equal(ended[0], ended[2])


def test_a_step_of_plain_gradient_descent_is_what_the_textbook_says():
    stage = changed(loss="published", steps=1, warmup=0, optimizer="sgd", learning_rate=1e-3, freeze_norm=0.0, clip=0.0)
    run = begun(stage)
    plain = network().eval()
    batch = batch_at(stage, made_up.pairs(), 0)
    run.step(*batch)
    torch.stack(list(loss_of("lightfusionnet", "published")(plain, *batch).values())).sum().backward()
    learnt = run.network.state_dict()
    for name, parameter in plain.named_parameters():
        torch.testing.assert_close(learnt[name], parameter.detach() - 1e-3 * parameter.grad, atol=1e-5, rtol=1e-4)


def test_the_mean_of_the_weights_follows_them_and_forgets_where_they_began():
    follow = loop._running(0.9)
    mean = torch.zeros(1)
    for count in range(1, 200):
        mean = follow(mean, torch.ones(1), count)
        assert float(mean) >= 1 - 0.9**count - 1e-6
    assert float(mean) == pytest.approx(1)
    assert float(loop._running(0.0)(torch.zeros(1), torch.ones(1), 5)) == 1  # no mean at all


def test_frozen_parameters_stay_as_they_began():
    run = begun(changed(frozen=("mri.*", "*.bias")))
    before = {name: one.clone() for name, one in run.network.named_parameters()}
    run.step(*batch_at(run.stage, made_up.pairs(), 0))
    moved = {name for name, one in run.network.named_parameters() if not torch.equal(one, before[name])}
    assert moved
    assert moved <= {name for name in before if not (name.startswith("mri.") or name.endswith(".bias"))}
    with pytest.raises(RecipeError, match=r"frozen = 'encoder\.\*' names no parameter"):
        begun(changed(frozen=("encoder.*",)))


def test_batch_norm_keeps_its_statistics_in_the_last_part(tmp_path):
    run = Training(tmp_path).go(begun(changed(steps=8, freeze_norm=0.5)))
    counted = [int(one) for name, one in run.network.state_dict().items() if name.endswith("num_batches_tracked")]
    assert set(counted) == {4}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"warmup": 10, "steps": 110}, {0: 1 / 11, 10: 1, 60: 0.5, 59: 0.5 * (1 + math.cos(0.49 * math.pi))}),
        ({"warmup": 0, "schedule": "halving", "halve_every": 25, "steps": 60}, {0: 1, 24: 1, 25: 0.5, 50: 0.25}),
        ({"warmup": 0, "schedule": "constant", "steps": 50}, {0: 1, 25: 1, 49: 1}),
        ({"warmup": 500, "schedule": "constant", "steps": 3}, {0: 1 / 3, 1: 2 / 3, 2: 1}),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*optimizer.step.*")
def test_learning_rates_are_those_of_the_schedule(changes, expected):
    stage = changed(learning_rate=1.0, **changes)
    optimizer = loop._optimizer(stage, [nn.Parameter(torch.zeros(1))])
    scheduler = loop._scheduler(stage, optimizer)
    rates = []
    for _ in range(stage.steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert {step: rates[step] for step in expected} == {step: pytest.approx(rate) for step, rate in expected.items()}


def test_bf16_reaches_the_network_and_not_the_loss(monkeypatch):
    seen: list[torch.dtype] = []

    def looking(net: nn.Module, mri: torch.Tensor, partner: torch.Tensor) -> losses.Terms:
        fused = net(mri, partner)
        seen.extend([fused.dtype, functional.conv2d(fused.float(), torch.ones(1, 1, 3, 3)).dtype])
        return {"mean": fused.float().mean()}

    monkeypatch.setattr(loop, "loss_of", lambda *_: looking)
    run = begun(changed(bf16=True))
    run.step(*batch_at(run.stage, made_up.pairs(), 0))
    assert seen == [torch.bfloat16, torch.float32]


def test_in_bf16_no_gradient_holds_what_memory_held_before():
    """Freed memory is full of NaN: a gradient that reads what nobody wrote shows it (see loop._memory_format)."""
    run = begun(changed(bf16=True, batch=1))
    pair = batch_at(run.stage, made_up.pairs(), 0)
    sizes = [n for n in (50, 144, 200, 500, 1000, 2000, 5000, 20_000, 40_000, 80_000, 200_000) for _ in range(6)]
    for _ in range(6):
        freed = [torch.full((n,), math.nan, dtype=kind) for n in sizes for kind in (torch.bfloat16, torch.float32)]
        del freed
        run.step(*pair)
        assert all(torch.isfinite(parameter.grad).all() for parameter in run.learning)


def test_a_loss_that_is_no_number_ends_the_stage(monkeypatch):
    monkeypatch.setattr(
        loop, "loss_of", lambda *_: lambda net, mri, partner: {"none": net(mri, partner).sum() * math.nan}
    )
    run = begun(SHORT)
    with pytest.raises(DivergedError, match="the loss of step 1 is nan"):
        run.step(*batch_at(run.stage, made_up.pairs(), 0))


def test_only_as_many_pairs_are_looked_at_as_asked(tmp_path):
    training = Training(tmp_path)
    messages: list[str] = []
    run = begun(changed(steps=4, validate_every=2, validate_pairs=2))
    training.go(run, lambda part, message="": messages.append(message), held_out=5)
    looks = [message for message in messages if "validating" in message]
    assert looks == [f"step {step}, validating ct-mri {name}" for step in (2, 4) for name in (1000, 1002)]
    assert [(row["step"], row["task"], row["n"]) for row in training.rows(VALIDATION)] == [
        ("2", "ct-mri", "2"), ("4", "ct-mri", "2"),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "crop", "fact"), [("refinefuse", 100, "multiple of 8"), ("maximum", 6, "least 15")])
def test_crops_that_a_network_or_a_loss_cannot_take_are_refused(name, crop, fact):
    with pytest.raises(RecipeError, match=fact):
        begun(changed(crop=crop), name)
