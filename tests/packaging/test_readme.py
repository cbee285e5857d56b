"""The README: the two commands first, no dead link, and the command line as the program has it."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.paths import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def shown_commands() -> dict[str, str]:
    """The block under "Commands": name -> its lines."""
    block = re.search(r"## Commands\n\n```\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    lines = re.sub(r"\n\s+", " ", block[1]).splitlines()
    return {re.sub(r"synoptic \[?(\w+)\]?.*", r"\1", line): line for line in lines}


def said_help(*command: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "app", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_it_starts_with_the_two_commands_and_then_a_picture() -> None:
    head = re.match(r"# Synoptic\n\n```sh\n(.*)\n(.*)\n```\n\n!\[", TEXT)
    assert head is not None
    assert head[1].startswith("sh packaging/run.sh ")
    assert head[2].startswith("sh packaging/test.sh ")


def test_every_file_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_it_shows_the_commands_that_the_program_has() -> None:
    listed = re.findall(r"^    (\w+) ", said_help(), re.MULTILINE)
    assert list(shown_commands()) == listed


def test_the_options_it_shows_are_those_of_the_program() -> None:
    for name, line in shown_commands().items():
        helped = said_help(name)
        for option in re.findall(r"--[a-z-]+", line):
            assert option in helped, f"{name} has no {option}"
