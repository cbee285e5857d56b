"""Planted lesions in training: where they go, and what the term asks for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from app.research.fitted import following
from app.research.losses import faithful
from app.research.planted import AMPLITUDE, planted, with_lesions


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
