"""`synoptic view`: the window."""

from __future__ import annotations

import argparse
from typing import Any

from app.base.progress import Cancelled, Progress
from app.base.terminal import CANCELLED
from app.case.series_choice import require_path
from app.cli.command import Command, path_argument
from app.view.layouts import LAYOUTS


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", type=path_argument, metavar="PATH")
    parser.add_argument("--layout", choices=tuple(LAYOUTS))
    parser.add_argument("--network", metavar="NAME", help="see `synoptic networks`")
    parser.add_argument("--screenshot", type=path_argument, metavar="FILE.png", help="open all, save the window, exit")


def run(args: argparse.Namespace, progress: Progress) -> Any:
    for path in args.paths:
        require_path(path)
    from app.ui.application import run as open_window

    code = open_window(args.paths, layout=args.layout, network=args.network, screenshot=args.screenshot)
    if code == CANCELLED:
        raise Cancelled
    return {"screenshot": args.screenshot}


COMMAND = Command("view", "Open the window; without a PATH it shows the demo study.", arguments, run)
