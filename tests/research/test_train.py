"""A training run of a few steps on made-up pairs: it learns, resumes to the same numbers, and stops when asked."""

from __future__ import annotations

import csv
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from app.fusion import weights
from app.progress import Cancelled
from app.research import train as training
from app.research.config import CONFIGS, TrainConfig, UnknownRunError, config, read_config
from app.research.objectives import LOSSES
from app.research.pairs import Pair


def made_up(count: int = 3, seed: int = 0) -> list[Pair]:
    """Discs and stripes, 48 x 48, with air around them."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:48j, -1:1:48j]
    head = x**2 + y**2 < 0.9
    pairs = []
    for number in range(count):
        stripes = 120 + 80 * np.sin(x * draw.uniform(10, 25) + y * draw.uniform(0, 10))
        centre = draw.uniform(-0.4, 0.4, 2)
        disc = 220 * np.exp(-4 * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2))
        mri, partner = (np.where(head, one, 0).astype(np.uint8) for one in (stripes, disc))
        pairs.append(Pair("ct-mri", str(1000 + number), mri, partner))
    return pairs


SHORT = TrainConfig(
    network="lightfusionnet",
    loss="faithful",
    tasks=("ct-mri",),
    steps=60,
    batch=2,
    crop=32,
    learning_rate=5e-3,
    warmup=5,
    ema=0.9,
    validate_every=20,
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def stop_at(step: int, run: TrainConfig):
    def progress(fraction: float, message: str = "") -> None:
        if round(fraction * run.steps) == step:
            raise Cancelled

    return progress


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums of floats depend on how they are split among threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_few_steps_lower_the_loss_and_leave_everything_a_run_needs(tmp_path):
    seen: list[float] = []

    def listening(fraction: float, message: str = "") -> None:
        if "loss" in message:
            seen.append(float(message.rsplit(" ", 1)[1]))

    best = training.train(SHORT, made_up(), made_up(2, seed=1), tmp_path / "run", progress=listening)
    assert len(seen) == SHORT.steps
    assert np.mean(seen[-10:]) < 0.7 * np.mean(seen[:5])
    assert read_config(tmp_path / "run/config.json") == SHORT
    steps = [int(row["step"]) for row in rows(tmp_path / "run/validation.csv")]
    assert steps == [20, 40, 60]
    scores = [float(row["score"]) for row in rows(tmp_path / "run/validation.csv")]
    assert max(scores) == pytest.approx(best, abs=1e-5)
    assert int(rows(tmp_path / "run/curve.csv")[-1]["step"]) == 60
    assert weights.arguments_in(tmp_path / "run/weights.safetensors") == {}


def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(tmp_path):
    pairs, held_out = made_up(), made_up(1, seed=1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    training.train(SHORT, pairs, held_out, whole)
    with pytest.raises(Cancelled):
        training.train(SHORT, pairs, held_out, parts, progress=stop_at(33, SHORT))
    training.train(SHORT, pairs, held_out, parts, resume=True)
    states = [torch.load(one / "checkpoint.pt", weights_only=True) for one in (whole, parts)]
    for kind in ("network", "mean"):
        for name, tensor in states[0][kind].items():
            assert torch.equal(tensor, states[1][kind][name]), (kind, name)
    assert rows(whole / "validation.csv") == rows(parts / "validation.csv")
    assert (whole / "weights.safetensors").read_bytes() == (parts / "weights.safetensors").read_bytes()


def test_a_run_is_never_overwritten(tmp_path):
    run = replace(SHORT, steps=2, validate_every=2)
    training.train(run, made_up(1), made_up(1), tmp_path)
    with pytest.raises(training.RunExistsError):
        training.train(run, made_up(1), made_up(1), tmp_path)


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(training.NoCheckpointError):
        training.train(SHORT, made_up(1), made_up(1), tmp_path, resume=True)


def test_batch_norm_keeps_its_statistics_in_the_last_part(tmp_path):
    run = replace(SHORT, steps=8, validate_every=8, freeze_norm=0.5)
    training.train(run, made_up(), made_up(1), tmp_path)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    counted = [int(tensor) for name, tensor in state.items() if name.endswith("num_batches_tracked")]
    assert set(counted) == {4}


def test_the_command_trains_from_folders_and_reports_a_mistake_in_a_sentence(tmp_path, capsys):
    for split in ("train", "val"):
        for pair in made_up(2):
            for task, modality in (("ct-mri", "ct"), ("pet-mri", "pet"), ("spect-mri", "spect")):
                for kind, picture in (("mri", pair.mri), (modality, pair.luma)):
                    folder = tmp_path / "pairs" / task / split / kind
                    folder.mkdir(parents=True, exist_ok=True)
                    coloured = np.repeat(picture[..., None], 3, axis=2) if kind in ("pet", "spect") else picture
                    Image.fromarray(coloured // 8 * 8).save(folder / f"{pair.name}.png")
    arguments = ["--network", "lightfusionnet", "--pairs", str(tmp_path / "pairs"), "--out", str(tmp_path / "run")]
    assert training.main([*arguments, "--steps", "2", "--device", "cpu", "--threads", "1"]) == 0
    assert (tmp_path / "run/weights.safetensors").is_file()
    assert read_config(tmp_path / "run/config.json") == config("lightfusionnet", steps=2)
    assert training.main([*arguments, "--device", "cpu"]) == 2
    assert "holds a training run already" in capsys.readouterr().err
    assert training.main([*arguments, "--device", "cpu", "--resume"]) == 0
    assert training.main(["--network", "no-such", "--pairs", str(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "lightfusionnet" in capsys.readouterr().err


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "read_pairs", lambda folder, split, tasks: made_up(1))
    monkeypatch.setattr(training, "config", lambda name, **changes: replace(SHORT, steps=1000, validate_every=1000))
    update = training._follow
    steps: list[int] = []

    def interrupted(*args: Any) -> None:
        update(*args)
        steps.append(1)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training, "_follow", interrupted)
    before = signal.getsignal(signal.SIGINT)
    code = training.main(
        ["--network", "lightfusionnet", "--pairs", str(tmp_path), "--out", str(tmp_path / "run"), "--device", "cpu"]
    )
    assert code == 130
    assert "--resume" in capsys.readouterr().err
    assert torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)["step"] == len(steps) == 3
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("run", CONFIGS.values(), ids=CONFIGS)
def test_every_listed_run_is_complete(run, tmp_path):
    assert run.loss in LOSSES
    (tmp_path / "config.json").write_text(run.as_json())
    assert read_config(tmp_path / "config.json") == run
    rates = [run.learning_rate_at(step) for step in range(run.steps)]
    assert max(rates) == pytest.approx(run.learning_rate, rel=0.01)
    assert min(rates) >= 0
    assert rates[-1] < run.learning_rate / 7


def test_the_published_schedule_halves_every_fifty_of_two_hundred_epochs():
    run = CONFIGS["lightfusionnet-published"]
    quarter = run.steps // 4
    rates = [run.learning_rate_at(step) for step in (0, quarter - 1, quarter, 2 * quarter, run.steps - 1)]
    assert rates == pytest.approx([1e-4, 1e-4, 5e-5, 2.5e-5, 1.25e-5])


def test_a_run_nobody_knows_is_answered_with_those_there_are():
    with pytest.raises(UnknownRunError) as caught:
        config("resnet")
    assert "lightfusionnet-published" in caught.value.hint
    assert math.isfinite(CONFIGS["lightfusionnet"].clip)
