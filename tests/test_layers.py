r"""Who may import whom: the layers as code, and nothing heavy loaded before the work asks for it.

        cli        ui
          \       /   \
         research  \   |
             \      \  |
        pipeline, export
           /      |      \
      imaging   fusion   metrics        none imports another
           \      |      /
    errors, progress, settings, assets, memory, terminal  standard library only
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.paths import ROOT

BASE = {
    "app",
    "app.base.errors",
    "app.base.progress",
    "app.base.settings",
    "app.base.assets",
    "app.base.memory",
    "app.base.terminal",
}
HEAVY = {"torch", "SimpleITK", "scipy", "pydicom", "nibabel", "skimage", "highdicom"}

QT = {"PySide6", "shiboken6", "pyqtgraph"}
DECODERS = {"gdcm", "jpeg_ls"}  # what pydicom's plug-ins are made of

# Layer (the longest name that fits): libraries it may import anywhere, and parts of app it may import anywhere.
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    "app.imaging": ({"numpy", "scipy", "SimpleITK", "pydicom", "nibabel", "PIL"} | DECODERS, {"app.imaging"}),
    "app.fusion": ({"numpy", "torch", "safetensors"}, {"app.fusion"}),
    "app.metrics": ({"numpy", "scipy", "PIL"}, {"app.metrics"}),
    "app.export": (
        {"numpy", "scipy", "SimpleITK", "pydicom", "highdicom", "nibabel", "PIL"},
        {"app.export", "app.imaging", "app.fusion", "app.metrics", "app.case.pipeline", "app.cli.series_choice"},
    ),
    "app.case.pipeline": ({"numpy"}, {"app.case.pipeline", "app.imaging", "app.fusion", "app.metrics"}),
    "app.research": (
        {"numpy", "scipy", "PIL", "torch", "safetensors", "skimage"},
        {"app.research", "app.fusion", "app.metrics", "app.case.pipeline", "app.imaging"},
    ),
    "app.ui": (
        {"numpy", "PIL", "scipy", "torch", "SimpleITK", "pydicom"} | QT,
        {
            "app.ui",
            "app.case.pipeline",
            "app.export",
            "app.imaging",
            "app.fusion",
            "app.metrics",
            "app.cli.series_choice",
        },
    ),
    "app.cli.series_choice": ({"numpy"}, {"app.case.pipeline", "app.imaging", "app.fusion", "app.metrics"}),
    "app.cli": ({"numpy"}, {"app.*"}),
    "app.__main__": (set(), {"app.cli"}),
    "app": (set(), set()),
}

# What research may import where a module is loaded, so that it runs on a bare training machine.
RESEARCH_AT_LOAD = {"app.research", "app.fusion", "app.metrics"}

# What must start at once: none of these loads anything heavy.
LIGHT = ("app.cli", "app.ui", "app.core.geometry", "app.core.volume", "app.fusion.registry", *sorted(BASE))


@dataclass(frozen=True)
class Import:
    module: str
    at_load: bool
    line: int


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[Import]:
    """Every import of a module but those only for type checkers."""

    def walk(node: ast.AST, at_load: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, at_load, child.lineno)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: imports are absolute"
                for alias in child.names:  # a name may be a module of its own
                    full = f"{child.module}.{alias.name}"
                    yield Import(full if full in MODULES else str(child.module), at_load, child.lineno)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                for other in child.orelse:
                    yield from walk(other, at_load)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, at_load and not inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True)


def within(module: str, part: str) -> bool:
    return module == part or module.startswith(part.removesuffix("*").removesuffix(".") + ".")


def layer_of(module: str) -> str:
    return max((layer for layer in LAYERS if within(module, layer)), key=len)


def test_every_import_of_app_is_found() -> None:
    found = {one.module for one in imports(MODULES["app.cli"])}
    assert {"app.base.errors", "app.case.pipeline", "argparse"} <= found
    assert not next(one for one in imports(MODULES["app.cli"]) if one.module == "app.case.pipeline").at_load


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    libraries, parts = LAYERS[layer_of(module)]
    for one in imports(MODULES[module]):
        where = f"{module}, line {one.line}: {one.module}"
        top = one.module.partition(".")[0]
        if top == "app":
            assert one.module in BASE or any(within(one.module, part) for part in parts), where
        elif top not in sys.stdlib_module_names:
            assert top in libraries, where
        if within(module, "app.research") and one.at_load and top == "app":
            assert one.module in BASE or any(within(one.module, part) for part in RESEARCH_AT_LOAD), where


@pytest.mark.parametrize("module", [name for name in MODULES if any(within(name, light) for light in LIGHT[:5])])
def test_what_must_start_at_once_imports_nothing_heavy_where_it_is_loaded(module: str) -> None:
    heavy = [f"line {one.line}: {one.module}" for one in imports(MODULES[module]) if _is_heavy(one)]
    assert not heavy, f"{module}: {heavy}"


def _is_heavy(one: Import) -> bool:
    return one.at_load and one.module.partition(".")[0] in HEAVY


@pytest.mark.parametrize("light", LIGHT)
def test_importing_it_loads_nothing_heavy(light: str) -> None:
    names = [name for name in MODULES if within(name, light)] if light == "app.ui" else [light]
    code = f"import sys, {', '.join(names)}\nprint(*sorted({HEAVY!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
