"""The command `synoptic`: one module a command, which parses, calls one function of the layer below and prints.

Every command takes --json: one document on stdout, progress on stderr; `app.base.terminal` tells the exit codes.
What a command needs is imported when it runs, so that `synoptic --help` starts at once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from app.base.errors import AppError
from app.base.progress import Progress
from app.base.terminal import exit_code
from app.cli.parser import parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is returned, never raised."""
    words = list(sys.argv[1:] if argv is None else argv)

    def work(progress: Progress) -> None:
        args = parse(words)
        document = args.run(args, progress)
        if args.json:
            _print_json(document)

    def print_error(error: AppError) -> None:
        if "--json" in words:  # even where the arguments could not be parsed
            _print_json({"error": str(error), "hint": error.hint})

    return exit_code(work, print_error)


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=1, allow_nan=False, default=str))
