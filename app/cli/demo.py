"""`synoptic demo`: the study of a digital head, for a first try."""

from __future__ import annotations

import argparse
from typing import Any

from app.base.progress import Progress
from app.base.terminal import whole_number
from app.cli.command import Command, path_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=path_argument, metavar="DIR")
    parser.add_argument("--seed", type=whole_number, default=0, metavar="N", help="0 or a larger whole number")


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.phantom.study import write_demo

    truth = write_demo(args.folder, seed=args.seed, progress=progress)
    if not args.json:
        print(f"Demo study written to {args.folder}")
    return {"folder": args.folder, "truth": truth}


COMMAND = Command("demo", "Write the demo study: MR, CT, FDG PET and SPECT of a digital head.", arguments, run)
