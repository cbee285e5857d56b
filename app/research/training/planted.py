"""Lesions planted into training pictures: what a source gains, the fused picture shall gain too.

Small lesions are too few in real pictures for the mean over pixels to care. So each picture comes twice, as it is and
with spots added to one source or the other, and the fused one is asked for the difference: at full contrast
(`with_lesions`), or so that it shows as well as `lesions` tests it, and nothing shows that neither source has
(`as_tested`). `lesions` tests with spots of its own, on pictures that no training saw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.fusion import infer
from app.research.evaluation.spots import ABSENT, GREY_LEVEL, look_within
from app.research.training.losses import Loss, Objective, Terms

PER_PIXELS = 400  # one spot for so many pixels
FWHM = (2.0, 5.0)  # pixels
AMPLITUDE = (0.05, 0.25)  # of the source's local mean, brighter or darker
LEAST = 4 / 255  # spots fainter than that are nothing to ask for at full contrast
# Of `as_tested`; the test asks for half of a source's CNR, and takes 1 for a spot.
KEPT, SEEN = 0.7, 0.7
FAINTEST = 0.3  # times the source's noise: what shows a spot so faint shows a clearer one, too
NOISIER = 1.1  # times the lesion's own source: where the other one is noisier still, its detail may hide the lesion
TISSUE = 0.05  # the mean of the brighter source, where a spot may be invented
FEWEST = 50  # pixels: the mean over fewer counts as if they were so many


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


class Twins(NamedTuple):
    """The first half of a batch, with lesions in one source of each picture, and without."""

    mri: Tensor
    partner: Tensor
    mri_spotted: Tensor
    partner_spotted: Tensor
    into_mri: Tensor  # (B, 1, 1, 1) True where the MRI has them
    target: tuple[Tensor, ...]  # the picture to follow, where there is one

    @property
    def gained(self) -> Tensor:
        return (self.mri_spotted - self.mri) + (self.partner_spotted - self.partner)

    @property
    def sources(self) -> tuple[Tensor, Tensor]:
        """MRI and partner, (2 B, 1, H, W): without lesions, then with."""
        return torch.cat([self.mri, self.mri_spotted]), torch.cat([self.partner, self.partner_spotted])

    def fused_by(self, network: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Without lesions, and with; air blanked as `infer` does it."""
        mri, partner = self.sources
        plain, spotted = infer.blank_air(network(mri, partner).float(), mri, partner).chunk(2)
        return plain, spotted


def twins_of(seen: Sequence[Tensor]) -> Twins:
    """Of MRI, partner, and the picture to follow if there is one, (B, 1, H, W) each, drawn from torch's generator.

    The other half of the batch is given up for them.
    """
    half = (len(seen[0]) + 1) // 2
    mri, partner, *target = (one[:half] for one in seen)
    into_mri = (torch.rand(half, 1, 1, 1) < 0.5).to(mri.device)
    mri_spotted = torch.where(into_mri, planted(mri), mri)
    partner_spotted = torch.where(into_mri, partner, planted(partner))
    return Twins(mri, partner, mri_spotted, partner_spotted, into_mri, tuple(target))


def with_lesions(loss: Loss, weight: float) -> Objective:
    """The objective of a loss, and lesions at full contrast.

    The term is |gain of the fused picture - gain of the sources|, as a share of the latter, both summed
    over the pixels where it is worth asking for.
    """

    def objective(network: nn.Module, *seen: Tensor) -> Terms:
        twins = twins_of(seen)
        plain, spotted = twins.fused_by(network)
        gained = twins.gained
        asked = gained.abs() >= LEAST
        share = ((spotted - plain - gained) * asked).abs().sum() / (gained * asked).abs().sum().clamp(min=LEAST)
        return loss(plain, twins.mri, twins.partner, *twins.target) | {"lesions": weight * share}

    return objective


def as_tested(loss: Loss, *, lost: float, invented: float) -> Objective:
    """The objective of a loss, and what `lesions` tests, at every place at once (`lesion_terms`)."""

    def objective(network: nn.Module, *seen: Tensor) -> Terms:
        twins = twins_of(seen)
        plain, spotted = twins.fused_by(network)
        tested = lesion_terms(twins, plain, spotted, lost=lost, invented=invented)
        return loss(plain, twins.mri, twins.partner, *twins.target) | tested

    return objective


def lesion_terms(twins: Twins, plain: Tensor, spotted: Tensor, *, lost: float, invented: float) -> Terms:
    """What the pictures of twins, without lesions and with, would lose and invent.

    lost : weight of how far the CNR of a planted spot in the fused picture stays below KEPT of that in its source,
        the latter as 1: the mean over places where the other source is hardly noisier
    invented : weight of how far |CNR| is above SEEN where neither source has ABSENT: the mean over tissue
    """
    mri, partner, fused = (look_within(one) for one in (twins.mri, twins.partner, plain))
    noise = torch.where(twins.into_mri, mri.noise, partner.noise)
    other = torch.where(twins.into_mri, partner.noise, mri.noise)
    asked, given = look_within(twins.gained).contrast, look_within(spotted - plain).contrast
    places = (asked.abs() >= (FAINTEST * noise).clamp(min=GREY_LEVEL)) & (other <= NOISIER * noise)
    kept = given * asked.sign() * noise / (fused.noise * asked.abs().clamp(min=GREY_LEVEL))
    tissue = (mri.cnr.abs() < ABSENT) & (partner.cnr.abs() < ABSENT)
    tissue &= torch.maximum(mri.mean, partner.mean) >= TISSUE
    return {
        "lost": lost * _mean_of((KEPT - kept).clamp(min=0), places),
        "invented": invented * _mean_of((fused.cnr.abs() - SEEN).clamp(min=0), tissue),
    }


def _mean_of(values: Tensor, places: Tensor) -> Tensor:
    return (values * places).sum() / places.sum().clamp(min=FEWEST)
