"""A training run of a few steps on made-up pairs: it learns, resumes to the same numbers, and stops when asked."""

from __future__ import annotations

import csv
import importlib.metadata
import json
import math
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from app.base.progress import Cancelled
from app.fusion import registry, weights
from app.research.pairs import MEDICAL_TASKS, Augmentation, batch_at, varied
from app.research.training import examples, loop, run_folder
from app.research.training import train as training
from app.research.training.config import (
    CONFIGS,
    ConfigError,
    StartFrom,
    TrainConfig,
    UnknownRunError,
    config,
    from_json,
)
from app.research.training.losses import OF_FUSED, DivergedError, of_fused
from app.research.training.objectives import LOSSES, OF_SSPFUSION
from tests.research import made_up

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


def stop_at(start: str, error: type[Exception] = Cancelled):
    """A progress that raises at the first message that begins so."""

    def progress(fraction: float, message: str = "") -> None:
        if message.startswith(start):
            raise error

    return progress


def assert_same_run(one: Path, other: Path) -> None:
    states = [run_folder.read_checkpoint(folder, loop.NEEDED) for folder in (one, other)]
    for kind in ("network", "mean"):
        for name, tensor in states[0][kind].items():
            assert torch.equal(tensor, states[1][kind][name]), (kind, name)
    assert states[0]["best"] == states[1]["best"]
    for name in ("curve.csv", "validation.csv", "weights.safetensors"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


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

    best = loop.train(SHORT, made_up.pairs(), made_up.pairs(2, seed=1), tmp_path / "run", progress=listening)
    assert len(seen) == SHORT.steps
    assert np.mean(seen[-10:]) < 0.7 * np.mean(seen[:5])
    assert from_json((tmp_path / "run/config.json").read_text()) == SHORT
    steps = [int(row["step"]) for row in rows(tmp_path / "run/validation.csv")]
    assert steps == [20, 40, 60]
    scores = [float(row["score"]) for row in rows(tmp_path / "run/validation.csv")]
    assert max(scores) == pytest.approx(best, abs=1e-5)
    assert [int(row["step"]) for row in rows(tmp_path / "run/curve.csv")] == list(range(1, 61))
    assert weights.arguments_in(tmp_path / "run/weights.safetensors") == {}


def test_frozen_parameters_stay_as_they_began(tmp_path):
    run = replace(SHORT, steps=3, validate_every=3, frozen=("mri.*", "*.bias"))
    torch.manual_seed(run.seed)
    began = dict(registry.build(run.network, **run.arguments).named_parameters())
    loop.train(run, made_up.pairs(), made_up.pairs(1, seed=1), tmp_path / "run")
    assert from_json((tmp_path / "run/config.json").read_text()) == run
    ended = run_folder.read_checkpoint(tmp_path / "run", loop.NEEDED)["network"]
    moved = {name for name, parameter in began.items() if not torch.equal(parameter, ended[name])}
    assert moved
    assert moved == {name for name in began if not (name.startswith("mri.") or name.endswith(".bias"))}


def test_a_pattern_that_freezes_nothing_and_a_part_frozen_as_it_was_drawn_are_refused(tmp_path, capsys):
    run = replace(SHORT, frozen=("encoder.*",))
    with pytest.raises(ConfigError, match="encoder"):
        loop.train(run, made_up.pairs(), made_up.pairs(1), tmp_path / "run")
    asked = ["--network", "sspfusion-followed", "--pairs", str(tmp_path), "--out", str(tmp_path / "run")]
    assert training.main(asked) == 2
    assert "it must be given (--start-from)" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["step 33 of", "step 40 of 60, validating"])
