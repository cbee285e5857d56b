"""What a command is: its name, its summary, its arguments, and the function that parses, calls and prints."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.base.progress import Progress
from app.base.settings import DEVICES


@dataclass(frozen=True)
class Command:
    """One command of `synoptic`: one module, one entry in `app.cli.parser.COMMANDS`.

    summary : one sentence for `synoptic --help`
    arguments : adds its arguments; called only where this command is asked for, so that it may read lists that load
        numpy, while `synoptic --help` starts at once
    run : does the work, prints unless `args.json`, and gives the document that --json prints
    """

    name: str
    summary: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Progress], Any]


def path_argument(text: str) -> Path:
    """The type of an argument that names a file or folder."""
    if not text:  # Path("") is the working folder: an unset variable in a script would fuse whatever lies there
        raise argparse.ArgumentTypeError("the name of a file or folder is empty")
    return Path(text)


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device, of the commands that run networks."""
    parser.add_argument("--device", choices=DEVICES, default="auto")


def add_series(parser: argparse.ArgumentParser, *options: str) -> None:
    """Which of several series is meant, of each of two inputs."""
    for option in options:
        parser.add_argument(
            option, metavar="SERIES", help="number in the list of `synoptic info`, modality, description or UID"
        )


def listed(names: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """The type of an argument that takes some of these names, with commas between them."""

    def names_in(text: str) -> tuple[str, ...]:
        selection = tuple(part.strip() for part in text.split(","))
        for name in selection:
            if name not in names:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(names)}")
        return selection

    return names_in


def print_metrics(values: Mapping[str, float | None]) -> None:
    """A line for each metric; "undefined" where it has no value."""
    for name, value in values.items():
        print(f"{name:5} {'undefined' if value is None else format(value, '.9g')}")
