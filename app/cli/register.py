"""`synoptic register`: the rigid transform from one series to another, as a file."""

from __future__ import annotations

import argparse
from typing import Any

from app.base.progress import Progress
from app.base.terminal import note
from app.cli.command import Command, add_series, path_argument
from app.registration.verdict import Verdict


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fixed", type=path_argument, metavar="FIXED")
    parser.add_argument("moving", type=path_argument, metavar="MOVING")
    parser.add_argument("--out", type=path_argument, required=True, metavar="T.tfm")
    add_series(parser, "--fixed-series", "--moving-series")
    parser.add_argument("--overwrite", action="store_true")


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.case.pipeline import register_files

    registration = register_files(
        args.fixed,
        args.moving,
        out=args.out,
        fixed_series=args.fixed_series,
        moving_series=args.moving_series,
        overwrite=args.overwrite,
        progress=progress,
    )
    result, warnings = registration.result, list(registration.warnings)
    for warning in warnings:
        note(warning)
    if not args.json:
        print(f"{result.verdict.value}: {result.verdict.sentence}")
        if result.verdict is Verdict.REJECTED and result.stopped is not None:
            print(result.stopped.sentence)
        gain = f"{_nats(result.metric_before)} -> {_nats(result.metric_after)}"
        print(f"mutual information {gain}, {result.elapsed_s:.1f} s")
        print(f"written: {args.out}")
    return {
        "fixed_to_moving": result.fixed_to_moving.tolist(),
        "metric_before": result.metric_before,
        "metric_after": result.metric_after,
        "verdict": result.verdict.value,
        "alignment": result.method,
        "elapsed_s": result.elapsed_s,
        "warnings": warnings,
    }


def _nats(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f} nats"


COMMAND = Command("register", "Register MOVING to FIXED rigidly and save the transform.", arguments, run)
