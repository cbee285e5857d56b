"""Fuse registered pairs, measure every fused picture, score weights by it, and publish the best.

    python -m app.research.evaluation.validation --pairs DIR --publish lightfusionnet=runs/x/weights.safetensors

copies weights to model_weights/ and writes their manifest entry with what they measured on the validation pairs; a
name alone measures again what is there, such as a classical method. `synoptic evaluate` compares methods.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from app.base.assets import model_weights
from app.base.progress import Progress, silent
from app.base.terminal import exit_code
from app.fusion import infer, registry, weights
from app.metrics.catalogue import evaluate
from app.research.evaluation.efficiency import ms_per_slice
from app.research.evaluation.fusers import FuseUnit, as_function, from_file, named_file
from app.research.evaluation.per_image import Measured, means_by_method
from app.research.evaluation.tables import RANKED, Means, Tables, as_markdown
from app.research.pairs import MEDICAL_TASKS, Pair, Picture, read_pairs

Fuse = Callable[[Pair], Picture]  # 8-bit fused luma

# What the medical networks, and those for infrared-visible pairs, are trained on, and whose licence that has.
AANLIB = "AANLIB (Harvard Whole Brain Atlas) CT-MRI, PET-MRI and SPECT-MRI", "AANLIB"
ROADSCENE = "RoadScene infrared-visible", "RoadScene"


def by_network(network: nn.Module, device: str = "cpu", *, scalar: bool = False) -> Fuse:
    """A function that fuses a pair with a network, through the same door as volumes go.

    scalar : take the scalar behind the colours where there is one, as volumes bring it, instead of luma
    """
    fuse_unit = as_function(network, device)

    return lambda pair: fused_picture(fuse_unit, pair.mri, partner_of(pair, scalar))


def fused_picture(fuse: FuseUnit, mri: Picture, partner: Picture) -> Picture:
    """8-bit luma of two 8-bit pictures, rounded in float32, as pictures are exported."""
    return np.rint(fuse(unit(mri), unit(partner)).astype(np.float32) * np.float32(255)).astype(np.uint8)


def unit(picture: Picture) -> NDArray[np.float32]:
    return picture.astype(np.float32) / np.float32(255)


def partner_of(pair: Pair, scalar: bool) -> Picture:
    return pair.scalar if scalar and pair.scalar is not None else pair.luma


def measure_each(
    pairs: Sequence[Pair],
    fusers: Mapping[str, Fuse],
    *,
    scalar: bool = False,
    timed: bool = True,
    made: Callable[[str, Pair, Picture], None] = lambda name, pair, fused: None,
    progress: Progress = silent,
) -> list[Measured]:
    """Fuse every pair once by every fuser, task by task, and measure the picture; `made` gets it too."""
    measured: list[Measured] = []
    works = [
        (name, fuse, pair)
        for task in dict.fromkeys(pair.task for pair in pairs)
        for name, fuse in fusers.items()
        for pair in pairs
        if pair.task == task
    ]
    for done, (name, fuse, pair) in enumerate(works):
        report = partial(progress, done / len(works), f"{name}, {pair.task} {pair.name}")
        report()
        started = time.perf_counter()
        with infer.Stoppable(report):
            fused = fuse(pair)
        ms = 1000 * (time.perf_counter() - started) if timed else math.nan
        made(name, pair, fused)
        readings = evaluate(fused, pair.mri, partner_of(pair, scalar))
        values = {one.metric.name: one.value for one in readings}
        reasons = {one.metric.name: one.reason for one in readings if not math.isfinite(one.value)}
        measured.append(Measured(pair.task, name, pair.name, values, ms, reasons))
    return measured


def measure(pairs: Sequence[Pair], fusers: Mapping[str, Fuse], *, scalar: bool = False) -> Tables:
    """Means by task and fuser."""
    return means_by_method(measure_each(pairs, fusers, scalar=scalar))


def score(means_by_task: Mapping[str, Means], tables: Tables) -> float:
    """One number that decides between weights: the mean over tasks and RANKED of a metric over the pixel maximum's.

    What is undefined is left out, such as VIFF of pictures too small for it.
    """
    ratios = [of[name] / tables[task]["maximum"][name] for task, of in means_by_task.items() for name in RANKED]
    return float(np.nanmean(ratios))


def publish(
    name: str, source: Path | None, tables: Tables, command: str, folder: Path, *, over: Path | None = None
) -> None:
    """Write what was measured into the manifest of `folder`; with `source`, copy those weights there, vouched for.

    over : weights in `folder`; only what differs from them is written then, beside them
    """
    network = from_file(name, source) if source else registry.load(name, folder=folder)
    entry = weights.read_manifest(folder).get(name, {})
    if source:
        target = folder / f"{name}{'-tuned' * bool(over)}.safetensors"
        if over:
            weights.save_over(source, over, target)
        elif source.resolve() != target.resolve():  # equal when what is published already is measured again
            shutil.copyfile(source, target)
        pictures, of = ROADSCENE if "ir-vis" in tables else AANLIB
        origin = {
            "training_data": f"{pictures} pairs, train split",
            "licence": f"research use only, as its training data ({of})",
            "card": f"{name}.md",
        }
        file = {"file": target.name, "sha256": weights.sha256_of(target), "arguments": weights.arguments_in(source)}
        entry = entry | origin | file
        entry.pop("over", None)
        if over:
            entry["over"] = {"file": over.name, "sha256": weights.sha256_of(over)}
    quality = {
        task: {key: value if key == "n" else round(value, 4) for key, value in table[name].items()}
        for task, table in tables.items()
    }
    measured = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "quality": {"command": command, "split": "val", "tasks": quality},
        "ms_per_slice": {"cpu": round(ms_per_slice(network), 1), "threads": torch.get_num_threads()},
    }
    weights.write_entry(folder, name, entry | measured)


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m app.research.evaluation.validation", description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--tasks", default=",".join(MEDICAL_TASKS), help="names, with commas between")
    parser.add_argument("--publish", metavar="NAME[=FILE]", required=True, action="append", help="may be repeated")
    parser.add_argument("--into", type=Path, default=model_weights(), help="default: %(default)s")
    parser.add_argument("--half", action="store_true", help="publish, and measure, the weights rounded to float16")
    parser.add_argument("--over", metavar="FILE", help="a file in --into: publish only what differs from it, beside it")
    args = parser.parse_args(given)
    if not args.into.is_dir():
        parser.error(f"--into: there is no folder {args.into}")
    over = args.into / args.over if args.over else None
    if over and not over.is_file():
        parser.error(f"--over: there is no {over}")

    if (args.half or over) and not all("=" in asked for asked in args.publish):
        parser.error("--half and --over are of a file: say --publish NAME=FILE")

    def work(progress: Progress) -> None:
        pairs = read_pairs(args.pairs, "val", args.tasks.split(","), scalars=False)
        for asked in args.publish:
            name, file = named_file(asked) if "=" in asked else (asked, None)
            if args.half and file:
                full, file = file, file.with_suffix(".half.safetensors")
                rounded = from_file(name, full)
                weights.tame_batch_norms(rounded)
                weights.save(rounded, file, weights.arguments_in(full), half=True)
            network = from_file(name, file) if file else registry.load(name, folder=args.into)
            tables = means_by_method(measure_each(pairs, {name: by_network(network)}, progress=progress))
            print(as_markdown(tables))
            command = f"synoptic evaluate --pairs DIR --task {args.tasks} --networks {name}"
            publish(name, file, tables, command, args.into, over=over)

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
