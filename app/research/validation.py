"""Measure fusers on validation pairs, rank them among other methods' pictures, and write the result down.

    python -m app.research.validation --pairs DIR [--peers DIR] [--networks a,b] [--scalar]
    python -m app.research.validation --pairs DIR --publish lightfusionnet=runs/x/weights.safetensors

`--peers` holds pictures that other methods made, <method>/<task>/<id>.png. The rank sum adds, over the eight columns in
RANKED, a method's rank by its mean among all methods there (1 the best, equals share a rank); lower is better.
`--publish` copies weights to model_weights/ and writes their manifest entry with what was just measured.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import nn

from app.assets import model_weights
from app.fusion import infer, registry, weights
from app.metrics.catalogue import evaluate
from app.research.pairs import MEDICAL_TASKS, Pair, Picture, read_luma, read_pairs

RANKED = ("SD", "SF", "AG", "MI", "SCD", "VIFF", "Qabf", "SSIM")
Means = dict[str, float]  # metric: mean over pairs, and "n"
Fuse = Callable[[Pair], Picture]  # 8-bit fused luma


def by_network(network: nn.Module, device: str = "cpu", *, scalar: bool = False) -> Fuse:
    """A function that fuses a pair with a network, through the same door as volumes go.

    scalar : take the scalar behind the colours where there is one, as volumes bring it, instead of luma
    """

    def fuse(pair: Pair) -> Picture:
        told = [(0, unit(pair.mri), unit(partner_of(pair, scalar)))]
        ((_, fused),) = infer.fuse_slices(network, told, device=device, notes=lambda note: print(note, file=sys.stderr))
        return np.rint(fused * 255).astype(np.uint8)

    return fuse


def unit(picture: Picture) -> NDArray[np.float32]:
    return picture.astype(np.float32) / np.float32(255)


def partner_of(pair: Pair, scalar: bool) -> Picture:
    return pair.scalar if scalar and pair.scalar is not None else pair.luma


def means(pairs: Sequence[Pair], fuse: Fuse, *, names: Sequence[str] | None = None, scalar: bool = False) -> Means:
    """Each metric's mean over the pairs where it is defined."""
    values: dict[str, list[float]] = {}
    for pair in pairs:
        for reading in evaluate(fuse(pair), pair.mri, partner_of(pair, scalar), names):
            values.setdefault(reading.metric.name, []).append(reading.value)
    found = {name: [value for value in column if math.isfinite(value)] for name, column in values.items()}
    return {"n": len(pairs)} | {name: float(np.mean(column)) if column else math.nan for name, column in found.items()}


def rank_sums(table: Mapping[str, Means], columns: Sequence[str] = RANKED) -> dict[str, float]:
    """Sum over the columns of each method's rank by mean, higher being better; what is undefined ranks last."""
    methods = list(table)
    sums = np.zeros(len(methods))
    for column in columns:
        sums += rankdata([-np.nan_to_num(table[method][column], nan=-math.inf) for method in methods])
    return dict(zip(methods, sums.tolist(), strict=True))


def score(means_by_task: Mapping[str, Means], tables: Mapping[str, Mapping[str, Means]]) -> float:
    """One number that decides between weights: the mean over tasks and RANKED of a metric over the pixel maximum's."""
    ratios = [of[name] / tables[task]["maximum"][name] for task, of in means_by_task.items() for name in RANKED]
    return float(np.mean(ratios))


def measure(
    pairs: Sequence[Pair], fusers: Mapping[str, Fuse], peers: Path | None = None, *, scalar: bool = False
) -> dict[str, dict[str, Means]]:
    """Means by task and method: the fusers, and every method under `peers` that has all of a task's pictures."""
    tables: dict[str, dict[str, Means]] = {}
    for task in sorted({pair.task for pair in pairs}):
        of_task = [pair for pair in pairs if pair.task == task]
        table = {name: means(of_task, fuse, scalar=scalar) for name, fuse in fusers.items()}
        for folder in sorted(peers.iterdir()) if peers else ():
            made = {pair.name: folder / task / f"{pair.name}.png" for pair in of_task}
            if all(path.is_file() for path in made.values()):
                table[folder.name] = means(of_task, lambda pair, made=made: read_luma(made[pair.name]))  # type: ignore[misc]  # a default binds the loop's value
        tables[task] = table
    return tables


