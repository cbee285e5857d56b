"""Measuring pair by pair, on pairs small enough to reckon by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.base.progress import Cancelled
from app.fusion import registry
from app.metrics.catalogue import METRICS, evaluate
from app.research.evaluation import validation
from app.research.pairs import Pair

DRAW = np.random.default_rng(0)
PAIRS = [Pair("ct-mri", str(number), *DRAW.integers(1, 256, (2, 48, 48)).astype(np.uint8)) for number in (1001, 1002)]
COLOURED = Pair("pet-mri", "1003", *DRAW.integers(1, 256, (3, 48, 48)).astype(np.uint8))  # with a scalar


def maximum() -> dict[str, validation.Fuse]:
    return {"maximum": validation.by_network(registry.load("maximum"))}


def test_a_networks_pictures_are_rounded_eight_bits():
    fuse = validation.by_network(registry.load("maximum"))
    np.testing.assert_array_equal(fuse(PAIRS[0]), np.maximum(PAIRS[0].mri, PAIRS[0].luma))


def test_the_scalar_is_fused_and_measured_only_when_asked():
    for scalar, partner in ((False, COLOURED.luma), (True, COLOURED.scalar)):
        fused = np.maximum(COLOURED.mri, partner)
        fusers = {"maximum": validation.by_network(registry.load("maximum"), scalar=scalar)}
        (measured,) = validation.measure_each([COLOURED], fusers, scalar=scalar)
        assert measured.values == {one.metric.name: one.value for one in evaluate(fused, COLOURED.mri, partner)}


def test_every_pair_is_fused_once_by_every_fuser_task_by_task():
    asked: list[tuple[str, str]] = []

    def fuser(name: str) -> validation.Fuse:
        def fuse(pair: Pair) -> np.ndarray:
            asked.append((name, pair.name))
            return pair.mri

        return fuse

    made: list[tuple[str, str]] = []
    measured = validation.measure_each(
        [PAIRS[0], COLOURED, PAIRS[1]],
        {"a": fuser("a"), "b": fuser("b")},
        made=lambda name, pair, fused: made.append((name, pair.name)),
    )
    in_order = [(name, image) for images in (("1001", "1002"), ("1003",)) for name in "ab" for image in images]
    assert asked == made == [(one.method, one.image) for one in measured] == in_order
    assert all(one.ms > 0 for one in measured)
    assert all(list(one.values) == [metric.name for metric in METRICS] for one in measured)


def test_the_time_of_pictures_from_elsewhere_means_nothing():
    (measured,) = validation.measure_each(PAIRS[:1], maximum(), timed=False)
    assert math.isnan(measured.ms)


def test_cancelling_leaves_a_network_between_its_steps():
    asked = 0

    def progress(fraction: float, message: str = "") -> None:
        nonlocal asked
        asked += 1
        if asked == 3:  # the first is before the fusion, the second before its first step
            raise Cancelled

    made: list[str] = []
    with pytest.raises(Cancelled):
        validation.measure_each(PAIRS, maximum(), made=lambda name, *_: made.append(name), progress=progress)
    assert asked == 3
    assert made == []


def test_means_are_those_of_the_catalogue():
    found = validation.measure(PAIRS, maximum())["ct-mri"]["maximum"]
    expected = [[one.value for one in evaluate(np.maximum(p.mri, p.luma), p.mri, p.luma)] for p in PAIRS]
    assert found.pop("n") == 2
    assert list(found.values()) == pytest.approx(np.mean(expected, axis=0))
