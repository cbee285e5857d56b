"""RefineFuse's masks and losses on pictures made by hand."""

from __future__ import annotations

import pytest
import torch

from app.research.training import losses
from app.research.training.losses_refinefuse import contrast, masked_intensity, masks, refinefuse_published
from app.research.training.objectives import LOSSES


def flat(value: float, size: int = 32) -> torch.Tensor:
    return torch.full((1, 1, size, size), value, dtype=torch.float64)


def with_spot(value: float, spot: float, y: int, x: int) -> torch.Tensor:
    made = flat(value)
    made[0, 0, y, x] = spot
    return made


def test_contrast_is_the_squared_distance_to_the_mean_of_11_by_11():
    found = contrast(with_spot(0.0, 1.0, 16, 16))
    assert float(found[0, 0, 16, 16]) == pytest.approx((120 / 121) ** 2)
    assert float(found[0, 0, 11, 21]) == pytest.approx((1 / 121) ** 2)
    assert float(found[0, 0, 10, 16]) == 0


def test_contrast_at_the_edge_looks_at_what_there_is():
    found = contrast(with_spot(0.0, 1.0, 0, 0))
    assert float(found[0, 0, 0, 0]) == pytest.approx((35 / 36) ** 2)  # 6 x 6 pixels of the window lie inside
    assert float(contrast(flat(0.7)).max()) < 1e-25


def test_a_spot_goes_to_the_source_that_has_it_and_flat_ground_to_the_mri():
    of_mri, of_partner = masks(with_spot(0.9, 0.1, 24, 24), with_spot(0.2, 0.5, 8, 8))
    assert of_partner[0, 0, 3:14, 3:14].all()  # all that the partner's spot stirs: 11 x 11 pixels around it
    assert of_partner.sum() == 121
    assert of_mri[0, 0, 24, 24] == 1
    assert torch.equal(of_mri + of_partner, flat(1.0))


def test_where_both_stand_out_the_higher_contrast_wins_bright_or_dark():
    of_mri, of_partner = masks(with_spot(0.5, 0.8, 16, 16), with_spot(0.5, 0.1, 16, 16))
    assert of_partner[0, 0, 16, 16] == 1
    assert of_mri[0, 0, 0, 0] == 1


def test_intensity_is_the_distance_to_the_chosen_source():
    mri, partner = flat(0.9), with_spot(0.2, 0.5, 8, 8)
    chosen = torch.where(masks(mri, partner)[1] == 1, partner, mri)
    assert float(masked_intensity(chosen, mri, partner)) == 0
    # 121 pixels belong to the partner, one of them 0.5 and the others 0.2; 903 to the MRI
    expected = (903 * 0.4 + 120 * 0.3 + 0.0) / 1024
    assert float(masked_intensity(flat(0.5), mri, partner)) == pytest.approx(expected)


def test_the_published_loss_weighs_texture_five_times():
    mri, partner = (with_spot(0.3, 0.8, 10, at) for at in (8, 20))
    terms = refinefuse_published(flat(0.4), mri, partner)
    assert list(terms) == ["intensity", "texture"]
    assert float(terms["texture"]) == pytest.approx(5 * float(losses.maximum_gradient(flat(0.4), mri, partner)))
    assert float(terms["texture"]) > 0


def test_a_training_run_finds_it_by_name():
    mri, partner = (torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    found = LOSSES["refinefuse-published"](lambda first, second: (first + second) / 2, mri, partner)
    expected = refinefuse_published((mri + partner) / 2, mri, partner)
    assert found == expected
