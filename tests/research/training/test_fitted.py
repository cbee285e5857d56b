"""A fitted picture is what its loss asks for, as far as a known answer can tell."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.fusion import infer
from app.research.pairs import Augmentation, varied
from app.research.training.fitted import WANTED, fit, following, following_closely
from app.research.training.losses import maximum_intensity
from tests.research import made_up


def slices() -> tuple[torch.Tensor, torch.Tensor]:
    untouched = Augmentation(gamma=0, window=0, scalar=0)
    (pair,) = made_up.pairs(1)
    seen = varied(pair, np.random.default_rng(0), untouched)
    mri, partner = (torch.from_numpy(one.copy())[None, None] for one in seen)
    return mri, partner


def test_it_reaches_a_picture_that_is_known():
    mri, partner = slices()
    wanted = 0.3 * mri + 0.7 * partner

    def to_wanted(fused, mri, partner):
        return {"distance": (fused - wanted).abs().mean()}

    before = (torch.maximum(mri, partner) - wanted).abs()
    after = (fit(mri, partner, to_wanted) - wanted).abs()
    assert before.max() > 0.2
    assert after.max() < 0.05


def test_the_maximum_stays_where_the_maximum_is_wanted():
    mri, partner = slices()
    fitted = fit(mri, partner, lambda fused, mri, partner: {"intensity": maximum_intensity(fused, mri, partner)})
    torch.testing.assert_close(fitted, torch.maximum(mri, partner))


def test_what_it_is_for_is_far_below_the_maximum_and_air_stays_air():
    mri, partner = slices()
    fitted = fit(mri, partner)
    of_fitted, of_maximum = (
        sum(term.item() for term in WANTED(one, mri, partner).values()) for one in (fitted, torch.maximum(mri, partner))
    )
    assert of_fitted < 0.8 * of_maximum
    assert fitted.min() >= 0
    assert fitted.max() <= 1
    assert torch.equal(fitted, infer.blank_air(fitted, mri, partner))
    assert not fitted.requires_grad


def test_more_steps_come_nearer_to_what_is_asked_for():
    mri, partner = slices()
    left = [
        sum(term.item() for term in WANTED(fit(mri, partner, steps=steps), mri, partner).values())
        for steps in (5, 30, 90)
    ]
    assert left[2] < left[1] < left[0]


def test_the_distance_is_the_mean_of_squares():
    target = torch.zeros(1, 1, 8, 8)
    ramp = torch.arange(8.0).expand(1, 1, 8, 8) / 8
    terms = following(ramp, ramp, ramp, target)
    assert terms["grey"].item() == pytest.approx(20 * sum((place / 8) ** 2 for place in range(8)) / 8)
    # Sobel's weights add up to 8: 1 for a slope of 1/8 a pixel; half of it at both ends, where edges are repeated
    assert terms["slope"].item() == pytest.approx(5 * (6 * 1**2 + 2 * 0.5**2) / 8)


def test_the_close_distance_is_the_mean_of_absolute_differences():
    target = torch.zeros(1, 1, 8, 8)
    ramp = torch.arange(8.0).expand(1, 1, 8, 8) / 8
    terms = following_closely(ramp, ramp, ramp, target)
    assert terms["grey"].item() == pytest.approx(sum(place / 8 for place in range(8)) / 8)
    assert terms["slope"].item() == pytest.approx(0.5 * (6 * 1 + 2 * 0.5) / 8)


def test_grey_values_that_tell_nothing_of_the_sources_are_further_from_what_is_followed():
    mri = torch.linspace(0, 1, 64).repeat(16, 1)[None, None]
    same, flat = (following_closely(one, mri, mri, mri, bits=0.04) for one in (mri, mri * 0))
    assert same["grey"].item() == same["slope"].item() == 0
    assert 0 < same["bits"] < flat["bits"] - 0.04 * 2 * 3  # bits of each source at least, of the six they have


def test_edges_that_are_turned_or_gone_are_further_from_what_is_followed():
    mri = torch.linspace(0, 1, 64).square().repeat(64, 1)[None, None]
    same, turned, gone = (
        following_closely(one, mri, mri, mri, edges=0.3)["edges"] for one in (mri, mri.transpose(2, 3), mri * 0)
    )
    assert 0 <= same < 0.03 * 0.3  # Qabf of a copy is below 1 by its constants
    assert 0.9 * 0.3 < turned <= 0.3
    assert 0.9 * 0.3 < gone <= 0.3
