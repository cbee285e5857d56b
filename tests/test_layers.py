"""Who may import whom, as pyproject.toml's import-linter contracts say; and nothing heavy loaded too early."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

HEAVY = {"torch", "SimpleITK", "scipy", "pydicom", "nibabel", "skimage", "highdicom"}

# What must start at once: none of these loads anything heavy.
LIGHT = (
    "app.base",
    "app.cli",
    "app.ui",
    "app.core.geometry",
    "app.core.volume",
    "app.fusion.registry",
)


def modules_below(name: str) -> list[str]:
    """The module of that name, and all modules of a package of that name."""
    path = ROOT.joinpath(*name.split("."))
    if not path.is_dir():
        return [name]
    files = sorted(path.rglob("*.py"))
    dotted = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return [module.removesuffix(".__init__") for module in dotted]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run([sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True)


def test_the_contracts_of_the_layers_are_kept() -> None:
    ran = lint_imports(ROOT)
    assert ran.returncode == 0, ran.stdout[ran.stdout.find("Contracts") :]
    assert " 0 broken" in ran.stdout


def test_an_import_upwards_breaks_a_contract(tmp_path) -> None:
    """The linter runs on a copy in which geometry, at the bottom, imports the window."""
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    geometry = tmp_path / "app" / "core" / "geometry.py"
    text = geometry.read_text(encoding="utf-8")
    geometry.write_text(f"{text}\n\ndef _lazily() -> None:\n    import app.ui.main_window  # noqa\n", encoding="utf-8")
    ran = lint_imports(tmp_path)
    assert ran.returncode == 1
    assert "app.core.geometry -> app.ui.main_window" in " ".join(ran.stdout.split())


@pytest.mark.parametrize("light", LIGHT)
def test_importing_it_loads_nothing_heavy(light: str) -> None:
    code = f"import sys, {', '.join(modules_below(light))}\nprint(*sorted({HEAVY!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
