"""`synoptic info`: what lies in files, folders and archives."""

from __future__ import annotations

import argparse
from typing import Any

from app.base.progress import Progress
from app.case.series_choice import require_path
from app.cli.command import Command, path_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=path_argument, metavar="PATH")


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.case.pipeline import open_study
    from app.files.scan_report import info_document, info_text

    for path in args.paths:
        require_path(path)
    scan = open_study(args.paths, progress)
    if not args.json:
        print(info_text(scan))
    return info_document(scan)


COMMAND = Command("info", "List the patients, studies and series in files, folders and archives.", arguments, run)
