"""Pairs of pictures for training tests: discs and stripes, 48 x 48, with air around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from app.research.pairs import Pair


def pairs(count: int = 3, seed: int = 0) -> list[Pair]:
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:48j, -1:1:48j]
    head = x**2 + y**2 < 0.9
    made = []
    for number in range(count):
        stripes = 120 + 80 * np.sin(x * draw.uniform(10, 25) + y * draw.uniform(0, 10))
        centre = draw.uniform(-0.4, 0.4, 2)
        disc = 220 * np.exp(-4 * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2))
        mri, partner = (np.where(head, one, 0).astype(np.uint8) for one in (stripes, disc))
        made.append(Pair("ct-mri", str(1000 + number), mri, partner))
    return made


def write(folder: Path) -> Path:
    """The same as files: two pairs for each of the three medical tasks and both splits; the folder."""
    for split in ("train", "val"):
        for pair in pairs(2):
            for task, modality in (("ct-mri", "ct"), ("pet-mri", "pet"), ("spect-mri", "spect")):
                for kind, picture in (("mri", pair.mri), (modality, pair.luma)):
                    target = folder / task / split / kind
                    target.mkdir(parents=True, exist_ok=True)
                    coloured = np.repeat(picture[..., None], 3, axis=2) if kind in ("pet", "spect") else picture
                    Image.fromarray(coloured // 8 * 8).save(target / f"{pair.name}.png")
    return folder


class CountedMaximum:
    """The pixel maximum through torch, so that it can be left on the way; calls : how often it was begun."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, mri: np.ndarray, partner: np.ndarray) -> np.ndarray:
        self.calls += 1
        return torch.maximum(torch.from_numpy(mri), torch.from_numpy(partner)).numpy()
