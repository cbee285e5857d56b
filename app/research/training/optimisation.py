"""What every training loop does: the learning rate, one step of the optimiser, the running mean of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from app.research.training.losses import Terms, total

CHECKPOINT_S = 180.0  # between two that are saved on the way


def warmed(highest: float, step: int, warmup: int) -> float:
    """The learning rate on its linear way up, which ends after `warmup` steps."""
    return highest * min(1.0, (step + 1) / max(1, warmup))


def cosine(highest: float, step: int, steps: int) -> float:
    """Down to 0 at the end."""
    return highest * 0.5 * (1 + math.cos(math.pi * step / steps))


def descend(
    optimizer: torch.optim.Optimizer,
    trained: Iterable[Tensor],
    terms: Terms,
    step: int,
    *,
    rate: float,
    clip: float,
) -> float:
    """One step down the sum of the terms, which is given back; DivergedError of that step where it is not finite.

    clip : largest norm of the gradient; 0 clips nothing
    """
    loss = total(terms, step)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
    nn.utils.clip_grad_norm_(trained, clip or math.inf)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def follow(mean: Mapping[str, Tensor], now: Mapping[str, Tensor], ema: float, done: int) -> None:
    """Move the running mean towards the weights after `done` earlier steps; its decay is `ema`, and starts lower."""
    decay = min(ema, (1 + done) / (10 + done))
    for name, tensor in now.items():
        if tensor.is_floating_point():
            mean[name].lerp_(tensor.detach(), 1 - decay)
        else:  # batch norm's count of batches
            mean[name].copy_(tensor)
