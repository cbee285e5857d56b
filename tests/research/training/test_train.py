"""A recipe of a few steps on made-up pairs, from beginning to end, and the command that runs it."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from app.base.progress import Cancelled
from app.fusion import manifest, registry, weights
from app.research.__main__ import main
from app.research.training import loop, train
from app.research.training.recipes import Base, Recipe, Stage, from_json
from app.research.training.run_folder import (
    CheckpointError,
    NoCheckpointError,
    ResumedOtherwiseError,
    RunExistsError,
    RunFolder,
)
from app.research.training.train import Request
from tests.research import made_up

STAGE = Stage(steps=4, batch=2, crop=32, tasks=("ct-mri",), warmup=2, ema=0.9)
RECIPE = Recipe("lightfusionnet", (STAGE, STAGE))
TOML = """network = "lightfusionnet"
[[stage]]
steps = 3
batch = 1
crop = 32
[[published]]
loss = "published"
steps = 2
batch = 1
crop = 32
"""


def request(out: Path, recipe: Recipe = RECIPE, *, seed: int = 0) -> Request:
    return Request(recipe, out.parent, made_up.pairs(seed=seed), made_up.pairs(1, seed=1), out)


def stop_at(stage: int, step: int):
    """Cancelled at that step of that stage; two stages have half of the progress each."""

    def progress(fraction: float, message: str = "") -> None:
        if message.startswith(f"step {step} of") and (fraction > 0.5) == (stage == 2):
            raise Cancelled

    return progress


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_stages_follow_each_other_and_end_with_weights(tmp_path):
    out = tmp_path / "run"
    made = train.train(request(out))
    assert made == out / "lightfusionnet.safetensors"
    assert from_json((out / "recipe.json").read_text()) == RECIPE
    stages = [line.split(",")[0] for line in (out / "curve.csv").read_text().splitlines()]
    assert stages == ["stage", *["1"] * 4, *["2"] * 4]
    tensors = weights.read_tensors(made, weights.sha256_of(made))
    assert {one.dtype for one in tensors.values() if one.is_floating_point()} == {torch.float16}
    assert weights.arguments_in(made) == {}


@pytest.mark.parametrize(("stage", "step"), [(1, 3), (2, 2)])
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path, stage, step):
    whole = train.train(request(tmp_path / "whole"))
    with pytest.raises(Cancelled):
        train.train(request(tmp_path / "parts"), progress=stop_at(stage, step))
    parts = train.train(request(tmp_path / "parts"), resume=True)
    assert parts.read_bytes() == whole.read_bytes()
    for name in ("curve.csv", "recipe.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_training_goes_on_with_its_own_recipe_and_pairs_alone(tmp_path):
    train.train(request(tmp_path))
    with pytest.raises(RunExistsError):
        train.train(request(tmp_path))
    with pytest.raises(ResumedOtherwiseError, match="other values of --pairs"):
        train.train(request(tmp_path, seed=5), resume=True)
    with pytest.raises(ResumedOtherwiseError, match="other values of the recipe"):
        train.train(request(tmp_path, Recipe("lightfusionnet", (STAGE,))), resume=True)
    train.train(request(tmp_path), resume=True)  # all is done already
    with pytest.raises(NoCheckpointError):
        train.train(request(tmp_path / "none"), resume=True)


def test_a_checkpoint_whose_recipe_means_nothing_any_more_is_named(tmp_path):
    RunFolder(tmp_path).save_checkpoint({"recipe": '{"network": 3}', "stage": 1, "pairs": "", "run": {}})
    with pytest.raises(CheckpointError, match="another version"):
        train.train(request(tmp_path), resume=True)


def test_a_base_must_be_what_the_recipe_vouches_for(tmp_path):
    torch.manual_seed(3)
    first = registry.build("lightfusionnet")
    sha256 = weights.save(first, tmp_path / "base.safetensors", {})
    still = Stage(steps=1, batch=1, crop=32, tasks=("ct-mri",), learning_rate=0.0)
    recipe = Recipe("lightfusionnet", (still,), {}, Base("base.safetensors", sha256))
    made = train.train(request(tmp_path / "run", recipe))
    kept = weights.read_tensors(made, weights.sha256_of(made))
    torch.testing.assert_close(kept["decoder.2.weight"].float(), first.decoder[2].weight.detach(), atol=1e-3, rtol=1e-3)
    altered = Recipe("lightfusionnet", (still,), {}, Base("base.safetensors", "0" * 64))
    with pytest.raises(weights.WeightsAlteredError):
        train.train(request(tmp_path / "other", altered))
    assert not (tmp_path / "other").exists()


def written(tmp_path: Path) -> list[str]:
    """The words of a command that trains a small recipe on made-up folders."""
    (tmp_path / "small.toml").write_text(TOML, "utf-8")
    pairs = made_up.write(tmp_path / "pairs")
    return ["train", str(tmp_path / "small.toml"), "--pairs", str(pairs), "--device", "cpu", "--threads", "1", "--out"]


def test_the_command_ends_with_weights_manifest_and_curve(tmp_path, capsys):
    words = [*written(tmp_path), str(tmp_path / "run")]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'run/lightfusionnet.safetensors'}\n"
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        *("checkpoint.pt", "curve.csv", "lightfusionnet.safetensors", "manifest.json", "recipe.json"),
    }
    (entry,) = manifest.read_manifest(tmp_path / "run").values()
    assert set(entry["quality"]["tasks"]) == {"ct-mri", "pet-mri", "spect-mri"}
    assert main(words) == 2
    assert "holds a training already" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 0


def test_the_command_publishes_only_when_told_to(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "published"
    folder.mkdir()
    monkeypatch.setattr(train, "model_weights", lambda: folder)
    words = [*written(tmp_path), str(tmp_path / "run")]
    assert main(words) == 0
    assert list(folder.iterdir()) == []
    assert main([*words, "--resume", "--publish"]) == 0
    assert {path.name for path in folder.iterdir()} == {"lightfusionnet.safetensors", "manifest.json"}
    better = manifest.read_manifest(folder)["lightfusionnet"]
    better["quality"]["tasks"]["ct-mri"]["SD"] *= 2
    manifest.write_entry(folder, "lightfusionnet", better)
    assert main([*words, "--resume", "--publish"]) == 2
    assert "are better" in capsys.readouterr().err
    assert main([*words, "--resume", "--publish", "--overwrite"]) == 0


def test_the_papers_loss_runs_the_papers_stages(tmp_path):
    assert main([*written(tmp_path), str(tmp_path / "run"), "--loss", "published"]) == 0
    (stage,) = from_json((tmp_path / "run/recipe.json").read_text()).stages
    assert (stage.loss, stage.steps) == ("published", 2)
    assert "intensity,gradient,ssim" in (tmp_path / "run/curve.csv").read_text()


def test_mistakes_are_told_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SYNOPTIC_DATA", raising=False)
    assert main(["train", "lightfusionnet", "--out", str(tmp_path / "x")]) == 2
    assert "not said where the registered pairs lie" in capsys.readouterr().err
    monkeypatch.setenv("SYNOPTIC_DATA", str(tmp_path))
    assert main(["train", "lightfusionnet", "--out", str(tmp_path / "x")]) == 2
    assert f"{tmp_path / 'pairs'} is not a folder" in capsys.readouterr().err
    assert main(["train", "resnet", "--out", str(tmp_path / "x")]) == 2
    assert "no network 'resnet'" in capsys.readouterr().err
    assert main(["train", "maximum", "--out", str(tmp_path / "x")]) == 2
    assert "maximum.toml cannot be followed" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", "lightfusionnet", "--threads", "0"])
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("bf16", "computes", "notes"), [(True, False, 1), (True, True, 0), (False, False, 0)])
def test_bf16_on_a_processor_without_it_is_told_to_be_slow(tmp_path, monkeypatch, capsys, bf16, computes, notes):
    monkeypatch.setattr(train, "computes_bfloat16", lambda: computes)
    words = [*written(tmp_path), str(tmp_path / "run")]
    (tmp_path / "small.toml").write_text(TOML.replace("crop = 32\n", f"crop = 32\nbf16 = {str(bf16).lower()}\n", 1))
    assert main(words) == 0
    assert capsys.readouterr().err.count("does not compute in bfloat16") == notes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_and_end_with_130(tmp_path, monkeypatch, capsys, number):
    words = [*written(tmp_path), str(tmp_path / "run")]
    (tmp_path / "small.toml").write_text(TOML.replace("steps = 3", "steps = 1000"))
    step = loop.StageRun.step

    def interrupted(self: loop.StageRun, *batch: Any) -> Any:
        result = step(self, *batch)
        if self.done == 3:
            signal.raise_signal(number)
        return result

    monkeypatch.setattr(loop.StageRun, "step", interrupted)
    before = signal.getsignal(number)
    assert main(words) == 130
    assert "cancelled" in capsys.readouterr().err
    assert RunFolder(tmp_path / "run").read_checkpoint()["run"]["done"] == 3
    assert signal.getsignal(number) is before


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
    for name in installed_with(
        ("torch", "numpy", "scipy", "Pillow", "safetensors", "msgspec", "platformdirs", "psutil")
    ):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (bare / top).exists():
                (bare / top).symlink_to(distribution.locate_file(top))
    shutil.copytree(root / "app", bare / "app", ignore=shutil.ignore_patterns("__pycache__"))
    python = [sys.executable, "-S", "-W", "error"]
    environment = {"PYTHONPATH": str(bare), "OMP_NUM_THREADS": "1"}
    absent = ("PySide6", "pydicom", "SimpleITK", "nibabel", "pyqtgraph")
    code = f"from importlib.util import find_spec; print([one for one in {absent} if find_spec(one)])"
    seen = subprocess.run([*python, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert seen.stdout == "[]\n"
    words = [*written(tmp_path), str(tmp_path / "run")]
    done = subprocess.run(
        [*python, "-m", "app.research", *words], cwd=bare, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/lightfusionnet.safetensors").is_file()
