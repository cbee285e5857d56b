"""Made-up pictures for the tests of metrics, and all metrics of them by name."""

from __future__ import annotations

import numpy as np

from app.metrics.catalogue import evaluate


def values(fused, a, b, names=None, inside=None):
    """All metrics, or those named, by name."""
    return {reading.metric.name: reading.value for reading in evaluate(fused, a, b, names, inside=inside)}


def scene(seed, shape=(61, 74), flat=True):
    """Blobs, edges, noise and, where asked, areas of exact zero, as brain slices have."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    picture = 60 + 50 * np.sin(x / (3 + seed)) + 40 * np.cos(y / (5 + seed)) + rng.normal(0, 12, shape)
    picture[(x - 30) ** 2 + (y - 25) ** 2 < 100] += 90
    if flat:
        picture[(x - shape[1] / 2) ** 2 + (y - shape[0] / 2) ** 2 > 27**2] = 0
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


TRIPLES = {
    "maximum": (np.maximum(scene(1), scene(2)), scene(1), scene(2)),
    "average": (((scene(1).astype(int) + scene(2) + 1) // 2).astype(np.uint8), scene(1), scene(2)),
    "noise": (scene(7, flat=False), scene(3, flat=False), scene(4)),
    "square": (scene(5, (64, 64)), scene(6, (64, 64)), 255 - scene(6, (64, 64))),
}

SHAPE = (90, 100)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]]
DISC = (X - 48) ** 2 + (Y - 44) ** 2 < 38**2
BOX = (X >= 10) & (X < 85) & (Y >= 5) & (Y < 80)


def triple():
    """(fused, first source, second source) of SHAPE, without flat areas: regions are cut out of them."""
    a, b = scene(1, SHAPE, flat=False), scene(2, SHAPE, flat=False)
    return np.maximum(a, b), a, b
