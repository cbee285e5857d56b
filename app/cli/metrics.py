"""`synoptic metrics`: all metrics of one fused picture and its two sources."""

from __future__ import annotations

import argparse
from typing import Any

from app.base.progress import Progress
from app.base.terminal import note
from app.case.series_choice import require_path
from app.cli.command import Command, path_argument, print_metrics


def arguments(parser: argparse.ArgumentParser) -> None:
    for name in ("fused", "a", "b"):
        parser.add_argument(name, type=path_argument, metavar=name.upper())


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.metrics.image_files import metrics_of_files

    for path in (args.fused, args.a, args.b):
        require_path(path)
    values = metrics_of_files(args.fused, args.a, args.b, note=note)
    if not args.json:
        print_metrics(values)
    return values


COMMAND = Command("metrics", "Measure a fused picture against its two sources (8-bit pictures).", arguments, run)
