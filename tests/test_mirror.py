"""Test files mirror modules: what `app/x/y.py` does is tested in `tests/x/test_y.py`, so that nobody has to search.

A package's own code (`app/x/__init__.py`) is tested in `tests/x/test_x.py`; one that holds no code needs no test.
"""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

from tests.paths import ROOT

ABOUT_MORE_THAN_ONE_MODULE: dict[str, str] = {  # test file: what it is about
    "tests/case/test_api_manual.py": "the examples of the manual, from files to metrics",
    "tests/case/test_ir_vis.py": "a pair of infrared and visible pictures, from files to export",
    "tests/export/test_real.py": "real studies through every export",
    "tests/fusion/networks/test_all.py": "what every network of the list must do",
    "tests/test_layers.py": "the imports of the whole tree",
    "tests/test_mirror.py": "the names of the whole tree's test files",
    "tests/ui/test_ir_vis.py": "a pair of infrared and visible pictures in the window",
    "tests/ui/test_toolkit.py": "what the window relies on in Qt",
    "tests/ui/test_x11.py": "the program on a real display",
}


def holds_code(module: PurePosixPath) -> bool:
    """Whether anything but a docstring stands in it."""
    body = ast.parse((ROOT / module).read_text(encoding="utf-8")).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)


def mirror_of(module: PurePosixPath) -> str:
    """`app/files/tfm.py` -> `tests/files/test_tfm.py`."""
    folder = PurePosixPath("tests", *module.parent.parts[1:])
    name = module.parent.name if module.stem == "__init__" else module.stem.strip("_")
    return str(folder / f"test_{name}.py")


def files_below(folder: str, pattern: str) -> list[PurePosixPath]:
    return sorted(PurePosixPath(path.relative_to(ROOT).as_posix()) for path in (ROOT / folder).rglob(pattern))


MODULES = {str(module): mirror_of(module) for module in files_below("app", "*.py") if holds_code(module)}
TESTS = {str(path) for path in files_below("tests", "test_*.py")}


def test_every_module_has_a_test_file_of_its_name() -> None:
    assert sorted(module for module, test_file in MODULES.items() if test_file not in TESTS) == []


def test_every_test_file_is_named_after_what_it_tests() -> None:
    packaging = {path for path in TESTS if path.startswith("tests/packaging/")}  # they mirror the folder packaging/
    assert sorted(TESTS - set(MODULES.values()) - packaging - set(ABOUT_MORE_THAN_ONE_MODULE)) == []


def test_the_list_of_test_files_about_more_than_one_module_names_no_other() -> None:
    assert (
        sorted((set(ABOUT_MORE_THAN_ONE_MODULE) - TESTS) | (set(ABOUT_MORE_THAN_ONE_MODULE) & set(MODULES.values())))
        == []
    )


def test_names_are_mirrored() -> None:
    assert mirror_of(PurePosixPath("app/files/dicom/scan.py")) == "tests/files/dicom/test_scan.py"
    assert mirror_of(PurePosixPath("app/__main__.py")) == "tests/test_main.py"
