"""The wheel stands alone: built, installed away from the checkout, it finds its resources and runs its networks."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT

PIP = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "--no-input"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and with the libraries of this one but not with its Synoptic."""
    folder = tmp_path_factory.mktemp("an environment") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    subprocess.run([*PIP, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "libraries.pth").write_text("\n".join(libraries) + "\n", encoding="utf-8")  # its own .pth files stay out
    return folder


def in_checkout(folder: str) -> set[str]:
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_the_wheel_holds_the_program_its_resources_and_its_weights(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    resources = {f"app/{name}" for folder in ("resources", "model_weights") for name in in_checkout(folder)}
    assert held == in_checkout("app") | resources
    assert "app/model_weights/manifest.json" in held


def test_the_wheel_carries_its_licence_and_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (licence,) = (name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
    assert b"Apache License" in archive.read(licence)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    assert b"License-Expression: Apache-2.0" in archive.read(metadata)


def test_the_command_runs_away_from_the_checkout_with_the_weights_of_the_wheel(installed: Path) -> None:
    code = "import app.base.assets as a; print(a.resources(), a.model_weights(), sep='\\n')"
    where = subprocess.run([installed / "bin/python", "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert all(Path(line).is_relative_to(installed) for line in where.stdout.splitlines())

    command = [installed / "bin/synoptic", "networks", "--json"]
    ran = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True)
    names = [one["name"] for one in json.loads(ran.stdout)["networks"]]
    assert {"lightfusionnet", "average", "maximum", "laplacian"} <= set(names)
