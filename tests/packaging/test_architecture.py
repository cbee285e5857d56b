"""The picture and the page of the architecture tell what the code says."""

from __future__ import annotations

import importlib.util
import sys

import grimp
import pytest

from tests.paths import ROOT


@pytest.fixture(scope="module")
def architecture():
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "packaging" / "architecture.py")
    module = sys.modules["architecture"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["architecture"]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", cache_dir=None)


def test_the_picture_and_the_page_are_those_of_the_code(architecture, graph) -> None:
    remedy = "run python packaging/architecture.py"
    assert (ROOT / "resources/manual/architecture.svg").read_text(encoding="utf-8") == architecture.svg(graph), remedy
    assert (ROOT / "resources/manual/architecture.md").read_text(encoding="utf-8") == architecture.page(graph), remedy


def test_every_package_says_what_it_is_for(architecture) -> None:
    for layer in architecture.floors():
        for name in layer:
            place = architecture.room(name)
            assert all(part.purpose for part in (place, *place.inner)), name


def test_imports_are_read_from_the_code(architecture, graph) -> None:
    assert architecture.imported(graph, "base") == []
    assert architecture.imported(graph, "metrics") == ["base"]
