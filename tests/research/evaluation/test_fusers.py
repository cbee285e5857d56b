"""Networks as functions: from a file of theirs alone, and on the device that the work moved to."""

from __future__ import annotations

import numpy as np
import pytest

from app.fusion import registry, weights
from app.research.evaluation import fusers
from tests.homesick import Homesick


def test_once_the_work_moved_to_the_cpu_it_stays_there(monkeypatch, capsys):
    fuse = fusers.as_function(Homesick(monkeypatch), "cuda")
    mri, partner = np.random.default_rng(0).random((2, 8, 8))
    for _ in range(3):
        np.testing.assert_allclose(fuse(mri, partner), (mri + partner) / 2, atol=1e-6)
    assert capsys.readouterr().err.count("going on with the CPU") == 1


def test_another_networks_file_is_refused(tmp_path):
    weights.save(registry.build("lkcfunet", large_kernels=False), tmp_path / "x", {"large_kernels": False})
    with pytest.raises(weights.WeightsMismatchError, match="large_kernels"):
        fusers.from_file("lightfusionnet", tmp_path / "x")
