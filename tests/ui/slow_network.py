"""A network for tests of what slow ones ask of the window: 200 steps of 5 ms for every slice."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

STEPS, STEP_S = 200, 0.005


class Slow(nn.Module):
    """The brighter of both, at leisure; `done` counts the steps of all its instances."""

    done = 0

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        for _ in range(STEPS):
            time.sleep(STEP_S)
            mri = torch.maximum(mri, partner)
            Slow.done += 1
        return mri
