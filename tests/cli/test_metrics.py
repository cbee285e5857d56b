"""The metrics command on pictures whose measures are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image


def test_metrics_of_the_published_kind(run, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("f", "a", "b"):
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    code, document, _ = run("metrics", *(tmp_path / f"{name}.png" for name in "fab"))
    assert code == 0
    fused = np.asarray(Image.open(tmp_path / "f.png"), dtype=np.float64)
    assert document["SD"] == pytest.approx(fused.std(), rel=1e-12)
