"""Run the commands that a Markdown file shows, and put the tables they print in the place of those that stand there.

    python -m app.research renew model_weights/comparison.md --pairs DIR --peers DIR [--only TEXT]

So a document's figures are those of the commands beside them. A command is an indented line that begins with one of
COMMANDS; its tables are those that follow it, up to the next command or heading. They are told apart by the first word
of their first row, a task; one that stands nowhere is left out. Where a command prints a table, or a row of it, no
more, nothing is written. --pairs and --peers stand in for DIR; a command that names another placeholder (in capitals)
is left as it is.

Of a manifest.json it measures again what its entries tell of each method: quality, and time for a slice.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from app.base.errors import InputError
from app.base.progress import Cancelled, Progress
from app.base.terminal import CANCELLED, note, run_apart
from app.fusion import manifest
from app.research.evaluation import quality
from app.research.evaluation.options import path_argument
from app.research.evaluation.tables import write_text

COMMANDS = ("synoptic evaluate ", "python -m app.research ")


class DocumentError(InputError):
    hint = "Correct the command or the document."

    def __init__(self, path: Path, fact: str) -> None:
        super().__init__(f"{path}: {fact}.")


@dataclass
class Shown:
    """A command that the document shows, and its tables: task, first line, and the line behind the last."""

    command: str
    heading: str
    tables: list[tuple[str, int, int]] = field(default_factory=list)


def shown(lines: Sequence[str]) -> list[Shown]:
    """The document's commands that have tables, in order."""
    commands: list[Shown] = []
    heading, command = "", False
    for at, line in enumerate(lines):
        if line.startswith("#"):
            heading, command = line.lstrip("# "), False
        elif line.startswith("    ") and line.strip().startswith(COMMANDS):
            commands.append(Shown(line.strip(), heading))
            command = True
        elif command and _begins(lines, at):
            commands[-1].tables.append((_key(line), at, _end(lines, at)))
    return [command for command in commands if command.tables]


def printed(text: str) -> dict[str, list[str]]:
    """The tables in what a command printed, by their keys."""
    lines = text.splitlines()
    starts = (at for at in range(len(lines)) if _begins(lines, at))
    return {_key(lines[at]): lines[at : _end(lines, at)] for at in starts}


def _begins(lines: Sequence[str], at: int) -> bool:
    """Whether a table begins there."""
    return lines[at].startswith("|") and not (at and lines[at - 1].startswith("|"))


def _key(row: str) -> str:
    """The first word of a table's first row."""
    word = re.search(r"[\w-]+", row)
    return word.group() if word else ""


def _methods(table: Sequence[str]) -> set[str]:
    """What the first cells of the rows say, below the head."""
    return {row.split("|")[1].strip() for row in table[2:]}


def _end(lines: Sequence[str], at: int) -> int:
    return next((end for end in range(at, len(lines)) if not lines[end].startswith("|")), len(lines))


def process_words(command: str, folders: Mapping[str, Path]) -> list[str]:
    """As a process is started with: this Python, and the folder of the option before a DIR, where it is known."""
    first, *rest = shlex.split(command)
    words = ["-m", "app", *rest] if first == "synoptic" else rest
    before = ["", *words]
    filled = [
        str(folders[option]) if word == "DIR" and option in folders else word
        for option, word in zip(before, words, strict=False)
    ]
    return [sys.executable, *filled]


def renewed(path: Path, folders: Mapping[str, Path], only: str, progress: Progress) -> str:
    """The document with its tables as the commands print them now; DocumentError where one fails or lacks a table."""
    lines = path.read_text("utf-8").splitlines()
    chosen = [entry for entry in shown(lines) if only in entry.command or only in entry.heading]
    if not chosen:
        raise DocumentError(path, f"no command with tables has {only!r} in it, or in its heading")
    replaced: dict[int, tuple[int, list[str]]] = {}
    for number, entry in enumerate(chosen):
        check = partial(progress, number / len(chosen), entry.command)
        check()
        words = process_words(entry.command, folders)
        if unknown := [word for word in words[1:] if re.fullmatch("[A-Z]{3,}", word)]:
            note(f"{entry.command} is left as it is: it does not say what {unknown[0]} is.")
            continue
        ended = run_apart(words, check)
        if ended.returncode == CANCELLED:  # Ctrl-C reaches it, too
            raise Cancelled
        if ended.returncode:
            raise DocumentError(path, f"{entry.command!r} ended with {ended.returncode}")
        tables = printed(ended.stdout)
        for key, begin, end in entry.tables:
            if key not in tables:
                raise DocumentError(path, f"{entry.command!r} prints no table of {key!r}")
            if lost := _methods(lines[begin:end]) - _methods(tables[key]):
                raise DocumentError(path, f"{entry.command!r} prints nothing of {', '.join(sorted(lost))} for {key!r}")
            replaced[begin] = end, tables[key]
    return "\n".join(_spliced(lines, replaced)) + "\n"


def _spliced(lines: Sequence[str], replaced: Mapping[int, tuple[int, list[str]]]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        end, now = replaced.get(at, (at + 1, [lines[at]]))
        yield from now
        at = end


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("document", type=path_argument)
    parser.add_argument(
        "--pairs", type=path_argument, required=True, help="stands in for what follows --pairs in a command"
    )
    parser.add_argument("--peers", type=path_argument, help="the same of --peers")
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="commands with this in them or in their heading, or methods of a manifest",
    )


def run(args: argparse.Namespace, progress: Progress) -> None:
    folders = {"--pairs": args.pairs} | ({"--peers": args.peers} if args.peers else {})
    if not args.document.is_file():
        raise DocumentError(args.document, "there is no such file")
    if args.document.name == manifest.NAME:
        quality.renew_manifest(args.document.parent, args.pairs, args.only, progress)
        return
    write_text(args.document, renewed(args.document, folders, args.only, progress))
