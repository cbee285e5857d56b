"""The picture that a loss asks for: fitted pixel by pixel, without a network.

It shows what room a loss leaves between a network and the best there is, and it is a target. A network follows a
target where it does not follow the loss itself: where it cannot tell yet which edge to keep, that leaves it at rest at
the pixel maximum.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from app.fusion import infer
from app.research.training.losses import Loss, Terms, faithful, lost_bits, lost_edges, sobel, total

STEPS = 30
RATE = 0.04  # grey values of 0 to 1 a step, at first

WANTED: partial[Terms] = partial(
    faithful, gain=1.2, similarity=0.8, information=1.0, differences=0.3, edges=1.0, followed=2.0, bits=0.0
)  # edges steeper than wanted: what a network averages over its doubts is flatter


def fit(mri: Tensor, partner: Tensor, loss: Loss = WANTED, steps: int = STEPS) -> Tensor:
    """From the pixel maximum down the loss, by Adam; (B, 1, H, W) in [0, 1] -> the same, 0 where both sources are.

    DivergedError where the loss is not finite.
    """
    picture = torch.maximum(mri, partner).clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], betas=(0.8, 0.99))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        terms = loss(infer.blank_air(picture, mri, partner), mri, partner)
        optimizer.zero_grad(set_to_none=True)
        total(terms, step + 1).backward()  # type: ignore[no-untyped-call]  # torch 2.13 leaves it untyped
        optimizer.step()
    return infer.blank_air(picture.detach().clamp(0, 1), mri, partner)


def following(fused: Tensor, mri: Tensor, partner: Tensor, target: Tensor) -> Terms:
    """The distance to the picture to follow, whatever the sources are: squares of grey values and of Sobel's slopes."""
    slopes = zip(sobel(fused), sobel(target), strict=True)
    return {
        "grey": 20 * (fused - target).square().mean(),
        "slope": 5 * torch.stack([(ours - theirs).square().mean() for ours, theirs in slopes]).sum(),
    }


def following_closely(
    fused: Tensor, mri: Tensor, partner: Tensor, target: Tensor, *, bits: float = 0.0, edges: float = 0.0
) -> Terms:
    """As `following`, in absolute distances: what is nearly there already still counts, such as fine detail.

    bits : weight of `lost_bits`; a grey value that is nearly the source's tells much less of it
    edges : weight of `lost_edges`; what averages over its doubts keeps no edge
    """
    slopes = zip(sobel(fused), sobel(target), strict=True)
    terms = {
        "grey": (fused - target).abs().mean(),
        "slope": 0.5 * torch.stack([(ours - theirs).abs().mean() for ours, theirs in slopes]).sum(),
    }
    if bits:
        terms["bits"] = bits * lost_bits(fused, mri, partner)
    if edges:
        terms["edges"] = edges * lost_edges(fused, mri, partner)
    return terms
