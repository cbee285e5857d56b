"""Contrast and noise of a spot by a slow, obvious version."""

from __future__ import annotations

import numpy as np


def slow_cnr(picture: np.ndarray, y: int, x: int) -> tuple[float, float]:
    """Contrast and CNR from their definition: pixel by pixel, and a plane by least squares."""
    core, ring = [], []
    for i in range(y - 6, y + 7):
        for j in range(x - 6, x + 7):
            r = np.hypot(i - y, j - x)
            if r <= 1.5:
                core.append(picture[i, j])
            if 3 <= r <= 5:
                ring.append((1.0, i - y, j - x, picture[i, j]))
    values = np.array(ring)
    plane = np.linalg.lstsq(values[:, :3], values[:, 3], rcond=None)[0]
    noise = max(np.std(values[:, 3] - values[:, :3] @ plane), 1 / 255)
    contrast = np.mean(core) - np.mean(values[:, 3])
    return contrast, contrast / noise
