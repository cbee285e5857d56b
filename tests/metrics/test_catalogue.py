"""Every metric of the list against a slow version, published worked values, and answers found by hand."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.metrics.catalogue import METRICS, UnknownMetricError, evaluate
from app.metrics.image_checks import ImageShapeError, ImageValueError, as_picture
from tests.metrics import slow

NAMES = [metric.name for metric in METRICS]


def values(fused, a, b, names=None, inside=None):
    return {reading.metric.name: reading.value for reading in evaluate(fused, a, b, names, inside=inside)}


def scene(seed, shape=(61, 74), flat=True):
    """Blobs, edges, noise and, where asked, areas of exact zero, as brain slices have."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    picture = 60 + 50 * np.sin(x / (3 + seed)) + 40 * np.cos(y / (5 + seed)) + rng.normal(0, 12, shape)
    picture[(x - 30) ** 2 + (y - 25) ** 2 < 100] += 90
    if flat:
        picture[(x - shape[1] / 2) ** 2 + (y - shape[0] / 2) ** 2 > 27**2] = 0
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


TRIPLES = {
    "maximum": (np.maximum(scene(1), scene(2)), scene(1), scene(2)),
    "average": (((scene(1).astype(int) + scene(2) + 1) // 2).astype(np.uint8), scene(1), scene(2)),
    "noise": (scene(7, flat=False), scene(3, flat=False), scene(4)),
    "square": (scene(5, (64, 64)), scene(6, (64, 64)), 255 - scene(6, (64, 64))),
}


@pytest.mark.parametrize("triple", TRIPLES)
@pytest.mark.parametrize("name", NAMES)
def test_each_metric_equals_its_slow_obvious_version(name, triple):
    pictures = TRIPLES[triple]
    expected = slow.ALL[name](*(picture.astype(np.float64) for picture in pictures))
    assert values(*pictures, [name])[name] == pytest.approx(expected, rel=1e-7)


# Published with the definitions; F = max(A, B) and F = floor((A + B + 1) / 2)
WORKED = """
ct-mri ct 33010 maximum 3.47894076 87.1480686 30.1850517 6.05359588 2.85931734 0.773081108 1.31882731 0.594331781 0.586286011 0.748108268
ct-mri ct 33010 average 4.18564645 60.3134197 17.8292422 4.13783608 2.4602131 0.849376 0.965090187 0.394666465 0.34143063 0.753115079
pet-mri pet 25060 maximum 4.92922613 88.7967251 39.9447606 11.9118955 3.74062457 0.836857155 1.29445441 0.778941865 0.722887871 0.682679211
pet-mri pet 25060 average 5.46848834 69.5850884 21.8955639 7.12286133 3.13931427 0.889309198 0.908989951 0.663575898 0.413783279 0.658454876
spect-mri spect 22012 maximum 4.34089408 61.599799 20.6810972 6.24708908 3.49129449 0.863320422 1.42094686 0.698419618 0.687656233 0.725473193
spect-mri spect 22012 average 4.75655744 45.3503401 11.9748485 3.81717242 2.71084528 0.903066616 0.776147505 0.51373086 0.380063554 0.729067811
""".strip().splitlines()  # noqa: E501 - a table


@pytest.mark.data
@pytest.mark.parametrize("row", WORKED, ids=lambda row: " ".join(row.split()[2:4]))
def test_worked_values_of_real_pairs(row):
    task, partner, slice_id, rule, *expected = row.split()
    folder = Path(os.environ["SYNOPTIC_DATA"]) / "pairs" / task / "val"
    a, b = (as_picture(np.asarray(Image.open(folder / kind / f"{slice_id}.png"))) for kind in ("mri", partner))
    fused = np.maximum(a, b) if rule == "maximum" else np.floor((a + b + 1) / 2)
    found = values(fused, a, b)
    assert list(found) == ["EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIFF", "Qabf", "SSIM"]
    np.testing.assert_allclose(list(found.values()), [float(number) for number in expected], rtol=1e-6)


def test_values_found_by_hand():
    fused = np.array([[0, 0, 10], [0, 0, 10]])
    a, b = np.array([[0, 0, 1], [0, 0, 1]]), np.array([[1, 0, 0], [0, 1, 0]])
    found = values(fused, a, b)
    assert found["EN"] == pytest.approx(math.log2(3) - 2 / 3)  # shares 2/3 and 1/3
    assert found["SD"] == pytest.approx(math.sqrt(100 / 3 - (10 / 3) ** 2))
    assert found["SF"] == pytest.approx(math.sqrt(50))  # across: 0, 100 in each row; down: 0
    assert found["AG"] == pytest.approx((0 + 5 + 10) / 3 / math.sqrt(2))
    # A tells all about F: ln 3 - 2/3 ln 2 nats. B = 1 at two of the four places where F = 0, 0 elsewhere
    of_b = 2 / 6 * math.log(2 * 6 / (4 * 2)) + 2 / 6 * math.log(2 * 6 / (4 * 4)) + 2 / 6 * math.log(2 * 6 / (2 * 4))
    assert found["MI"] == pytest.approx(math.log(3) - 2 / 3 * math.log(2) + of_b)
    assert found["CC"] == pytest.approx((1 - 0.5) / 2)


def test_a_perfect_copy_of_equal_sources_reaches_the_best_values():
    picture = scene(3)
    found = values(picture, picture, picture)
    assert found["CC"] == pytest.approx(1)
    assert found["SSIM"] == pytest.approx(1)
    assert found["VIFF"] == pytest.approx(2)
    assert found["MI"] == pytest.approx(2 * found["EN"] * math.log(2))  # the entropy, in nats, twice
    assert 0.9 < found["Qabf"] <= 0.9994 * 0.9879


def test_a_constant_fused_picture_has_no_correlation_and_says_why():
    flat = np.full((64, 64), 200, np.uint8)
    readings = {one.metric.name: one for one in evaluate(flat, scene(1, (64, 64)), scene(2, (64, 64)))}
    assert math.isnan(readings["CC"].value)
    assert "constant" in readings["CC"].reason
    assert [readings[name].value for name in ("EN", "SD", "SF", "AG", "MI")] == [0, 0, 0, 0, 0]
    assert readings["VIFF"].value == 0
    assert not readings["EN"].reason


@pytest.mark.parametrize("level", [0, 7, 255])
def test_constant_sources_make_correlations_undefined_but_visual_fidelity_one_each(level):
    flat = np.full((70, 66), level, np.uint8)
    readings = {one.metric.name: one for one in evaluate(scene(1, (70, 66)), flat, flat)}
    assert readings["VIFF"].value == 2  # 0/0 counts as 1, for each source
    for name in ("CC", "SCD"):
        assert math.isnan(readings[name].value)
        assert readings[name].reason


def test_edge_transfer_without_any_edge_is_undefined():
    black = np.zeros((64, 64), np.uint8)
    (reading,) = evaluate(black, black, black, ["Qabf"])
    assert math.isnan(reading.value)
    assert "edge" in reading.reason


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2), (5, 90), (40, 40)])
def test_pictures_too_small_for_a_window_get_a_reason_not_an_exception(shape):
    fused, a, b = (np.random.default_rng(n).integers(0, 256, shape, dtype=np.uint8) for n in range(3))
    for reading in evaluate(fused, a, b):
        assert math.isnan(reading.value) == bool(reading.reason), reading
    assert math.isnan(values(fused, a, b)["VIFF"])


