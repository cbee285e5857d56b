"""Planted lesions in training: where they go, and what the term asks for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from app.research.training.twins import AMPLITUDE, INVENTED, KEPT, LOST, lesions, twins_of, with_spots


def test_spots_lie_in_tissue_and_stay_below_the_largest_amplitude():
    torch.manual_seed(3)
    source = torch.full((2, 1, 60, 60), 0.5)
    source[..., :20] = 0
    spotted = with_spots(source)
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


def test_twins_differ_in_one_source_each_and_both_are_drawn():
    torch.manual_seed(0)
    mri, partner = torch.rand(2, 16, 1, 48, 48).mul(0.2).add(0.3)
    twins = twins_of(mri, partner)
    changed = [(spotted != plain).flatten(1).any(1) for spotted, plain in
               ((twins.mri_spotted, mri), (twins.partner_spotted, partner))]  # fmt: skip
    assert torch.equal(changed[0], twins.into_mri.flatten())
    assert torch.equal(changed[1], ~twins.into_mri.flatten())
    assert 3 <= int(changed[0].sum()) <= 13
    both = twins.sources
    assert torch.equal(both[0], torch.cat([mri, twins.mri_spotted]))
    torch.testing.assert_close(both[1][16:] - both[1][:16] + both[0][16:] - both[0][:16], twins.gained)


def noisy(seed: int, noise: float) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return (0.5 + noise * torch.randn(4, 1, 64, 64, generator=draw)).clamp(0.05, 0.95)


def both_terms(network: nn.Module, mri: Tensor, partner: Tensor) -> tuple[float, float]:
    torch.manual_seed(0)
    twins = twins_of(mri, partner)
    terms = lesions(twins, *network(*twins.sources).chunk(2), emphasis=2.0)
    return float(terms["lost"]) / (2 * LOST), float(terms["invented"]) / (2 * INVENTED)


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
