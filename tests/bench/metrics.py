"""How long the metrics of one 256 x 256 slice take, and how that compares with the slow versions of the tests.

Run from the project's folder: OMP_NUM_THREADS=1 python -m tests.bench.metrics
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from app.metrics.catalogue import METRICS, evaluate
from tests.metrics import slow
from tests.metrics.pictures import scene


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The median of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    a, b = scene(1, (256, 256), flat=False), scene(2, (256, 256), flat=False)
    a[:40] = b[:40] = 0
    fused = np.maximum(a, b)
    exact = [picture.astype(np.float64) for picture in (fused, a, b)]
    inside = np.hypot(*np.mgrid[-128:128, -128:128]) < 120
    print(f"{'metric':8}{'ms':>8}{'slow ms':>10}{'ratio':>8}")
    for metric in METRICS:
        quick = seconds(lambda name=metric.name: evaluate(fused, a, b, [name]), 9)
        plain = seconds(lambda name=metric.name: slow.ALL[name](*exact), 1)
        print(f"{metric.name:8}{1e3 * quick:8.2f}{1e3 * plain:10.1f}{plain / quick:8.0f}")
    print(f"all      {1e3 * seconds(lambda: evaluate(fused, a, b), 15):7.1f} ms (goal: 150)")
    print(f"in a region {1e3 * seconds(lambda: evaluate(fused, a, b, inside=inside), 15):4.1f} ms")


if __name__ == "__main__":
    main()
