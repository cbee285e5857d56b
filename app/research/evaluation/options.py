"""The options of the commands that measure networks on registered pairs; reading them loads no torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.base.settings import DEVICES
from app.base.terminal import whole_number


def path_argument(text: str) -> Path:
    """The type of an argument that names a file or folder."""
    if not text:  # Path("") is the working folder: an unset variable in a script would measure whatever lies there
        raise argparse.ArgumentTypeError("the name of a file or folder is empty")
    return Path(text)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, progress on stderr")


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Of a command that fuses the medical pairs of a split with networks (`fusers`)."""
    parser.add_argument("--pairs", type=path_argument, required=True, metavar="DIR", help="TASK/SPLIT/MODALITY/ID.png")
    parser.add_argument("--split", default="val", metavar="NAME")
    parser.add_argument("--networks", metavar="A,B", help="names, with commas between; default: all that can run")
    parser.add_argument("--weights", metavar="NAME=FILE", action="append", default=[], help="not those published")
    parser.add_argument("--scalar", action="store_true", help="PET and SPECT as scalars instead of luma")
    parser.add_argument(
        "--per-task", type=whole_number, default=0, metavar="N", help="pairs a task, evenly spread; default: all"
    )
    parser.add_argument("--device", default="auto", choices=DEVICES)
    parser.add_argument("--seed", type=whole_number, default=0)
    add_json(parser)


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    """Of `evaluate`: the fields of `evaluate.Request`."""
    parser.add_argument("--pairs", type=path_argument, required=True, metavar="DIR", help="TASK/SPLIT/MODALITY/ID.png,"
                        " or MODALITY/ID.png: mri with ct, pet or spect; vis with ir")  # fmt: skip
    parser.add_argument("--task", default="all", metavar="all|A,B", help="of ct-mri, pet-mri, spect-mri and ir-vis")
    parser.add_argument("--split", default="val", metavar="NAME")
    parser.add_argument("--networks", default="all", metavar="all|none|A,B", help="see `synoptic networks`")
    parser.add_argument("--weights", action="append", default=[], metavar="NAME=FILE", help="not those published")
    parser.add_argument("--scalar", action="store_true", help="PET and SPECT as the scalar behind their colours")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--fused", type=path_argument, metavar="DIR", help="another program's pictures, TASK/ID.png")
    parser.add_argument("--peers", type=path_argument, metavar="DIR", help="a folder of those, METHOD/TASK/ID.png")
    parser.add_argument("--save", type=path_argument, metavar="DIR", help="write fused pictures with their colours,"
                        " METHOD/TASK/ID.png")  # fmt: skip
    parser.add_argument("--save-luma", type=path_argument, metavar="DIR", help="write what was measured, grey; as"
                        " --peers it measures the same")  # fmt: skip
    parser.add_argument("--table", type=path_argument, action="append", default=[], metavar="FILE.md|.csv|.tex")
    parser.add_argument(
        "--per-image", type=path_argument, metavar="FILE.csv", help="for `python -m app.research statistics`"
    )
