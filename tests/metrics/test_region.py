"""Metrics inside a region: nothing outside may count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from app.metrics.catalogue import METRICS, evaluate
from app.metrics.image_checks import ImageShapeError, windows_inside
from tests.metrics.test_catalogue import scene, values

NAMES = [metric.name for metric in METRICS]
SHAPE = (90, 100)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]]
DISC = (X - 48) ** 2 + (Y - 44) ** 2 < 38**2
BOX = (X >= 10) & (X < 85) & (Y >= 5) & (Y < 80)


def triple():
    a, b = scene(1, SHAPE, flat=False), scene(2, SHAPE, flat=False)
    return np.maximum(a, b), a, b


@pytest.mark.parametrize("inside", [DISC, BOX], ids=["disc", "box"])
def test_values_outside_change_nothing_not_even_the_last_bit(inside):
    pictures = triple()
    rng = np.random.default_rng(5)
    others = [np.where(inside, picture, rng.integers(0, 256, SHAPE)).astype(np.uint8) for picture in pictures]
    assert values(*pictures, inside=inside) == values(*others, inside=inside)


@pytest.mark.parametrize("name", ["EN", "SD", "SF", "MI", "CC", "SCD", "SSIM"])
def test_a_rectangle_is_measured_like_the_picture_cut_out(name):
    cut = [picture[5:80, 10:85] for picture in triple()]
    assert values(*triple(), [name], inside=BOX)[name] == pytest.approx(values(*cut, [name])[name], rel=1e-12)


def test_visual_fidelity_of_a_rectangle_uses_only_its_whole_windows():
    # On even offsets each scale of the cut picture samples the same pixels as the whole one
    box = (X >= 16) & (X < 96) & (Y >= 0) & (Y < 80)
    cut = [picture[0:80, 16:96] for picture in triple()]
    assert values(*triple(), ["VIFF"], inside=box)["VIFF"] == pytest.approx(values(*cut, ["VIFF"])["VIFF"], rel=1e-12)


def test_gradient_and_edges_count_pixels_whose_neighbours_are_inside():
    fused = triple()[0].astype(float)
    slopes = [
        math.hypot((fused[y, x + 1] - fused[y, x - 1]) / 2, (fused[y + 1, x] - fused[y - 1, x]) / 2) / math.sqrt(2)
        for y in range(1, SHAPE[0] - 1)
        for x in range(1, SHAPE[1] - 1)
        if DISC[y, x] and DISC[y, x + 1] and DISC[y, x - 1] and DISC[y + 1, x] and DISC[y - 1, x]
    ]
    assert values(*triple(), ["AG"], inside=DISC)["AG"] == pytest.approx(np.mean(slopes), rel=1e-12)
    whole = windows_inside(DISC, SHAPE, 3, 3)
    for y, x in np.random.default_rng(1).integers(1, 89, (200, 2)):
        assert whole[y, x] == DISC[y - 1 : y + 2, x - 1 : x + 2].all()


def test_the_picture_s_own_border_is_no_border_of_the_region():
    inside = X < 60
    assert windows_inside(inside, SHAPE, 3, 3)[0, 0]
    assert not windows_inside(inside, SHAPE, 3, 3)[0, 59]


@pytest.mark.parametrize("name", NAMES)
def test_a_region_of_everything_is_no_region(name):
    assert values(*triple(), [name], inside=np.ones(SHAPE, bool)) == values(*triple(), [name])


def test_an_empty_region_and_a_thin_one_have_reasons_instead_of_values():
    for inside in (np.zeros(SHAPE, bool), X == 20, (X == 20) & (Y == 20)):
        for reading in evaluate(*triple(), inside=inside):
            assert math.isnan(reading.value) == bool(reading.reason), reading
    assert all(math.isnan(value) for value in values(*triple(), inside=np.zeros(SHAPE, bool)).values())


def test_the_reading_says_how_much_was_measured():
    assert evaluate(*triple(), ["EN"])[0].region == "the whole picture"
    assert evaluate(*triple(), ["EN"], inside=DISC)[0].region == f"{DISC.sum()} of 9000 pixels"


def test_a_region_of_another_shape_is_refused():
    with pytest.raises(ImageShapeError, match="region"):
        evaluate(*triple(), inside=np.ones((3, 3), bool))
