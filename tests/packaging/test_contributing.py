"""CONTRIBUTING.md quotes the real lines, and names files and lists that are there."""

from __future__ import annotations

import re

import pytest

from tests.paths import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"[Ii]n\s`(app/[\w/]+\.py)`:\n\n```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(("file", "lines"), QUOTED)
def test_every_quoted_block_stands_in_its_file(file: str, lines: str) -> None:
    assert lines in (ROOT / file).read_text(encoding="utf-8")


def test_every_python_block_is_checked() -> None:
    assert len(QUOTED) == TEXT.count("```python")


def test_every_file_and_folder_it_names_is_there() -> None:
    named = re.findall(r"(?:app|tests|packaging|resources|model_weights)/[\w/.-]+\w", TEXT)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists() and "/x/" not in name] == []


@pytest.mark.parametrize(("name", "file"), re.findall(r"`([A-Z]{4,}(?:_[A-Z]+)?)`[^|\n`]* in `(app/[\w/]+\.py)`", TEXT))
def test_every_list_it_names_is_in_its_file(name: str, file: str) -> None:
    assert re.search(rf"^{name}\b", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
