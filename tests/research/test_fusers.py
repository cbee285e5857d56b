"""Networks as functions: from a file of theirs alone, and on the device that the work moved to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.fusion import infer, registry, weights
from app.research import fusers


class Homesick(torch.nn.Module):
    """A network on a GPU whose memory holds no slice; on the CPU it takes what is on the CPU alone."""

    home = "cuda"

    def to(self, *where, **_):
        self.home = next(iter(where), self.home)
        return self

    def forward(self, mri, partner):
        if self.home == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        assert Homesick.given == self.home
        return (mri + partner) / 2


def test_once_the_work_moved_to_the_cpu_it_stays_there(monkeypatch, capsys):
    def stacked(slices, device):
        Homesick.given = device
        return torch.from_numpy(np.stack(slices))[:, None]

    monkeypatch.setattr(infer, "_stacked", stacked)
    fuse = fusers.as_function(Homesick(), "cuda")
    mri, partner = np.random.default_rng(0).random((2, 8, 8))
    for _ in range(3):
        np.testing.assert_allclose(fuse(mri, partner), (mri + partner) / 2, atol=1e-6)
    assert capsys.readouterr().err.count("going on with the CPU") == 1


def test_another_networks_file_is_refused(tmp_path):
    weights.save(registry.build("lkcfunet", large_kernels=False), tmp_path / "x", {"large_kernels": False})
    with pytest.raises(weights.WeightsMismatchError, match="large_kernels"):
        fusers.from_file("lightfusionnet", tmp_path / "x")
