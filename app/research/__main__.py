"""Train networks and measure them: `python -m app.research COMMAND --help` tells more of each command.

Exit codes are those of `synoptic`: 0 done, 2 a problem that a sentence tells, 130 cancelled.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from functools import partial

from app.base import process
from app.base.terminal import exit_code

# Each is a module: its docstring is its help, `arguments(parser)` adds its options, `run(args, progress)` does it.
COMMANDS = {
    "train": ("app.research.training.train", "Train a network by its recipe."),
    "evaluate": ("app.research.evaluation.evaluate", "Compare networks, and other programs' pictures, on pairs."),
    "lesions": ("app.research.evaluation.lesions", "Plant and delete lesions: which are shown, which invented?"),
    "failure": ("app.research.evaluation.failure", "Draw the planted lesion that a network shows least."),
    "robustness": ("app.research.evaluation.robustness", "What noise and misalignment cost."),
    "statistics": ("app.research.evaluation.statistics", "Is one method better than the others on the same images?"),
    "efficiency": ("app.research.evaluation.efficiency", "Parameters, compute, time and memory."),
    "renew": ("app.research.evaluation.renew", "Run the commands that a document shows, and renew its tables."),
}


def main(argv: Sequence[str] | None = None) -> int:
    process.settle()  # before a command's module imports torch
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="python -m app.research", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        own = commands.add_parser(name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
        if words[:1] == [name]:  # only what is asked for is loaded
            command = importlib.import_module(module)
            own.description = command.__doc__
            command.arguments(own)
            own.set_defaults(run=command.run)
    args = parser.parse_args(words)
    return exit_code(partial(args.run, args))


if __name__ == "__main__":
    sys.exit(main())
