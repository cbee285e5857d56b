"""Lesions planted into training pictures: what a source gains, the fused picture shall gain too.

Small lesions are too few in real pictures for the mean over pixels to care. So each pair comes twice, as it is and with
spots added to one source or the other, and the fused picture is asked for the difference so that it shows as well as
`evaluation.lesions` tests it, and that nothing shows which neither source has. The test plants spots of its own, on
pictures that no training saw.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from app.research.evaluation.spots import ABSENT, GREY_LEVEL, look_within
from app.research.training.terms import Terms

PER_PIXELS = 400  # one spot for so many pixels
FWHM = (2.0, 5.0)  # pixels
AMPLITUDE = (0.05, 0.25)  # of the source's local mean, brighter or darker
# The test asks for half of a source's CNR, and takes 1 for a spot.
KEPT, SEEN = 0.7, 0.7
FAINTEST = 0.3  # times the source's noise: what shows a spot so faint shows a clearer one, too
NOISIER = 1.1  # times the lesion's own source: where the other one is noisier still, its detail may hide the lesion
TISSUE = 0.05  # the mean of the brighter source, where a spot may be invented
LOST, INVENTED = 4.0, 30.0  # what the terms weigh
FEWEST = 50  # pixels: the mean over fewer counts as if they were so many


def with_spots(source: Tensor) -> Tensor:
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


class Twins(NamedTuple):
    """A batch, and the same with lesions in one source of each pair."""

    mri: Tensor
    partner: Tensor
    mri_spotted: Tensor
    partner_spotted: Tensor
    into_mri: Tensor  # (B, 1, 1, 1) True where the MRI has them

    @property
    def gained(self) -> Tensor:
        return (self.mri_spotted - self.mri) + (self.partner_spotted - self.partner)

    @property
    def sources(self) -> tuple[Tensor, Tensor]:
        """MRI and partner, (2 B, 1, H, W): without lesions, then with."""
        return torch.cat([self.mri, self.mri_spotted]), torch.cat([self.partner, self.partner_spotted])


def twins_of(mri: Tensor, partner: Tensor) -> Twins:
    """Of (B, 1, H, W) each, drawn from torch's generator."""
    into_mri = (torch.rand(len(mri), 1, 1, 1) < 0.5).to(mri.device)
    mri_spotted = torch.where(into_mri, with_spots(mri), mri)
    partner_spotted = torch.where(into_mri, partner, with_spots(partner))
    return Twins(mri, partner, mri_spotted, partner_spotted, into_mri)


def lesions(twins: Twins, plain: Tensor, spotted: Tensor, emphasis: float = 1.0) -> Terms:
    """What the fused pictures of twins, without lesions and with, would lose and invent, at every place at once.

    lost : how far the CNR of a planted spot in the fused picture stays below KEPT of that in its source, the latter as
        1: the mean over places where the other source is hardly noisier
    invented : how far |CNR| is above SEEN where neither source has ABSENT: the mean over tissue
    """
    mri, partner, fused = (look_within(image) for image in (twins.mri, twins.partner, plain))
    noise = torch.where(twins.into_mri, mri.noise, partner.noise)
    other = torch.where(twins.into_mri, partner.noise, mri.noise)
    planted, shown = look_within(twins.gained).contrast, look_within(spotted - plain).contrast
    places = (planted.abs() >= (FAINTEST * noise).clamp(min=GREY_LEVEL)) & (other <= NOISIER * noise)
    kept = shown * planted.sign() * noise / (fused.noise * planted.abs().clamp(min=GREY_LEVEL))
    tissue = (mri.cnr.abs() < ABSENT) & (partner.cnr.abs() < ABSENT)
    tissue &= torch.maximum(mri.mean, partner.mean) >= TISSUE
    return {
        "lost": emphasis * LOST * _mean_over(places, (KEPT - kept).clamp(min=0)),
        "invented": emphasis * INVENTED * _mean_over(tissue, (fused.cnr.abs() - SEEN).clamp(min=0)),
    }


def _mean_over(places: Tensor, values: Tensor) -> Tensor:
    return (values * places).sum() / places.sum().clamp(min=FEWEST)
