"""Train a network on folders of registered pairs; the loop itself is `loop`.

    python -m app.research.training.train --network lightfusionnet --pairs DIR --out runs/lightfusionnet
    python -m app.research.training.train --pairs DIR --out runs/lightfusionnet --resume

A loss that follows pictures learns from --examples (`examples`) instead of the training pairs.

Into --out go config.json (the run can be rebuilt from it), curve.csv (the loss and its terms), validation.csv (the
metrics that decide), checkpoint.pt (everything that --resume needs, the config too) and weights.safetensors (the
running mean of the weights at the best validation so far; `validation --publish` takes it from there, --start-from
begins another run with it). Ctrl-C and SIGTERM save and stop. `ranks` says how torchrun shares a run among processes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.base.progress import Cancelled, Progress
from app.base.terminal import exit_code, note, whole_number
from app.fusion import infer
from app.fusion.large_kernel import computes_bfloat16
from app.research.pairs import Pair, read_pairs
from app.research.training import examples, run_folder
from app.research.training import processes as ranks
from app.research.training.config import ConfigError, TrainConfig, config, from_json, start_from
from app.research.training.examples import Example
from app.research.training.loop import NEEDED, train
from app.research.training.objectives import LOSSES


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.training.train", description=__doc__)
    parser.add_argument("--network", help="the run's name, such as lightfusionnet; with --resume, --out tells it")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--examples", type=Path, help="what a loss that follows pictures learns from (`examples`)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--start-from", type=Path, help="weights to begin with: a safetensors file, or a run's folder")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=whole_number)
    parser.add_argument("--loss", choices=sorted(LOSSES))
    parser.add_argument(
        "--tasks", type=_tasks, help="names, with commas between; one named twice is drawn twice as often"
    )
    parser.add_argument("--batch", type=int)
    parser.add_argument("--crop", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction)
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--threads", type=_count, help="CPU threads; torch's own choice without it")
    parser.add_argument(
        "--argument",
        metavar="NAME=JSON",
        type=_argument,
        action="append",
        default=[],
        help='of the network\'s constructor, such as norm="BN": what its paper ablates; may be repeated',
    )
    args = parser.parse_args(given)
    if not (args.network or args.resume):
        parser.error("say which --network to train, or --resume")
    if args.threads:
        infer.set_num_threads(args.threads)
    leads = os.environ.get("RANK", "0") == "0"  # torchrun's: the one process that prints

    def work(progress: Progress) -> None:
        run = _asked_run(args)
        if args.examples:
            slices: Sequence[Pair | Example] = examples.read(args.examples, run.tasks)
        else:
            slices = read_pairs(args.pairs, "train", run.tasks, scalars=run.augmentation.scalar > 0)
        held_out = read_pairs(args.pairs, "val", run.tasks, scalars=False)
        device = infer.pick_device(args.device)
        if leads and run.bf16 and device == "cpu" and not computes_bfloat16():
            note("this processor does not compute in bfloat16 and may take ten times as long for it; see --no-bf16")
        try:
            with ranks.joined(device):
                best = train(run, slices, held_out, args.out, device=device, resume=args.resume, progress=progress)
        except Cancelled:
            if leads:
                note(f"the run is saved; go on with --resume --out {args.out}")
            raise
        if leads:
            print(f"best validation score {best:.4f}; weights: {args.out / 'weights.safetensors'}")

    return exit_code(work, quiet=not leads)


def _count(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is no number of threads")
    return int(given)


def _tasks(given: str) -> tuple[str, ...]:
    return tuple(given.split(","))


def _argument(given: str) -> tuple[str, Any]:
    name, _, value = given.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{given!r} is no NAME=JSON: texts stand in double quotes") from error


def _asked_run(args: argparse.Namespace) -> TrainConfig:
    """The run that the command line begins, or goes on with: then nothing it says may differ from how it was begun."""
    names = ("steps", "seed", "loss", "tasks", "batch", "crop", "learning_rate", "bf16")
    changes = {name: value for name in names if (value := getattr(args, name)) is not None}
    if args.start_from:
        changes["start_from"] = start_from(args.start_from)
    if not args.resume:
        begun = config(args.network)
        run = replace(begun, **changes, arguments=begun.arguments | dict(args.argument))
        if run.frozen and run.start_from is None:
            raise ConfigError("start_from", None, "given (--start-from), since a part is to stay as it begins")
        return run
    run = run_folder.begun(args.out, NEEDED, from_json)
    if run.loss not in LOSSES:
        raise run_folder.CheckpointError(args.out / "checkpoint.pt", run_folder.OTHER)
    if args.network:
        changes["network"] = config(args.network).network
    differing = [f"--{name.replace('_', '-')}" for name, value in changes.items() if getattr(run, name) != value]
    if any(run.arguments.get(name) != value for name, value in args.argument):
        differing.append("--argument")
    if differing:
        raise run_folder.ResumedOtherwiseError(args.out, differing)
    return run


if __name__ == "__main__":
    sys.exit(main())