def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(tmp_path, where):
    pairs, held_out = made_up.pairs(), made_up.pairs(1, seed=1)
    loop.train(SHORT, pairs, held_out, tmp_path / "whole")
    with pytest.raises(Cancelled):
        loop.train(SHORT, pairs, held_out, tmp_path / "parts", progress=stop_at(where))
    loop.train(SHORT, pairs, held_out, tmp_path / "parts", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_run_that_was_killed_goes_on_from_what_was_saved_by_time(tmp_path, monkeypatch):
    pairs, held_out = made_up.pairs(), made_up.pairs(1, seed=1)
    loop.train(SHORT, pairs, held_out, tmp_path / "whole")

    def saved_at_18_killed_at_33(fraction: float, message: str = "") -> None:
        monkeypatch.setattr(loop, "CHECKPOINT_S", -1 if message.startswith("step 17 of") else math.inf)
        if message.startswith("step 33 of"):
            raise KeyError

    with pytest.raises(KeyError):
        loop.train(SHORT, pairs, held_out, tmp_path / "parts", progress=saved_at_18_killed_at_33)
    assert run_folder.read_checkpoint(tmp_path / "parts", loop.NEEDED)["step"] == 18
    assert len(rows(tmp_path / "parts/curve.csv")) == 33
    loop.train(SHORT, pairs, held_out, tmp_path / "parts", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_what_is_random_in_a_network_is_resumed_too(tmp_path, monkeypatch):
    def dropping(network, mri, partner):
        return OF_FUSED["faithful"](functional.dropout(network(mri, partner), 0.2), mri, partner)

    monkeypatch.setitem(LOSSES, "dropping", dropping)
    run = replace(SHORT, loss="dropping", steps=6, validate_every=6)
    for name in ("whole", "parts"):
        torch.manual_seed(len(name) + len(list(tmp_path.iterdir())))  # what was drawn before does not matter
        if name == "parts":
            with pytest.raises(Cancelled):
                loop.train(run, made_up.pairs(), made_up.pairs(1), tmp_path / name, progress=stop_at("step 4 of"))
        loop.train(run, made_up.pairs(), made_up.pairs(1), tmp_path / name, resume=name == "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    loop.train(replace(run, loss="faithful"), made_up.pairs(), made_up.pairs(1), tmp_path / "without")
    whole, without = (
        run_folder.read_checkpoint(tmp_path / name, loop.NEEDED)["network"] for name in ("whole", "without")
    )
    assert not torch.equal(whole["mri.0.0.weight"], without["mri.0.0.weight"])


def test_a_step_of_plain_gradient_descent_is_what_the_textbook_says(tmp_path):
    run = replace(
        SHORT, steps=1, warmup=0, optimizer="sgd", learning_rate=0.1, freeze_norm=0.0, clip=0.0, validate_every=1
    )
    pairs = made_up.pairs()
    loop.train(run, pairs, made_up.pairs(1), tmp_path / "run")
    torch.manual_seed(run.seed)
    network = registry.build("lightfusionnet").eval()
    mri, partner = batch_at(pairs, 0, seed=0, batch=2, cut=partial(varied, augmentation=Augmentation(), crop=32))
    terms = LOSSES["faithful"](network, mri, partner)
    sum(terms.values()).backward()
    trained = run_folder.read_checkpoint(tmp_path / "run", loop.NEEDED)["network"]
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(trained[name], parameter.detach() - 0.1 * parameter.grad, atol=1e-6, rtol=1e-5)


def test_a_run_starts_from_the_weights_of_another_and_remembers_which(tmp_path, capsys):
    folder = made_up.write(tmp_path / "pairs")
    first = registry.build("lightfusionnet")
    stage = tmp_path / "stage/weights.safetensors"
    stage.parent.mkdir()
    sha256 = weights.save(first, stage, {})
    arguments = ["--network", "lightfusionnet", "--pairs", str(folder), "--device", "cpu", "--steps", "1"]
    arguments += ["--learning-rate", "0", "--start-from", str(stage.parent), "--out", str(tmp_path / "run")]
    assert training.main(arguments) == 0
    assert json.loads((tmp_path / "run/config.json").read_text())["start_from"] == {
        "file": str(stage),
        "sha256": sha256,
    }
    kept = weights.read_tensors(
        tmp_path / "run/weights.safetensors", weights.sha256_of(tmp_path / "run/weights.safetensors")
    )
    for name, parameter in first.named_parameters():
        assert torch.equal(kept[name], parameter)
    altered = replace(SHORT, start_from=StartFrom(str(stage), "0" * 64))
    with pytest.raises(weights.WeightsAlteredError):
        loop.train(altered, made_up.pairs(1), made_up.pairs(1), tmp_path / "other")
    stage.unlink()
    assert training.main(["--pairs", str(folder), "--out", str(tmp_path / "run"), "--device", "cpu", "--resume"]) == 0
    assert training.main([*arguments[:-1], str(tmp_path / "third")]) == 2
    assert "no weights to start from" in capsys.readouterr().err
    assert not (tmp_path / "third").exists()


def test_the_checkpoint_tells_the_whole_run(tmp_path):
    run = replace(SHORT, steps=2, validate_every=2, start_from=None, clip=0.0)
    loop.train(run, made_up.pairs(1), made_up.pairs(1), tmp_path)
    (tmp_path / "config.json").unlink()
    assert from_json(run_folder.read_checkpoint(tmp_path, loop.NEEDED)["config"]) == run
    loop.train(run, made_up.pairs(1), made_up.pairs(1), tmp_path, resume=True)
    assert from_json((tmp_path / "config.json").read_text()) == run


def test_a_run_goes_on_with_its_own_pairs_alone(tmp_path):
    run = replace(SHORT, steps=2, validate_every=2)
    loop.train(run, made_up.pairs(2), made_up.pairs(1), tmp_path)
    with pytest.raises(run_folder.ResumedOtherwiseError, match="--pairs"):
        loop.train(run, made_up.pairs(2, seed=1), made_up.pairs(1), tmp_path, resume=True)
    with pytest.raises(run_folder.ResumedOtherwiseError, match="--pairs"):
        loop.train(run, made_up.pairs(2), made_up.pairs(1, seed=1), tmp_path, resume=True)
    loop.train(run, made_up.pairs(2), made_up.pairs(1), tmp_path, resume=True)


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK not a checkpoint")
    with pytest.raises(run_folder.CheckpointError, match=r"checkpoint\.pt cannot be gone on from: it is damaged"):
        loop.train(SHORT, made_up.pairs(1), made_up.pairs(1), tmp_path, resume=True)
    torch.save({"step": 3}, tmp_path / "checkpoint.pt")
    with pytest.raises(run_folder.CheckpointError, match="another version"):
        loop.train(SHORT, made_up.pairs(1), made_up.pairs(1), tmp_path, resume=True)


@pytest.mark.parametrize("change", [{"nobody": 1}, {"tasks": None}, {"steps": 0}, {"loss": "gone since"}])
def test_a_checkpoint_of_another_version_is_named(tmp_path, change, capsys):
    told = json.loads(SHORT.as_json()) | change
    for name in [name for name, value in change.items() if value is None]:
        del told[name]
    state = dict.fromkeys(loop.NEEDED, "") | {"config": json.dumps(told)}
    run_folder.save_checkpoint(tmp_path, state)
    assert training.main(["--pairs", str(tmp_path), "--out", str(tmp_path), "--resume"]) == 2
    assert "cannot be gone on from: another kind of run, or another version" in capsys.readouterr().err


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_what_was_saved(tmp_path, monkeypatch):
    monkeypatch.setitem(LOSSES, "none", of_fused(lambda fused, mri, partner: {"none": fused.sum() * math.nan}))
    with pytest.raises(DivergedError, match="the loss of step 1 is nan"):
        loop.train(replace(SHORT, loss="none"), made_up.pairs(1), made_up.pairs(1), tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_only_as_many_pairs_are_validated_as_asked(tmp_path):
    seen: list[str] = []
    run = replace(SHORT, steps=1, validate_pairs=2)
    loop.train(run, made_up.pairs(1), made_up.pairs(5), tmp_path, progress=lambda part, said="": seen.append(said))
    assert [said.rsplit(" ", 1)[1] for said in seen if "validating" in said] == ["1000", "1002"]


def test_a_run_is_never_overwritten(tmp_path):
    run = replace(SHORT, steps=2, validate_every=2)
    loop.train(run, made_up.pairs(1), made_up.pairs(1), tmp_path)
    with pytest.raises(run_folder.RunExistsError):
        loop.train(run, made_up.pairs(1), made_up.pairs(1), tmp_path)


def test_there_must_be_something_to_resume(tmp_path):
    with pytest.raises(run_folder.NoCheckpointError):
        loop.train(SHORT, made_up.pairs(1), made_up.pairs(1), tmp_path, resume=True)


def test_batch_norm_keeps_its_statistics_in_the_last_part(tmp_path):
    run = replace(SHORT, steps=8, validate_every=8, freeze_norm=0.5)
    loop.train(run, made_up.pairs(), made_up.pairs(1), tmp_path)
    state = run_folder.read_checkpoint(tmp_path, loop.NEEDED)["network"]
    counted = [int(tensor) for name, tensor in state.items() if name.endswith("num_batches_tracked")]
    assert set(counted) == {4}


def test_the_command_trains_from_folders_and_reports_a_mistake_in_a_sentence(tmp_path, capsys):
    made_up.write(tmp_path / "pairs")
    arguments = ["--network", "lightfusionnet", "--pairs", str(tmp_path / "pairs"), "--out", str(tmp_path / "run")]
    assert training.main([*arguments, "--steps", "2", "--device", "cpu", "--threads", "1"]) == 0
    assert (tmp_path / "run/weights.safetensors").is_file()
    assert from_json((tmp_path / "run/config.json").read_text()) == config("lightfusionnet", steps=2)
    assert training.main([*arguments, "--device", "cpu"]) == 2
    assert "holds a training run already" in capsys.readouterr().err
    assert training.main([*arguments, "--device", "cpu", "--resume"]) == 0
    assert training.main([*arguments, "--device", "cpu", "--resume", "--steps", "3", "--bf16"]) == 2
    assert "begun with other values of --steps, --bf16" in capsys.readouterr().err
    (tmp_path / "pairs/spect-mri/train").rename(tmp_path / "pairs/spect-mri/misspelt")
    other = [*arguments[:-1], str(tmp_path / "other"), "--steps", "1", "--device", "cpu"]
    assert training.main(other) == 2
    assert "holds no pair of spect-mri for 'train'" in capsys.readouterr().err
    assert training.main([*other, "--tasks", "ct-mri,pet-mri"]) == 0
    assert from_json((tmp_path / "other/config.json").read_text()).tasks == ("ct-mri", "pet-mri")
    assert training.main([*arguments, "--device", "cpu", "--batch", "0"]) == 2
    assert "batch = 0: it must be at least 1" in capsys.readouterr().err
    assert training.main(["--network", "no-such", "--pairs", str(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "lightfusionnet" in capsys.readouterr().err


def test_the_command_changes_what_it_is_told_to(tmp_path):
    arguments = ["--network", "lightfusionnet", "--pairs", str(made_up.write(tmp_path / "pairs")), "--device", "cpu"]
    arguments += ["--out", str(tmp_path / "run"), "--loss", "lightfusionnet-published", "--seed", "5", "--steps", "1"]
    assert training.main([*arguments, "--batch", "2", "--crop", "24", "--learning-rate", "1e-5", "--bf16"]) == 0
    expected = config(
        "lightfusionnet",
        loss="lightfusionnet-published",
        seed=5,
        steps=1,
        batch=2,
        crop=24,
        learning_rate=1e-5,
        bf16=True,
    )
    assert from_json((tmp_path / "run/config.json").read_text()) == expected


@pytest.mark.parametrize(("bf16", "computes", "told"), [(True, False, 1), (True, True, 0), (False, False, 0)])
def test_bf16_on_a_processor_without_it_is_told_to_be_slow(tmp_path, monkeypatch, capsys, bf16, computes, told):
    monkeypatch.setattr(training, "computes_bfloat16", lambda: computes)
    words = ["--network", "lightfusionnet", "--pairs", str(made_up.write(tmp_path / "pairs")), "--device", "cpu"]
    words += ["--out", str(tmp_path / "run"), "--steps", "1", "--bf16" if bf16 else "--no-bf16"]
    assert training.main(words) == 0
    assert capsys.readouterr().err.count("see --no-bf16") == told


def test_bf16_reaches_the_network_and_not_the_loss(tmp_path, monkeypatch):
    seen: list[torch.dtype] = []

    def looking(network, mri, partner):
        fused = network(mri, partner)
        seen.extend([fused.dtype, functional.conv2d(fused.float(), torch.ones(1, 1, 3, 3)).dtype])
        return {"mean": fused.float().mean()}

    monkeypatch.setitem(LOSSES, "looking", looking)
    run = replace(SHORT, loss="looking", steps=1, bf16=True)
    loop.train(run, made_up.pairs(1), made_up.pairs(1), tmp_path)
    assert seen == [torch.bfloat16, torch.float32]


def test_what_a_paper_ablates_can_be_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "read_pairs", lambda folder, split, tasks, **_: made_up.pairs(1))
    monkeypatch.setattr(training, "config", lambda name, **changes: replace(SHORT, steps=1, **changes))
    asked = ["--network", "lightfusionnet", "--pairs", str(tmp_path), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert training.main([*asked, "--argument", 'attention="ca"', "--argument", "width=8"]) == 0
    written = from_json((tmp_path / "run/config.json").read_text())
    assert written.arguments == {"attention": "ca", "width": 8}
    assert weights.arguments_in(tmp_path / "run/weights.safetensors") == written.arguments
    assert training.main([*asked, "--resume", "--argument", "width=8"]) == 0
    assert training.main([*asked, "--resume", "--argument", "width=16"]) == 2
    assert "--argument" in capsys.readouterr().err
    for wrong in ("depth=3", 'attention="no"', "width=0", "reduction=0", "reduction=64"):
        assert training.main([*asked[:-3], str(tmp_path / "other"), "--device", "cpu", "--argument", wrong]) == 2
        assert "what lightfusionnet is made with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("network", "argument", "known"),
    [("lightfusionnet", "attention", "pca, ca, sa, conv"), ("lkcfunet", "norm", r"IN\+GN, BN\+GN, IN, GN")],
)
def test_an_ablation_nobody_knows_is_answered_with_those_there_are(tmp_path, network, argument, known):
    run = replace(SHORT, network=network, arguments={argument: "no"})
    with pytest.raises(ConfigError, match=f"none of {known}"):
        loop.train(run, made_up.pairs(1), made_up.pairs(1), tmp_path)


@pytest.mark.parametrize(
    ("network", "crop", "fact"), [("refinefuse", 100, "multiple of 8"), ("average", 6, "least 15")]
)
def test_crops_that_a_network_or_a_loss_cannot_take_are_refused(tmp_path, network, crop, fact):
    run = replace(SHORT, network=network, crop=crop, arguments={})
    with pytest.raises(ConfigError, match=fact):
        loop.train(run, made_up.pairs(1), made_up.pairs(1), tmp_path)


@pytest.mark.parametrize("loss", OF_SSPFUSION)
def test_a_loss_of_structures_is_for_the_network_that_shows_them(tmp_path, loss):
    with pytest.raises(ConfigError, match="lightfusionnet shows no structures"):
        loop.train(replace(SHORT, loss=loss), made_up.pairs(1), made_up.pairs(1), tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_and_say_how_to_go_on(tmp_path, monkeypatch, capsys, number):
    monkeypatch.setattr(training, "read_pairs", lambda folder, split, tasks, **_: made_up.pairs(1))
    monkeypatch.setattr(training, "config", lambda name, **changes: replace(SHORT, steps=1000, validate_every=1000))
    update = loop.follow
    steps: list[int] = []

    def interrupted(*args: Any) -> None:
        update(*args)
        steps.append(1)
        if len(steps) == 3:
            signal.raise_signal(number)
            signal.raise_signal(number)  # torchrun's, beside the terminal's

    monkeypatch.setattr(loop, "follow", interrupted)
    before = signal.getsignal(number)
    code = training.main(
        ["--network", "lightfusionnet", "--pairs", str(tmp_path), "--out", str(tmp_path / "run"), "--device", "cpu"]
    )
    assert code == 130
    assert "--resume" in capsys.readouterr().err
    assert run_folder.read_checkpoint(tmp_path / "run", loop.NEEDED)["step"] == len(steps) == 3
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("run", CONFIGS.values(), ids=CONFIGS)
def test_every_listed_run_is_complete(run, tmp_path):
    assert run.loss in LOSSES
    (tmp_path / "config.json").write_text(run.as_json())
    assert from_json((tmp_path / "config.json").read_text()) == run
    rates = [run.learning_rate_at(step) for step in range(run.steps)]
    assert 0.5 * run.learning_rate <= max(rates) <= run.learning_rate  # the cosine falls while a long warm-up rises
    assert min(rates) >= 0


def test_the_cosine_schedule_is_one_cycle():
    run = replace(SHORT, steps=100, warmup=10, learning_rate=1.0)
    rising = [0.1, 0.5 * 0.5 * (1 + math.cos(0.04 * math.pi)), 0.5 * (1 + math.cos(0.09 * math.pi))]
    assert [run.learning_rate_at(step) for step in (0, 4, 9, 50)] == pytest.approx([*rising, 0.5])
    assert run.learning_rate_at(99) == pytest.approx(0.5 * (1 + math.cos(0.99 * math.pi)))


def test_the_published_schedule_halves_every_fifty_of_two_hundred_epochs():
    run = CONFIGS["lightfusionnet-published"]
    quarter = run.steps // 4
    rates = [run.learning_rate_at(step) for step in (0, quarter - 1, quarter, 2 * quarter, run.steps - 1)]
    assert rates == pytest.approx([1e-4, 1e-4, 5e-5, 2.5e-5, 1.25e-5])


def test_a_run_nobody_knows_is_answered_with_those_there_are():
    with pytest.raises(UnknownRunError) as caught:
        config("resnet")
    assert "lightfusionnet-published" in caught.value.hint
    assert CONFIGS["lightfusionnet"].clip > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"steps": 0}, "steps = 0: it must be at least 1"),
        ({"schedule": "halving"}, "halve_every = 0: it must be at least 1"),
        ({"schedule": "linear"}, "schedule = 'linear': it must be one of cosine, halving"),
        ({"seed": -1}, "seed = -1: it must be 0 or more"),
        ({"learning_rate": -1.0}, "learning_rate = -1.0: it must be 0 or more"),
        ({"learning_rate": math.nan}, "learning_rate = nan: it must be 0 or more"),
        ({"optimizer": "lion"}, "optimizer = 'lion': it must be one of adam, sgd"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        config("lightfusionnet", **changes)


def installed_with(names: tuple[str, ...]) -> set[str]:
    """Distributions of that name and all that they need, extras left out."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name not in found:
            try:
                needed = importlib.metadata.requires(name) or []
            except importlib.metadata.PackageNotFoundError:  # needed on another platform only
                continue
            found.add(name)
            left += [re.split(r"[\s<>=!~;\[(]", one)[0] for one in needed if "extra ==" not in one]
    return found


def test_training_runs_where_little_else_than_torch_is_installed(tmp_path, root):
    """A Python without site-packages sees the app, and links to what a bare training machine has."""
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in installed_with(("torch", "numpy", "scipy", "Pillow", "safetensors", "scikit-image")):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (bare / top).exists():
                (bare / top).symlink_to(distribution.locate_file(top))
    shutil.copytree(root / "app", bare / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "model_weights", bare / "model_weights")
    python = [sys.executable, "-S", "-W", "error"]
    environment = {"PYTHONPATH": str(bare), "OMP_NUM_THREADS": "1"}
    absent = ("PySide6", "pydicom", "SimpleITK", "nibabel", "pyqtgraph")
    code = f"from importlib.util import find_spec; print([one for one in {absent} if find_spec(one)])"
    seen = subprocess.run([*python, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert seen.stdout == "[]\n"
    folder = made_up.write(tmp_path / "pairs")
    arguments = ["--network", "lightfusionnet", "--pairs", str(folder), "--out", str(tmp_path / "run"), "--steps", "1"]
    done = subprocess.run(
        [*python, "-m", "app.research.training.train", *arguments, "--device", "cpu"],
        cwd=bare,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/weights.safetensors").is_file()


def _to_mri(fused, mri, partner):
    return {"distance": (fused - mri).abs().mean()}


to_mri = partial(_to_mri)


def test_a_run_that_follows_pictures_comes_nearer_to_them(tmp_path, capsys):
    folder = made_up.write(tmp_path / "pairs")
    for task in MEDICAL_TASKS:
        examples.make([replace(pair, task=task) for pair in made_up.pairs(1)], tmp_path / "examples", to_mri)
    run = replace(SHORT, loss="following", crop=48)
    sources = examples.read(tmp_path / "examples", run.tasks)
    loop.train(run, sources, made_up.pairs(1), tmp_path / "run")
    losses = [float(row["loss"]) for row in rows(tmp_path / "run/curve.csv")]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    (followed,) = sources
    other = replace(followed, seen=followed.seen / 2)
    with pytest.raises(run_folder.ResumedOtherwiseError, match="with other values of --examples"):
        loop.train(run, [other], made_up.pairs(1), tmp_path / "run", resume=True)
    # on the command line, examples and a loss that follows them go together
    asked = ["--network", "lightfusionnet", "--pairs", str(folder), "--out", str(tmp_path / "other"), "--steps", "1"]
    assert training.main([*asked, "--loss", "following"]) == 2
    assert "The loss 'following' follows pictures, and --examples is missing." in capsys.readouterr().err
    assert training.main([*asked, "--examples", str(tmp_path / "examples")]) == 2
    assert "takes no --examples" in capsys.readouterr().err
    asked += ["--loss", "following", "--device", "cpu"]
    assert training.main([*asked, "--examples", str(tmp_path / "examples")]) == 0
