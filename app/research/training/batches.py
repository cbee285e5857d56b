"""Training batches: crops of pairs, turned and varied, the same for the same seed and step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.research.pairs import Pair, Unit
from app.research.training.recipes import Augmentation, Stage

Choice = TypeVar("Choice")


def batches(stage: Stage, pairs: Sequence[Pair], step: int) -> Iterator[tuple[Tensor, Tensor]]:
    """MRI and partner of the stage's steps from that one on, each made while the step before it is computed."""
    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(batch_at, stage, pairs, step)
        for after in range(step + 1, stage.steps + 1):
            ready = coming.result()
            coming = beside.submit(batch_at, stage, pairs, after)
            yield ready


def batch_at(stage: Stage, pairs: Sequence[Pair], step: int) -> tuple[Tensor, Tensor]:
    """MRI and partner of a step: (batch, 1, crop, crop) float32 in [0, 1].

    A function of the stage and the step alone, so that a resumed run sees what an unbroken one would have seen. Tasks
    are drawn with equal chance, then pairs.
    """
    draw = np.random.default_rng([stage.seed, step])
    by_task: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_task.setdefault(pair.task, []).append(pair)
    tasks = sorted(task for task in stage.tasks if task in by_task)
    crops = [
        varied(_drawn(by_task[_drawn(tasks, draw)], draw), draw, stage.augmentation, stage.crop)
        for _ in range(stage.batch)
    ]
    mri, partner = (torch.from_numpy(np.stack(alike))[:, None] for alike in zip(*crops, strict=True))
    return mri, partner


def _drawn(choices: Sequence[Choice], draw: np.random.Generator) -> Choice:
    return choices[int(draw.integers(len(choices)))]


def varied(pair: Pair, draw: np.random.Generator, augmentation: Augmentation, crop: int) -> tuple[Unit, Unit]:
    """MRI and partner as a network sees them in training, (crop, crop) in [0, 1]."""
    use_scalar = pair.scalar is not None and draw.random() < augmentation.scalar
    window = np.stack([pair.mri, pair.scalar if use_scalar and pair.scalar is not None else pair.luma])
    window = _turned(_crop(window, draw, crop), draw)
    mri, partner = (_augmented(picture.astype(np.float32) / 255, draw, augmentation) for picture in window)
    if augmentation.dim and draw.random() < augmentation.dim:
        darkened = mri if draw.integers(2) == 0 else partner
        darkened *= np.float32(draw.uniform(0, 0.5))
    return mri, partner


def _turned(window: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
    """(N, H, W), turned by right angles and flipped."""
    window = np.rot90(window, int(draw.integers(4)), axes=(1, 2))
    return window[:, :, ::-1] if draw.random() < 0.5 else window


def _crop(window: NDArray[np.uint8], draw: np.random.Generator, size: int) -> NDArray[np.uint8]:
    """(N, H, W) -> (N, size, size) where it is not mostly empty, zeros where the pictures are smaller."""
    short = [max(0, size - length) for length in window.shape[1:]]
    whole = np.pad(window, ((0, 0), (0, short[0]), (0, short[1])))
    for _ in range(8):  # half of each picture is air, and teaches nothing
        y, x = (int(draw.integers(length - size + 1)) for length in whole.shape[1:])
        window = whole[:, y : y + size, x : x + size]
        if np.count_nonzero(window.any(axis=0)) >= size * size / 3:
            break
    return window


def _augmented(unit: Unit, draw: np.random.Generator, augmentation: Augmentation) -> Unit:
    exponent = np.exp(augmentation.gamma * draw.standard_normal())
    high = draw.uniform(1 - augmentation.window, 1 + augmentation.window)
    seen: Unit = ((unit / high).clip(0, 1) ** exponent).astype(np.float32)
    return seen
