"""The pinned versions: complete, exact, one for each library, within what pyproject.toml asks for."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LISTS = {
    "run": ("requirements.txt",),
    "build": ("requirements-build.txt",),
    "test": ("requirements.txt", "requirements-build.txt", "requirements-test.txt"),
}
ASKED = {
    "run": PROJECT["dependencies"],
    "build": ["hatchling", "editables", "pip"],
    "test": PROJECT["optional-dependencies"]["test"],
}


def applies(one: Requirement, extras: set[str], **environment: str) -> bool:
    places = [{"extra": extra} | environment for extra in extras or {""}]
    return one.marker is None or any(one.marker.evaluate(place) for place in places)


def pins(*names: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        for line in (ROOT / "packaging" / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("#") or not applies(one := Requirement(line), set()):
                continue
            (specifier,) = one.specifier
            assert specifier.operator == "==", f"{name}: {line!r} pins no version"
            assert found.setdefault(canonicalize_name(one.name), specifier.version) == specifier.version, line
    return found


def closure(requirements: list[str], **environment: str) -> set[str]:
    """The names of all that these requirements bring, by what the installed libraries say of themselves."""
    found: set[str] = set()
    waiting = [one for one in map(Requirement, requirements) if applies(one, set(), **environment)]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found:
            continue
        found.add(name)
        brings = map(Requirement, importlib.metadata.requires(name) or ())
        waiting += [other for other in brings if applies(other, one.extras, **environment)]
    return {name for name in found if not name.startswith(("nvidia-", "cuda-", "triton"))}


@pytest.mark.parametrize("purpose", LISTS)
def test_everything_that_is_needed_is_pinned(purpose: str) -> None:
    assert closure(ASKED[purpose]) <= set(pins(*LISTS[purpose]))


def test_nothing_is_pinned_that_nobody_needs() -> None:
    oldest = {"python_version": "3.11", "python_full_version": "3.11.0"}  # needs the most
    needed = {name for asked in ASKED.values() for name in closure(asked) | closure(asked, **oldest)}
    assert set(pins(*LISTS["test"])) <= needed


@pytest.mark.parametrize("purpose", LISTS)
def test_the_pins_lie_within_what_the_project_asks_for(purpose: str) -> None:
    pinned = pins(*LISTS[purpose])
    for wanted in map(Requirement, ASKED[purpose]):
        version = pinned[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version, prereleases=True), f"{wanted} but {version} is pinned"


def test_the_tests_run_on_the_pinned_versions() -> None:
    for name, version in pins(*LISTS["test"]).items():
        assert importlib.metadata.version(name).partition("+")[0] == version, name  # torch: 2.13.0+cpu


# Name on the index -> name to import, where they differ.
IMPORT_NAMES = {
    "Pillow": "PIL",
    "PySide6-Essentials": "PySide6",
    "python-gdcm": "gdcm",
    "pyjpegls": "jpeg_ls",
}


def test_every_library_that_the_program_imports_is_a_dependency() -> None:
    names = [Requirement(text).name for text in PROJECT["dependencies"]]
    declared = {IMPORT_NAMES.get(name, name) for name in names} | {"app", "shiboken6"}
    imported = {"scikit-image": "skimage"}.values()  # for research only, an extra
    for path in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                top = module.partition(".")[0]
                assert top in declared or top in sys.stdlib_module_names or top in imported, f"{path}: {module}"


def test_each_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    for line in block[1].splitlines():
        assert re.fullmatch(r'  "[^"]+",\s+# \S.*', line), line