def as_text(tables: Mapping[str, Mapping[str, Means]]) -> str:
    """Markdown tables, best rank sum first."""
    lines: list[str] = []
    for task, table in tables.items():
        sums = rank_sums(table)
        lines += [f"| {task}, {int(next(iter(table.values()))['n'])} | " + " | ".join(RANKED) + " | rank sum |"]
        lines += ["|---" * (len(RANKED) + 2) + "|"]
        for method in sorted(table, key=lambda one: sums[one]):
            values = " | ".join(f"{table[method][column]:.3f}" for column in RANKED)
            lines += [f"| {method} | {values} | {sums[method]:g} |"]
        lines += [""]
    return "\n".join(lines)


def ms_per_slice(network: nn.Module, size: int = 256, repeats: int = 20) -> float:
    """The best of a few measured times for one slice of size x size on the CPU, with the threads torch has now."""
    source = np.random.default_rng(0).random((size, size), dtype=np.float32)
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        list(infer.fuse_slices(network, [(0, source, source)], device="cpu", notes=print))
        taken.append(time.perf_counter() - started)
    return 1000 * min(taken)


def publish(name: str, source: Path, tables: Mapping[str, Mapping[str, Means]], command: str, folder: Path) -> None:
    """Copy weights into `folder` and let its manifest vouch for them, with the quality just measured."""
    arguments = weights.arguments_in(source)
    network = registry.build(name, **arguments)
    weights.put(network, weights.read_tensors(source, weights.sha256_of(source)), source)
    target = folder / f"{name}.safetensors"
    if source.resolve() != target.resolve():  # equal when what is published already is measured again
        shutil.copyfile(source, target)
    kept = weights.read_manifest(folder).get(name, {})
    weights.write_entry(
        folder,
        name,
        {
            "training_data": "AANLIB (Harvard Whole Brain Atlas) CT-MRI, PET-MRI and SPECT-MRI pairs, train split",
            "licence": "research use only, as its training data (AANLIB)",
            "card": f"{name}.md",
        }
        | kept
        | {
            "file": target.name,
            "sha256": weights.sha256_of(target),
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "arguments": arguments,
        }
        | measured(network, {task: table[name] for task, table in tables.items()}, command),
    )


def measured(network: nn.Module, quality: Mapping[str, Means], command: str) -> dict[str, object]:
    """The part of a manifest entry that a measurement makes."""
    tasks = {
        task: {name: value if name == "n" else round(value, 4) for name, value in of_task.items()}
        for task, of_task in quality.items()
    }
    return {
        "quality": {"command": command, "split": "val", "tasks": tasks},
        "ms_per_slice": {"cpu": round(ms_per_slice(network.eval()), 1), "threads": torch.get_num_threads()},
    }


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m app.research.validation", description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--networks", help="names, with commas between; default: all that can run")
    parser.add_argument("--scalar", action="store_true", help="PET and SPECT as scalars instead of luma")
    parser.add_argument("--publish", metavar="NAME=FILE", help="weights to copy to model_weights/ once measured")
    args = parser.parse_args(given)
    names = args.networks.split(",") if args.networks else [spec.name for spec in registry.available()]
    networks = {name: registry.load(name) for name in names}
    if args.publish:
        name, _, file = args.publish.partition("=")
        networks[name] = registry.build(name, **weights.arguments_in(Path(file))).eval()
        weights.put(networks[name], weights.read_tensors(Path(file), weights.sha256_of(Path(file))), Path(file))
    fusers = {name: by_network(network, scalar=args.scalar) for name, network in networks.items()}
    pairs = read_pairs(args.pairs, "val", MEDICAL_TASKS)
    tables = measure(pairs, fusers, args.peers, scalar=args.scalar)
    print(as_text(tables))
    command = "python -m app.research.validation --pairs DIR"
    if args.publish:
        publish(name, Path(file), tables, command, model_weights())
        for spec in registry.NETWORKS:
            if spec.classical and spec.name in fusers:
                quality = {task: table[spec.name] for task, table in tables.items()}
                entry = {"parameters": 0} | measured(networks[spec.name], quality, command)
                weights.write_entry(model_weights(), spec.name, entry)


if __name__ == "__main__":
    main()
