"""A network on a GPU whose memory holds not one slice, so that its work moves to the CPU; no GPU is needed."""

from __future__ import annotations

import numpy as np
import torch

from app.fusion import infer


class Homesick(torch.nn.Module):
    """The mean of both sources; told "cuda" it has no memory, and on the CPU it takes what is on the CPU alone."""

    def __init__(self, monkeypatch) -> None:
        super().__init__()
        self.home, self.sent = "cuda", ""
        monkeypatch.setattr(infer, "_stacked", self._stacked)

    def _stacked(self, slices, device):
        self.sent = device
        return torch.from_numpy(np.stack(slices))[:, None]

    def to(self, *where, **_):
        self.home = next(iter(where), self.home)
        return self

    def forward(self, mri, partner):
        if self.home == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        assert self.sent == self.home
        return (mri + partner) / 2
