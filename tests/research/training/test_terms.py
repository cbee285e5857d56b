"""The terms of losses against slow, obvious versions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from app.metrics.structure import edge_transfer
from app.research.training import terms


def pictures(count: int = 3, size: int = 24, seed: int = 0) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return [torch.rand((2, 1, size, size), generator=draw, dtype=torch.float64) for _ in range(count)]


def slow_sobel(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p = np.pad(image, 1, mode="edge")
    x, y = np.zeros_like(image), np.zeros_like(image)
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            a = p[i : i + 3, j : j + 3]
            x[i, j] = (a[0, 2] + 2 * a[1, 2] + a[2, 2]) - (a[0, 0] + 2 * a[1, 0] + a[2, 0])
            y[i, j] = (a[2, 0] + 2 * a[2, 1] + a[2, 2]) - (a[0, 0] + 2 * a[0, 1] + a[0, 2])
    return x, y


def planes(batch: torch.Tensor) -> list[np.ndarray]:
    return list(batch[:, 0].numpy())


def test_sobel_is_the_textbooks():
    (image,) = pictures(1)
    for plane, x, y in zip(planes(image), *(planes(one) for one in terms.sobel(image)), strict=True):
        for found, expected in zip((x, y), slow_sobel(plane), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-12)


def test_intensity_is_the_mean_distance_to_the_brighter_source():
    fused, mri, partner = pictures()
    expected = np.abs(fused.numpy() - np.maximum(mri.numpy(), partner.numpy())).mean()
    assert float(terms.maximum_intensity(fused, mri, partner)) == pytest.approx(expected)


def test_brightness_compares_local_means_within_the_picture():
    fused, mri, partner = pictures()
    errors = []
    for f, m, p in zip(*(planes(one) for one in (fused, mri, partner)), strict=True):
        brighter = np.maximum(m, p)
        for i, j in np.ndindex(f.shape):
            near = np.s_[max(0, i - 5) : i + 6, max(0, j - 5) : j + 6]
            errors.append(abs(f[near].mean() - brighter[near].mean()))
    assert float(terms.maximum_brightness(fused, mri, partner)) == pytest.approx(np.mean(errors))


def test_gradient_is_the_mean_distance_to_the_stronger_magnitude():
    fused, mri, partner = pictures()
    magnitudes = [np.array([np.hypot(*slow_sobel(plane)) for plane in planes(one)]) for one in (fused, mri, partner)]
    expected = np.abs(magnitudes[0] - np.maximum(*magnitudes[1:])).mean()
    assert float(terms.maximum_gradient(fused, mri, partner)) == pytest.approx(expected, rel=1e-5)


def test_stronger_gradient_takes_direction_from_the_stronger_source():
    fused, mri, partner = pictures()
    errors = []
    for f, m, p in zip(*(planes(one) for one in (fused, mri, partner)), strict=True):
        (fx, fy), (mx, my), (px, py) = (slow_sobel(one) for one in (f, m, p))
        for at in np.ndindex(f.shape):
            x, y = (mx, my) if math.hypot(mx[at], my[at]) >= math.hypot(px[at], py[at]) else (px, py)
            errors.append((abs(fx[at] - x[at]) + abs(fy[at] - y[at])) / 2)
    assert float(terms.stronger_gradient(fused, mri, partner)) == pytest.approx(np.mean(errors))


def test_ssim_is_scikit_images():
    x, y = pictures(2)
    y = 0.6 * x + 0.4 * y
    expected = np.mean(
        [structural_similarity(a, b, data_range=1.0, win_size=7) for a, b in zip(planes(x), planes(y), strict=True)]
    )
    assert float(terms.ssim(x, y)) == pytest.approx(expected, rel=1e-9)


def test_differences_are_two_minus_scd():
    from app.metrics.catalogue import evaluate

    draw = np.random.default_rng(5)
    fused, mri, partner = draw.integers(0, 256, (3, 32, 32)).astype(np.float64)
    (reading,) = evaluate(fused, mri, partner, ["SCD"])
    tensors = (torch.from_numpy(one)[None, None] / 255 for one in (fused, mri, partner))
    assert float(terms.lost_differences(*tensors)) == pytest.approx(2 - reading.value, rel=1e-5)


def test_lost_bits_are_the_sources_entropies_without_mi():
    from app.metrics.catalogue import evaluate

    draw = np.random.default_rng(6)
    mri, partner = draw.integers(0, 256, (2, 32, 32)).astype(np.float64)
    fused = np.maximum(mri, partner)
    (mi,) = evaluate(fused, mri, partner, ["MI"])
    entropies = [evaluate(one, mri, partner, ["EN"])[0].value for one in (mri, partner)]
    tensors = (torch.from_numpy(one)[None, None] / 255 for one in (fused, mri, partner))
    found = float(terms.lost_bits(*tensors, bins=256))  # 8-bit values are the bins' middles
    assert found == pytest.approx(sum(entropies) - mi.value / math.log(2), abs=1e-4)  # MI is in nats


def test_lost_edges_are_one_minus_qabf_where_no_edge_lies_flat():
    y, x = np.mgrid[-96:96, -96:96] / 24
    waves = (128 + 90 * np.sin(9 * x + y), 128 + 90 * np.cos(8 * x - y), 128 + 80 * np.sin(9 * x + 2 * y))
    inside = np.maximum(np.abs(x), np.abs(y)) < 3.9  # away from padding, which differs
    qabf = edge_transfer(*waves, inside)
    tensors = (torch.from_numpy(one)[None, None] / 255 for one in waves)
    assert 0.2 < qabf < 0.8
    assert float(terms.lost_edges(*tensors)) == pytest.approx(1 - qabf, abs=0.005)


def test_information_is_lost_by_blurring_and_kept_by_a_copy():
    (image,) = pictures(1, size=48)
    blurred = torch.nn.functional.avg_pool2d(image, 3, stride=1, padding=1)
    copy, worse, none = (float(terms.lost_information(one, image, image)) for one in (image, blurred, 0 * image))
    assert copy == pytest.approx(0, abs=0.02)
    assert copy < worse < none
    assert none == pytest.approx(1, abs=0.02)


def test_lost_structure_is_one_minus_the_mean_ssim_with_both():
    fused, mri, partner = pictures()
    expected = 1 - float(terms.ssim(fused, mri) + terms.ssim(fused, partner)) / 2
    assert float(terms.lost_structure(fused, mri, partner)) == pytest.approx(expected)


def test_a_gain_asks_for_edges_so_many_times_as_steep():
    mri, partner = pictures(2)
    assert float(terms.stronger_gradient(1.2 * mri, mri, 0 * partner, 1.2)) == pytest.approx(0)
    assert float(terms.stronger_gradient(mri, mri, 0 * partner, 1.2)) > 0
