"""Lesions planted into training pictures: what a source gains, the fused picture shall gain too.

Small lesions are too few in real pictures for the mean over pixels to care. So each picture comes twice, as it is and
with spots added to one source or the other, and the fused one is asked for the difference at full contrast, no more.
`lesions` tests the same thing with spots of its own, on pictures that no training saw.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.fusion import infer
from app.research.losses import Loss, Objective, Terms

PER_PIXELS = 400  # one spot for so many pixels
FWHM = (2.0, 5.0)  # pixels
AMPLITUDE = (0.05, 0.25)  # of the source's local mean, brighter or darker
LEAST = 4 / 255  # spots fainter than that are nothing to ask for


def planted(source: Tensor) -> Tensor:
    """(B, 1, H, W) in [0, 1] with Gaussian spots added or taken away, drawn from torch's generator; 0 stays 0."""
    batch, _, height, width = source.shape
    count = max(1, height * width // PER_PIXELS)
    shape = (batch, count, 1, 1)
    y, x = torch.rand(shape) * height, torch.rand(shape) * width
    spread = (FWHM[0] + torch.rand(shape) * (FWHM[1] - FWHM[0])) / 2.355
    size = (AMPLITUDE[0] + torch.rand(shape) * (AMPLITUDE[1] - AMPLITUDE[0])) * torch.rand(shape).sub(0.5).sign()
    y, x, spread, size = (one.to(source) for one in (y, x, spread, size))  # drawn on the CPU: alike on each device
    rows = torch.exp(-(torch.arange(height).to(source).view(1, 1, -1, 1) - y).square() / (2 * spread.square()))
    columns = torch.exp(-(torch.arange(width).to(source).view(1, 1, 1, -1) - x).square() / (2 * spread.square()))
    spots = (size * rows * columns).sum(1, keepdim=True)
    local = functional.avg_pool2d(source, 9, stride=1, padding=4, count_include_pad=False)
    return torch.where(source > 0, (source + spots * local).clamp(1 / 255, 1), source)


def with_lesions(loss: Loss, weight: float) -> Objective:
    """The objective of a loss on the first half of the batch, and on its twins in the place of the other half, lesions.

    The term is |gain of the fused picture - gain of the sources|, as a share of the latter, both summed
    over the pixels where it is worth asking for.
    """

    def objective(network: nn.Module, *seen: Tensor) -> Terms:
        half = (len(seen[0]) + 1) // 2
        mri, partner, *target = (one[:half] for one in seen)
        into_mri = (torch.rand(half, 1, 1, 1) < 0.5).to(mri.device)
        mri_twin = torch.where(into_mri, planted(mri), mri)
        partner_twin = torch.where(into_mri, partner, planted(partner))
        fused = network(torch.cat([mri, mri_twin]), torch.cat([partner, partner_twin])).float()
        plain, twin = fused.chunk(2)
        gained = (mri_twin - mri) + (partner_twin - partner)
        asked = gained.abs() >= LEAST
        share = ((twin - plain - gained) * asked).abs().sum() / (gained * asked).abs().sum().clamp(min=LEAST)
        return loss(infer.blank_air(plain, mri, partner), mri, partner, *target) | {"lesions": weight * share}

    return objective
