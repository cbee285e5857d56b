"""The README's list of commands, made from the parser: `python -m app.cli.manual README.md` puts it between its marks.

Every option stands in it, in the order of the help; `--json`, which every command takes, is told beside it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from app.cli.command import Command
from app.cli.parser import COMMANDS, DEFAULT, Parser, add_arguments

BEGIN, END = "<!-- made by python -m app.cli.manual README.md -->\n", "<!-- end of the list of commands -->\n"
_WIDTH = 120
_EVERYWHERE = ("help", "json")


def manual() -> str:
    """A block of Markdown: each command with its arguments, broken between them."""
    return "\n".join(["```", *(line for command in COMMANDS for line in synopsis(command)), "```\n"])


def synopsis(command: Command) -> list[str]:
    """ "synoptic fuse MRI PARTNER --network NAME ..." in lines of at most 120 characters."""
    parser = Parser(prog=command.name)
    add_arguments(command, parser)
    name = f"[{command.name}]" if command.name == DEFAULT else command.name
    actions = [action for action in parser._actions if action.dest not in _EVERYWHERE]  # argparse gives no other list
    lines = [f"synoptic {name}"]
    for word in (_word(action) for action in sorted(actions, key=lambda action: not action.required)):
        if len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append(" " * 8)
        lines[-1] += f" {word}"
    return lines


def with_manual(text: str) -> str:
    """The README's text with the list as it is now."""
    return re.sub(f"({re.escape(BEGIN)}).*?({re.escape(END)})", lambda marks: f"{marks[1]}{manual()}{marks[2]}", text,
                  flags=re.DOTALL)  # fmt: skip


def _word(action: argparse.Action) -> str:
    if not action.option_strings:
        return {"*": f"[{action.metavar}...]", "+": f"{action.metavar}..."}.get(str(action.nargs), str(action.metavar))
    choices = "|".join(map(str, action.choices or ()))
    value = "" if action.nargs == 0 else f" {action.metavar or choices}"
    word = f"{action.option_strings[0]}{value}"
    return word if action.required else f"[{word}]"


def main(argv: Sequence[str]) -> None:
    """Print the list; or write it into the file that is named."""
    if not argv:
        print(manual(), end="")
    for path in map(Path, argv):
        path.write_text(with_manual(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
