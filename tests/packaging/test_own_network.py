"""The manual's page on a network of one's own: its files are written, installed with pip, and fused with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from app.phantom.study import write_demo
from tests.paths import ROOT

PAGE = (ROOT / "resources" / "manual" / "a-network-of-your-own.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
PIP = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--no-input"]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the page's files, with the weights and the manifest that its train.py makes."""
    folder = tmp_path_factory.mktemp("own") / "synoptic-gatenet"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    run([sys.executable, "train.py"], folder, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has installed it."""
    target = tmp_path_factory.mktemp("site")
    command = [*PIP, "install", "--no-build-isolation", "--no-deps", "--no-index", "--target", str(target), "."]
    subprocess.run(command, cwd=package, check=True)
    return target


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    write_demo(folder, small=True)
    return folder / "nifti"


def run(command: list[str], *path: Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run in a child that finds Synoptic, and what lies in `path`; it must end with `code`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, *path)))}
    ran = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran


def synoptic(*words: object, path: Path, cwd: Path, code: int = 0) -> dict:
    command = [sys.executable, "-m", "app", *map(str, words), "--json"]
    return json.loads(run(command, path, cwd=cwd, code=code).stdout)


def test_the_page_shows_every_file_that_is_written_by_hand() -> None:
    made = {"gatenet/gatenet.safetensors", "gatenet/manifest.json"}
    listed = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))
    assert listed == FILES.keys() | made


def test_the_network_of_the_page_is_the_one_of_its_entry_point(site: Path, package: Path, tmp_path: Path) -> None:
    told = synoptic("networks", path=site, cwd=tmp_path)
    (gatenet,) = (network for network in told["networks"] if network["name"] == "gatenet")
    assert gatenet["title"] == "GateNet"
    assert gatenet["package"] == "synoptic-gatenet 0.1.0"
    assert gatenet["parameters"] == 2 * 16 * 9 + 16 + 16 + 1
    assert gatenet["trained_on"] == {"modalities": ["CT", "MR"], "planes": ["axial"], "body_parts": ["HEAD"]}
    assert gatenet["card"] == FILES["gatenet/gatenet.md"]
    assert told["refused"] == []


def test_it_fuses_through_the_command_line(site: Path, demo: Path, tmp_path: Path) -> None:
    words = ("--network", "gatenet", "--transform", "none", "--format", "nifti", "--out", tmp_path / "fused")
    told = synoptic("fuse", demo / "mr.nii.gz", demo / "ct.nii.gz", *words, path=site, cwd=tmp_path)
    entry = json.loads((site / "gatenet" / "manifest.json").read_text(encoding="utf-8"))["gatenet"]
    assert told["weights_sha256"] == entry["sha256"]
    assert not [warning for warning in told["warnings"] if "trained on" in warning]
    (picture,) = (path for path in told["outputs"] if Path(path).name == "fused.nii.gz")
    fused = np.asarray(nibabel.load(picture).dataobj)
    assert fused.std() > 0.05 * fused.max() > 0


def test_a_pet_is_told_to_be_strange_to_it(site: Path, demo: Path, tmp_path: Path) -> None:
    words = ("--network", "gatenet", "--transform", "none", "--format", "nifti", "--out", tmp_path / "fused")
    told = synoptic("fuse", demo / "mr.nii.gz", demo / "pet.nii.gz", *words, path=site, cwd=tmp_path)
    sentence = "GateNet was trained on heads in MRI and CT, never on PET: choose another network."
    assert sentence in told["warnings"]


def test_the_tests_of_the_page_pass(site: Path, package: Path, tmp_path: Path) -> None:
    (tmp_path / "test_gatenet.py").write_text(FILES["test_gatenet.py"], encoding="utf-8")
    ran = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_gatenet.py"], site, cwd=tmp_path)
    assert "5 passed" in ran.stdout
