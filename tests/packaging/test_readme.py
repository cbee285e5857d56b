"""The README: the two commands first, no dead link, and the command line as the program has it."""

from __future__ import annotations

import re

from app.cli.manual import BEGIN, END, manual
from tests.paths import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_starts_with_the_two_commands_and_then_a_picture() -> None:
    head = re.match(r"# Synoptic\n\n```sh\n(.*)\n(.*)\n```\n\n!\[", TEXT)
    assert head is not None
    assert head[1].startswith("sh packaging/run.sh ")
    assert head[2].startswith("sh packaging/test.sh ")


def test_every_file_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_its_list_of_commands_is_the_one_made_from_the_parser() -> None:
    assert f"{BEGIN}{manual()}{END}" in TEXT, "python -m app.cli.manual README.md"
