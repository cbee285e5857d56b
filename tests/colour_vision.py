"""How colours look to readers with a colour blindness: Machado, Oliveira & Fernandes 2009, severity 1.0.

"A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 15(6):1291, table 1; its matrices
work on linear sRGB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.oklab import Lab, from_linear, linear_srgb

DEFICIENCIES = {
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
VISION = ("normal", *DEFICIENCIES)


def seen(rgb: NDArray[np.uint8], vision: str) -> Lab:
    """What a reader sees of uint8 (..., 3) sRGB, in OKLab; vision is one of VISION."""
    light = linear_srgb(rgb)
    if vision != "normal":
        light = np.clip(light @ DEFICIENCIES[vision].T, 0, 1)
    return from_linear(light)


def apparent_uptake(table: NDArray[np.uint8], vision: str) -> NDArray[np.float64]:
    """How far each colour of a (256 fused, 256 uptake, 3) table looks from no uptake at the same fused grey, OKLab."""
    lab = seen(table, vision)
    return np.linalg.norm(lab - lab[:, :1], axis=-1)


def falls_back(table: NDArray[np.uint8], vision: str) -> float:
    """The most that uptake seems to fall, at any fused grey, while it rises: OKLab, 0.02 is just noticeable."""
    apparent = apparent_uptake(table, vision)
    return float((np.maximum.accumulate(apparent, axis=1) - apparent).max())
