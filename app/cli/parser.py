"""The commands, as one list, and the parser that is made from it anew at each call."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from app import NOT_FOR_DIAGNOSIS, __version__
from app.base.errors import UsageError
from app.cli import demo, evaluate, fuse, info, metrics, networks, register, view
from app.cli.command import Command

COMMANDS: tuple[Command, ...] = (  # in the order of the help and of the README
    view.COMMAND,
    demo.COMMAND,
    info.COMMAND,
    register.COMMAND,
    fuse.COMMAND,
    metrics.COMMAND,
    evaluate.COMMAND,
    networks.COMMAND,
)
DEFAULT = "view"  # where no command is named


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of leaving the program; options are never abbreviated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # --js would give no JSON where an error is told

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}.", hint=f"See: {self.prog} --help")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Arguments of one command, its function in `run`; without a command's name it is DEFAULT."""
    names = {command.name for command in COMMANDS}
    if not argv or (argv[0] not in names and argv[0] not in ("-h", "--help", "--version")):
        argv = [DEFAULT, *argv]
    parser = Parser(
        prog="synoptic",
        description="Read an MRI together with the CT, PET or SPECT of the same patient.",
        epilog=f"{NOT_FOR_DIAGNOSIS}: Synoptic is not a medical device. `synoptic COMMAND --help` tells more.",
    )
    parser.add_argument("--version", action="version", version=f"synoptic {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        own = commands.add_parser(command.name, help=command.summary, description=command.summary)
        if command.name == argv[0]:
            add_arguments(command, own)
    return parser.parse_args(argv)


def add_arguments(command: Command, parser: argparse.ArgumentParser) -> None:
    """The command's own arguments, and what every command takes."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, progress on stderr")
    command.arguments(parser)
    parser.set_defaults(run=command.run)
