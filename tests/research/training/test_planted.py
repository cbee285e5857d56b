"""Planted lesions in training: where they go, and what the term asks for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from app.research.training.fitted import following
from app.research.training.losses import faithful
from app.research.training.planted import AMPLITUDE, KEPT, as_tested, planted, with_lesions


def test_spots_lie_in_tissue_and_stay_below_the_largest_amplitude():
    torch.manual_seed(3)
    source = torch.full((2, 1, 60, 60), 0.5)
    source[..., :20] = 0
    spotted = planted(source)
    assert torch.equal(spotted[..., :20], source[..., :20])
    inside = (spotted - source)[..., 25:]
    assert inside.abs().max() > 0.5 * AMPLITUDE[0]
    assert inside.min() < 0 < inside.max()
    assert (inside.abs() > 1e-3).float().mean() < 0.6


class Mixture(nn.Module):
    """share of the MRI + rest of the partner: its gain is known."""

    def __init__(self, of_mri: float, of_partner: float) -> None:
        super().__init__()
        self.of_mri, self.of_partner = of_mri, of_partner

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        return self.of_mri * mri + self.of_partner * partner


@pytest.mark.parametrize(("gains", "missed"), [((1.0, 1.0), 0.0), ((0.5, 0.5), 0.5), ((0.0, 0.0), 1.0)])
def test_the_term_is_the_share_of_contrast_that_does_not_arrive(gains, missed):
    torch.manual_seed(0)
    mri, partner = torch.rand(8, 1, 64, 64) * 0.2 + 0.3, torch.rand(8, 1, 64, 64) * 0.2 + 0.3
    terms = with_lesions(faithful, weight=2.0)(Mixture(*gains), mri, partner)
    assert float(terms["lesions"]) / 2.0 == pytest.approx(missed, abs=1e-4)
    assert set(terms) > {"gradient", "lesions"}


def test_a_network_that_follows_one_side_only_misses_the_other_sides_lesions():
    torch.manual_seed(1)
    mri, partner = torch.rand(16, 1, 64, 64) * 0.2 + 0.3, torch.rand(16, 1, 64, 64) * 0.2 + 0.3
    term = with_lesions(faithful, weight=1.0)(Mixture(1.0, 0.0), mri, partner)["lesions"]
    assert 0.2 < float(term) < 0.8


def test_the_picture_to_follow_is_that_of_the_first_half():
    """The other half of the batch is given up to the twins, and its picture with it."""
    mri, partner, target = torch.rand(3, 4, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    target[2:] = 7

    def halves(mri, partner):
        return (mri + partner) / 2

    terms = with_lesions(following, 0.15)(halves, mri, partner, target)
    alone = following(halves(mri[:2], partner[:2]), mri[:2], partner[:2], target[:2])
    for name, term in alone.items():
        torch.testing.assert_close(terms[name], term)
    assert terms["lesions"] > 0


def noisy(seed: int, noise: float) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (0.5 + noise * torch.randn(4, 1, 64, 64, generator=draw)).clamp(0.05, 0.95)


def both_terms(network: nn.Module, mri: Tensor, partner: Tensor) -> tuple[float, float]:
    torch.manual_seed(0)
    terms = as_tested(following, lost=2.0, invented=3.0)(network, mri, partner, mri)
    return float(terms["lost"]) / 2.0, float(terms["invented"]) / 3.0


def test_a_copy_of_the_only_source_with_detail_loses_and_invents_nothing():
    """All spots go to the MRI's twins or to a partner that is too quiet for the MRI to be no noisier."""
    flat = torch.full((4, 1, 64, 64), 0.5)
    lost, invented = both_terms(Mixture(1.0, 1.0), noisy(1, 0.02), flat - 0.25)
    assert lost == pytest.approx(0, abs=1e-4)
    assert invented == 0


def test_what_does_not_arrive_is_lost_in_full():
    """`kept` is 0 where the MRI's spots do not reach the picture at all: all of KEPT is missing."""
    lost, _ = both_terms(Mixture(0.0, 1.0), noisy(1, 0.02), noisy(2, 0.02))
    assert lost > 0.3 * KEPT
    nothing, _ = both_terms(Mixture(0.0, 0.0), noisy(1, 0.02), noisy(2, 0.02))
    assert nothing == pytest.approx(KEPT, abs=1e-4)


def test_contrast_without_a_source_is_invented():
    """A picture of spots of its own, over sources that are flat."""
    flat = torch.full((4, 1, 64, 64), 0.5)

    class Inventive(nn.Module):
        def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
            spots = torch.zeros_like(mri)
            spots[..., 8::16, 8::16] = 0.3
            return (mri + partner) / 2 + spots

    assert both_terms(Mixture(0.5, 0.5), flat, flat)[1] == 0
    assert both_terms(Inventive(), flat, flat)[1] > 0.1