def test_41_pixels_are_enough_for_four_scales():
    fused, a, b = (np.random.default_rng(n).integers(0, 256, (41, 41), dtype=np.uint8) for n in range(3))
    assert values(fused, a, b)["VIFF"] == pytest.approx(slow.ALL["VIFF"](*(p.astype(float) for p in (fused, a, b))))


def test_colour_becomes_rounded_luma():
    rgb = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    luma = [[round(0.299 * r + 0.587 * g + 0.114 * b) for r, g, b in row] for row in rgb.tolist()]
    np.testing.assert_array_equal(as_picture(rgb), luma)


def test_whole_floats_and_bytes_give_the_same():
    fused, a, b = TRIPLES["maximum"]
    assert values(fused, a, b) == values(fused.astype(np.float64), a.astype(np.float32), b.astype(int))


@pytest.mark.parametrize("wrong", [0.5, 256, -1, np.nan, np.inf, "a", 1j])
def test_values_that_are_not_8_bit_are_refused(wrong):
    right = np.zeros((9, 9), np.uint8)
    with pytest.raises(ImageValueError, match="the partner"):
        evaluate(right, right, np.full((9, 9), wrong))


@pytest.mark.parametrize("shape", [(9, 10), (9,), (9, 9, 2), (9, 9, 9, 3), (0, 0)])
def test_shapes_that_do_not_fit_are_refused(shape):
    right = np.zeros((9, 9), np.uint8)
    with pytest.raises(ImageShapeError):
        evaluate(right, right, np.zeros(shape, np.uint8))


def test_an_unknown_name_is_refused_and_the_known_ones_are_told():
    picture = np.zeros((9, 9), np.uint8)
    with pytest.raises(UnknownMetricError, match="PSNR") as error:
        evaluate(picture, picture, picture, ["EN", "PSNR"])
    assert "Qabf" in error.value.hint


def test_the_given_pictures_are_left_as_they_are():
    pictures = [picture.astype(np.float64) for picture in TRIPLES["average"]]
    before = [picture.copy() for picture in pictures]
    evaluate(*pictures, inside=np.eye(61, 74, dtype=bool))
    for picture, was in zip(pictures, before, strict=True):
        np.testing.assert_array_equal(picture, was)


@pytest.mark.parametrize("metric", METRICS, ids=NAMES)
def test_each_entry_says_what_a_reader_needs(metric):
    assert metric.title
    assert metric.unit
    assert metric.better in ("higher", "lower")
    assert "doi:" in metric.source
