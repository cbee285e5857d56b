"""What noise in the sources and a misaligned partner cost a fused picture, measured against the clean, aligned sources.

    python -m app.research robustness --pairs DIR [--networks a,b] [--weights NAME=FILE] [--scalar] [--json]

Noise as in SSPFusion, section 4.4, for medical pairs: Gaussian noise of variance 25 (grey levels of 255, squared) in
the MRI, Poisson-Gaussian noise in the partner. The paper gives no level for the latter; here one count is one grey
level, so a pixel of value v has Poisson noise of variance v, and Gaussian noise of variance 25 is added. Disturbed
sources are rounded and clipped to 8 bits, as pictures would be. Air gets noise as well.

Misalignment moves the partner by 1 to 5 whole pixels, up, down, left and right in turn, with 0 coming in at the edge;
what is told is the mean over the four.

Told are metrics of fidelity, for "none" as they are and for each disturbance as what it changes, and "RMS": how far the
fused picture moves from the undisturbed one, root mean square over its pixels, in grey levels.
"""

from __future__ import annotations

import argparse
import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from app.base.progress import Progress, silent
from app.fusion import infer
from app.metrics.catalogue import evaluate
from app.research.evaluation.fusers import FuseUnit, asked_networks, asked_pairs
from app.research.evaluation.options import add_sources
from app.research.evaluation.tables import as_document, means
from app.research.evaluation.validation import fused_picture, partner_of
from app.research.pairs import Pair, Picture

VARIANCE = 25.0  # of Gaussian noise, in squared grey levels
SHIFTS = (1, 2, 3, 4, 5)  # pixels
METRICS = ("MI", "SCD", "VIFF", "Qabf", "SSIM")

Sources = tuple[Picture, Picture]  # mri, partner
Disturb = Callable[[Picture, Picture, np.random.Generator], list[Sources]]  # all variants of one disturbance
Measured = dict[str, dict[str, dict[str, dict[str, float]]]]  # task, network, disturbance, metric


def gaussian(picture: Picture, draw: np.random.Generator) -> Picture:
    """With white Gaussian noise of VARIANCE."""
    return _eight_bits(picture + draw.normal(0, math.sqrt(VARIANCE), picture.shape))


def poisson_gaussian(picture: Picture, draw: np.random.Generator) -> Picture:
    """As if each grey level were a count, with Gaussian noise on top."""
    return _eight_bits(draw.poisson(picture) + draw.normal(0, math.sqrt(VARIANCE), picture.shape))


def _eight_bits(values: np.ndarray) -> Picture:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def shifted(picture: Picture, down: int, right: int) -> Picture:
    """Moved by whole pixels, negative ones up and left; 0 comes in."""
    height, width = picture.shape
    moved = np.zeros_like(picture)
    moved[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = picture[
        max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return moved


def _apart(pixels: int) -> Disturb:
    steps = ((pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels))
    return lambda mri, partner, draw: [(mri, shifted(partner, *step)) for step in steps]


DISTURBANCES: dict[str, Disturb] = {
    "MRI Gaussian": lambda mri, partner, draw: [(gaussian(mri, draw), partner)],
    "partner Poisson-Gaussian": lambda mri, partner, draw: [(mri, poisson_gaussian(partner, draw))],
    "both noisy": lambda mri, partner, draw: [(gaussian(mri, draw), poisson_gaussian(partner, draw))],
    **{f"partner {pixels} px off": _apart(pixels) for pixels in SHIFTS},
}


def measure(
    pairs: Sequence[Pair],
    fusers: Mapping[str, FuseUnit],
    *,
    scalar: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> Measured:
    """Means over the pairs by task, network and disturbance ("none" first): "n", "RMS" and METRICS.

    All networks see the same noise: it is drawn from the seed and the pair's name.
    """
    measured: dict[str, dict[str, dict[str, list[dict[str, float]]]]] = {}
    for done, pair in enumerate(pairs):
        clean = pair.mri, partner_of(pair, scalar)
        draw = np.random.default_rng([seed, zlib.crc32(f"{pair.task}/{pair.name}".encode())])
        variants = {"none": [clean]} | {name: disturb(*clean, draw) for name, disturb in DISTURBANCES.items()}
        for number, (network, fuse) in enumerate(fusers.items()):
            share = (done + number / len(fusers)) / len(pairs)
            report = partial(progress, share, f"{network}, {pair.task} {pair.name}")
            report()
            with infer.Stoppable(report):
                fused_of = {
                    name: [fused_picture(fuse, *both) for both in sources] for name, sources in variants.items()
                }
            (undisturbed,) = fused_of["none"]
            of_network = measured.setdefault(pair.task, {}).setdefault(network, {})
            for name, fused in fused_of.items():
                of_network.setdefault(name, []).extend(_measured(picture, undisturbed, clean) for picture in fused)
    return {
        task: {
            network: {
                name: {"n": sum(pair.task == task for pair in pairs)} | means(rows) for name, rows in by_name.items()
            }
            for network, by_name in table.items()
        }
        for task, table in measured.items()
    }


def _measured(fused: Picture, undisturbed: Picture, clean: Sources) -> dict[str, float]:
    rms = float(np.sqrt(np.mean((fused.astype(np.float64) - undisturbed) ** 2)))
    return {"RMS": rms} | {reading.metric.name: reading.value for reading in evaluate(fused, *clean, METRICS)}


def as_text(measured: Measured) -> str:
    """Markdown tables: the metrics undisturbed, and what each disturbance changes."""
    lines: list[str] = []
    for task, table in measured.items():
        count = next(iter(table.values()))["none"]["n"]
        lines += [f"| {task}, {count} | sources | RMS | {' | '.join(METRICS)} |", "|---" * (len(METRICS) + 3) + "|"]
        for network, by_name in table.items():
            clean = by_name["none"]
            for name, mean in by_name.items():
                values = [clean[metric] if name == "none" else mean[metric] - clean[metric] for metric in METRICS]
                shown = ".3f" if name == "none" else "+.3f"
                cells = [format(value, shown) if math.isfinite(value) else "-" for value in values]
                lines.append(f"| {network} | {name} | {mean['RMS']:.1f} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


arguments = add_sources


def run(args: argparse.Namespace, progress: Progress) -> None:
    pairs, fusers = asked_pairs(args), asked_networks(args)
    measured = measure(pairs, fusers, scalar=args.scalar, seed=args.seed, progress=progress)
    print(json.dumps(as_document(measured), indent=2) if args.json else as_text(measured))
