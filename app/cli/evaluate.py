"""`synoptic evaluate`: networks, and other programs' pictures, measured on registered pairs."""

from __future__ import annotations

import argparse
from typing import Any

from app.base.progress import Progress
from app.cli.command import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    from app.research.evaluation.options import add_evaluate

    add_evaluate(parser)


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.research.evaluation import evaluate

    return evaluate.run(args, progress)


COMMAND = Command("evaluate", "Compare networks, and other programs' pictures, on registered pairs.", arguments, run)
