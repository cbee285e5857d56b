"""The papers' losses: their printed weights, and RefineFuse's masks, on pictures made by hand."""

from __future__ import annotations

import pytest
import torch

from app.research.training import published, terms
from app.research.training.losses import PUBLISHED, loss_of
from app.research.training.published import contrast, masked_intensity, masks


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
    weighted = published.refinefuse(flat(0.4), mri, partner)
    assert list(weighted) == ["intensity", "texture"]
    assert float(weighted["texture"]) == pytest.approx(5 * float(terms.maximum_gradient(flat(0.4), mri, partner)))
    assert float(weighted["texture"]) > 0


def pictures() -> list[torch.Tensor]:
    return list(torch.rand((3, 2, 1, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.float64))


def test_lightfusionnet_weighs_as_its_table_5_does():
    fused, mri, partner = pictures()
    weighted = published.lightfusionnet(fused, mri, partner)
    assert float(weighted["intensity"]) == pytest.approx(100 * float(terms.maximum_intensity(fused, mri, partner)))
    assert float(weighted["gradient"]) == pytest.approx(50 * float(terms.maximum_gradient(fused, mri, partner)))
    assert float(weighted["ssim"]) == pytest.approx(20 * float(terms.lost_structure(fused, mri, partner)))


def test_lkcfunets_gradient_is_the_sum_of_both_derivatives():
    fused, mri, partner = pictures()
    strengths = [sum(one.abs() for one in terms.sobel(image)) for image in (fused, mri, partner)]
    expected = (strengths[0] - torch.maximum(strengths[1], strengths[2])).abs().mean()
    weighted = published.lkcfunet(fused, mri, partner)
    assert float(weighted["gradient"]) == pytest.approx(float(expected))
    assert float(weighted["intensity"]) == pytest.approx(float(terms.maximum_intensity(fused, mri, partner)))
    assert float(weighted["ssim"]) == pytest.approx(float(terms.lost_structure(fused, mri, partner)))


def test_sspfusions_terms_of_flat_pictures_are_known():
    fused, mri, partner = (torch.full((1, 1, 8, 8), value, dtype=torch.float64) for value in (0.5, 0.2, 0.6))
    weighted = published.sspfusion(fused, mri, partner)
    likeness = [(2 * 0.5 * value + 1e-4) / (0.5**2 + value**2 + 1e-4) for value in (0.2, 0.6)]
    assert float(weighted["ssim"]) == pytest.approx(1 - sum(likeness) / 2)
    assert float(weighted["smooth"]) == pytest.approx(0.1)
    assert float(weighted["gradient"]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", sorted(PUBLISHED.keys() - {"sspfusion"}))
def test_a_training_finds_each_by_its_networks_name(name):
    _, mri, partner = (image.float() for image in pictures())
    weighted = loss_of(name, "published")(lambda first, second: (first + second) / 2, mri, partner)
    assert weighted == getattr(published, name)((mri + partner) / 2, mri, partner)
