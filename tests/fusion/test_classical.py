"""The pyramids against the textbook's promises and slow versions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.fusion.classical import LaplacianPyramid, Maximum, SalientPyramid


@pytest.mark.parametrize("shape", [(64, 64), (63, 65), (37, 90), (8, 5), (3, 3), (1, 7)])
@pytest.mark.parametrize("pyramid", [LaplacianPyramid(), SalientPyramid()])
def test_a_picture_fused_with_itself_comes_back(pyramid, shape):
    picture = torch.rand((1, 1, *shape), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(pyramid(picture, picture), picture, rtol=0, atol=1e-6)


def test_details_of_both_sources_survive():
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    vertical, horizontal = 0.5 + 0.2 * (x * 2.5).sin(), 0.5 + 0.2 * (y * 2.5).sin()
    left = (x < 32).float()
    mri, partner = 0.5 + (vertical - 0.5) * left, 0.5 + (horizontal - 0.5) * (1 - left)
    fused = LaplacianPyramid(levels=1)(mri[None, None], partner[None, None])[0, 0]
    torch.testing.assert_close(fused[8:-8, 8:24], vertical[8:-8, 8:24], rtol=0, atol=0.03)
    torch.testing.assert_close(fused[8:-8, 40:56], horizontal[8:-8, 40:56], rtol=0, atol=0.03)


STEP = np.array([1, 4, 6, 4, 1]) / 16


def blurred(image):
    padded = np.pad(image, 2, mode="reflect")
    rows = sum(STEP[i] * padded[i : i + image.shape[0]] for i in range(5))
    return sum(STEP[i] * rows[:, i : i + image.shape[1]] for i in range(5))


def expanded(image):
    return blurred(np.repeat(np.repeat(image, 2, axis=0), 2, axis=1))


def energy(detail):
    """The sum of squares in 5 x 5, pixel by pixel."""
    padded = np.pad(detail, 2) ** 2
    return np.array([[padded[y : y + 5, x : x + 5].sum() for x in range(12)] for y in range(16)])


@pytest.mark.parametrize(
    ("pyramid", "strength", "rest"),
    [(LaplacianPyramid(levels=1), np.abs, lambda a, b: (a + b) / 2), (SalientPyramid(levels=1), energy, np.maximum)],
)
def test_one_level_is_what_numpy_says(pyramid, strength, rest):
    a, b = np.random.default_rng(3).uniform(0.3, 0.7, (2, 16, 12))
    small_a, small_b = blurred(a)[::2, ::2], blurred(b)[::2, ::2]
    detail_a, detail_b = a - expanded(small_a), b - expanded(small_b)
    expected = expanded(rest(small_a, small_b)) + np.where(strength(detail_a) >= strength(detail_b), detail_a, detail_b)
    given = (torch.from_numpy(one)[None, None] for one in (a, b))
    np.testing.assert_allclose(pyramid.double()(*given)[0, 0].numpy(), expected.clip(0, 1), atol=1e-7)


def test_details_on_the_darker_side_keep_their_full_contrast_over_the_brighter_rest():
    stripes = 0.3 + 0.1 * (torch.arange(64.0) * 2.5).sin().expand(64, 64)
    fused = SalientPyramid()(stripes[None, None], torch.full((1, 1, 64, 64), 0.6))[0, 0]
    torch.testing.assert_close(fused[16:-16, 16:-16], stripes[16:-16, 16:-16] + 0.3, rtol=0, atol=0.03)


def test_the_maximum_is_the_brighter_of_both():
    mri, partner = torch.tensor([[[[0.1, 0.9]]]]), torch.tensor([[[[0.4, 0.2]]]])
    assert Maximum()(mri, partner).flatten().tolist() == pytest.approx([0.4, 0.9])
