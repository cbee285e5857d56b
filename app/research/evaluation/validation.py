"""Fuse registered pairs through the same door as volumes go, and measure every fused picture."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from app.base.progress import Progress, silent
from app.fusion import infer
from app.metrics.catalogue import evaluate
from app.research.evaluation.fusers import FuseUnit, as_function
from app.research.evaluation.per_image import Measured, means_by_method
from app.research.evaluation.tables import Tables
from app.research.pairs import Pair, Picture

Fuse = Callable[[Pair], Picture]  # 8-bit fused luma


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
        values = {reading.metric.name: reading.value for reading in readings}
        reasons = {reading.metric.name: reading.reason for reading in readings if not math.isfinite(reading.value)}
        measured.append(Measured(pair.task, name, pair.name, values, ms, reasons))
    return measured


def measure(pairs: Sequence[Pair], fusers: Mapping[str, Fuse], *, scalar: bool = False) -> Tables:
    """Means by task and fuser."""
    return means_by_method(measure_each(pairs, fusers, scalar=scalar))
