import numpy as np
import pytest

from app.core.geometry import Geometry
from app.core.transforms import rigid
from app.registration.similarity import Similarity, mutual_information

GRID = Geometry((12, 11, 10), np.eye(4))
VALUES = np.random.default_rng(4).random((10, 11, 12)).astype(np.float32)


def slow(points, fixed, values, matrix, bins):
    """Histogram by loops: the fixed value in one bin, the moving one shared between the two nearest."""
    joint, inside = np.zeros((bins, bins + 1)), 0
    for point, value in zip(points, fixed, strict=True):
        at = (matrix @ np.append(point, 1))[:3]
        if (at < -0.5).any() or (at > np.array(values.shape[::-1]) - 0.5).any():
            continue
        inside += 1
        low, total = np.floor(at).astype(int), 0.0
        for corner in np.ndindex(2, 2, 2):
            x, y, z = np.clip(low + corner, 0, np.array(values.shape[::-1]) - 1)
            total += values[z, y, x] * np.prod(np.where(corner, at - low, 1 - (at - low)))
        scaled = total * (bins - 1)
        row, column = min(int(value * bins), bins - 1), int(scaled)
        joint[row, column] += 1 - (scaled - column)
        joint[row, column + 1] += scaled - column
    joint /= joint.sum()
    a, b = joint.sum(1), joint.sum(0)
    mi = sum(p * np.log(p / (a[r] * b[c])) for (r, c), p in np.ndenumerate(joint) if p > 0)
    return mi * inside / len(points), inside / len(points)


@pytest.mark.parametrize("matrix", [np.eye(4), rigid((9, -20, 33), (2.2, -3.1, 1.7), (5, 5, 5))])
def test_it_equals_the_slow_histogram(matrix):
    random = np.random.default_rng(6)
    points, fixed = random.uniform(-0.5, 9.5, (400, 3)), random.random(400).astype(np.float32)
    measured = Similarity(points, fixed, VALUES, GRID, bins=8).measure(matrix)
    assert measured == pytest.approx(slow(points, fixed, VALUES, matrix, 8), rel=1e-4)


def test_two_equal_halves_share_ln_2_nats_and_lost_overlap_costs_its_part():
    values = np.zeros((10, 11, 12), dtype=np.float32)
    values[:, :, 6:] = 1
    points = np.array([[x, 5.0, 5.0] for x in range(12)])
    similarity = Similarity(points, (points[:, 0] >= 6).astype(np.float32), values, GRID, bins=2)
    assert similarity(np.eye(4)) == pytest.approx(np.log(2))
    assert similarity.measure(rigid((0, 0, 0), (0, 0, 100))) == (0.0, 0.0)
    beyond = np.concatenate([points, points + np.array([0, 100, 0])])
    fixed = np.tile((points[:, 0] >= 6).astype(np.float32), 2)
    half = Similarity(beyond, fixed, values, GRID, bins=2)
    assert half.measure(np.eye(4)) == pytest.approx((np.log(2) / 2, 0.5))


def test_unrelated_values_stay_below_chance_and_padding_is_no_overlap():
    random = np.random.default_rng(8)
    points, fixed = random.uniform(0, 9, (4000, 3)), random.random(4000).astype(np.float32)
    similarity = Similarity(points, fixed, VALUES, GRID, bins=16)
    assert similarity(np.eye(4)) < similarity.chance
    usable = np.zeros(VALUES.shape, dtype=bool)
    assert Similarity(points, fixed, VALUES, GRID, usable=usable).measure(np.eye(4)) == (0.0, 0.0)


def test_an_empty_histogram_holds_no_information():
    assert mutual_information(np.zeros((4, 4))) == 0
