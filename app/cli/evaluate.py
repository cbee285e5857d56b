"""`synoptic evaluate`: networks, and other programs' pictures, measured on registered pairs."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from app.base.progress import Progress
from app.base.terminal import note
from app.cli.command import Command, add_device, path_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", type=path_argument, required=True, metavar="DIR", help="TASK/SPLIT/MODALITY/ID.png,"
                        " or MODALITY/ID.png: mri with ct, pet or spect; vis with ir")  # fmt: skip
    parser.add_argument("--task", default="all", metavar="all|A,B", help="of ct-mri, pet-mri, spect-mri and ir-vis")
    parser.add_argument("--split", default="val", metavar="NAME")
    parser.add_argument("--networks", default="all", metavar="all|none|A,B", help="see `synoptic networks`")
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE", help="not those published")
    parser.add_argument("--scalar", action="store_true", help="PET and SPECT as the scalar behind their colours")
    add_device(parser)
    parser.add_argument("--fused", type=path_argument, metavar="DIR", help="another program's pictures, TASK/ID.png")
    parser.add_argument("--peers", type=path_argument, metavar="DIR", help="a folder of those, METHOD/TASK/ID.png")
    parser.add_argument("--save", type=path_argument, metavar="DIR", help="write fused pictures with their colours,"
                        " METHOD/TASK/ID.png")  # fmt: skip
    parser.add_argument("--save-luma", type=path_argument, metavar="DIR", help="write what was measured, grey; as"
                        " --peers it measures the same")  # fmt: skip
    parser.add_argument("--table", type=path_argument, action="append", default=[], metavar="FILE.md|.csv|.tex")
    parser.add_argument(
        "--per-image", type=path_argument, metavar="FILE.csv", help="for `app.research.evaluation.statistics`"
    )


def run(args: argparse.Namespace, progress: Progress) -> Any:
    from app.research.evaluation import evaluate as evaluation
    from app.research.evaluation import tables

    request = evaluation.Request(**{field.name: getattr(args, field.name) for field in fields(evaluation.Request)})
    results = evaluation.run(request, progress, note)
    if not args.json:
        print(tables.as_markdown(results))
    return tables.as_document(results)


COMMAND = Command("evaluate", "Compare networks, and other programs' pictures, on registered pairs.", arguments, run)
