"""The command `synoptic`: one function per command, which parses, calls one function of the layer below and prints.

Every command takes --json: one document on stdout, progress on stderr. Exit 0 done; 2 a problem the user can mend;
130 cancelled. A command's module is imported when it runs, so that `synoptic --help` starts at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from app import NOT_FOR_DIAGNOSIS, __version__
from app.errors import AppError, UsageError
from app.progress import Cancelled, Progress

Command = Callable[[argparse.Namespace, Progress], Any]
CANCELLED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is returned, never raised."""
    argv = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in argv
    try:
        args = parse(argv)
        document = args.run(args, _stderr_progress())
        if args.json:
            _print_json(document)
        return 0
    except AppError as error:
        print(f"synoptic: {error}", *([error.hint] if error.hint else []), sep="\n", file=sys.stderr)
        if as_json:
            _print_json({"error": str(error), "hint": error.hint})
        return 2
    except (Cancelled, KeyboardInterrupt):
        print("synoptic: cancelled", file=sys.stderr)
        return CANCELLED
    except BrokenPipeError:  # the reader of stdout went away; keep Python from complaining again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2


def _print_json(document: Any) -> None:
    print(json.dumps(document, indent=1, allow_nan=False, default=str))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[0].upper()}{message[1:]}.", hint=f"See: {self.prog} --help")
