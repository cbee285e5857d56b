"""Contrast and noise of spots, against a slow obvious version; with and without a gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.research.evaluation import spots
from tests.research.evaluation.slow_spots import slow_cnr


def test_contrast_and_noise_are_what_the_slow_version_says():
    picture = np.random.default_rng(0).random((40, 50))
    told = spots.look(picture)
    for y, x in ((7, 7), (20, 31), (32, 42)):
        contrast, cnr = slow_cnr(picture, y, x)
        assert told.contrast[y, x] == pytest.approx(contrast, rel=1e-9)
        assert told.cnr[y, x] == pytest.approx(cnr, rel=1e-9)


def test_a_slope_is_no_spot_and_no_noise():
    y, x = np.mgrid[0:40, 0:40] / 255.0
    told = spots.look(0.2 + y + 2 * x)
    inside = np.s_[6:-6, 6:-6]
    np.testing.assert_allclose(told.contrast[inside], 0, atol=1e-9)
    np.testing.assert_allclose(told.noise[inside], 1 / 255, atol=1e-9)


def test_a_look_within_is_the_same_look_with_a_gradient():
    picture = np.random.default_rng(1).random((40, 50))
    told = spots.look(picture)
    tensor = torch.from_numpy(picture)[None, None].requires_grad_()
    within = spots.look_within(tensor)
    inside = np.s_[spots.REACH : -spots.REACH, spots.REACH : -spots.REACH]
    for name in ("contrast", "mean", "noise", "cnr"):
        np.testing.assert_allclose(getattr(within, name).detach()[0, 0], getattr(told, name)[inside], rtol=1e-9)
    within.cnr.sum().backward()
    assert torch.isfinite(tensor.grad).all()
