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
from tests.metrics.pictures import BOX, DISC, SHAPE, TRIPLES, X, Y, scene, triple, values

NAMES = [metric.name for metric in METRICS]


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
    measures = values(fused, a, b)
    assert list(measures) == ["EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIFF", "Qabf", "SSIM"]
    np.testing.assert_allclose(list(measures.values()), [float(number) for number in expected], rtol=1e-6)


def test_a_perfect_copy_of_equal_sources_reaches_the_best_values():
    picture = scene(3)
    measures = values(picture, picture, picture)
    assert measures["CC"] == pytest.approx(1)
    assert measures["SSIM"] == pytest.approx(1)
    assert measures["VIFF"] == pytest.approx(2)
    assert measures["MI"] == pytest.approx(2 * measures["EN"] * math.log(2))  # the entropy, in nats, twice
    assert 0.9 < measures["Qabf"] <= 0.9994 * 0.9879


def test_a_constant_fused_picture_has_no_correlation_and_says_why():
    flat = np.full((64, 64), 200, np.uint8)
    readings = {reading.metric.name: reading for reading in evaluate(flat, scene(1, (64, 64)), scene(2, (64, 64)))}
    assert math.isnan(readings["CC"].value)
    assert "constant" in readings["CC"].reason
    assert [readings[name].value for name in ("EN", "SD", "SF", "AG", "MI")] == [0, 0, 0, 0, 0]
    assert readings["VIFF"].value == 0
    assert not readings["EN"].reason


@pytest.mark.parametrize("level", [0, 7, 255])
def test_constant_sources_make_correlations_undefined_but_visual_fidelity_one_each(level):
    flat = np.full((70, 66), level, np.uint8)
    readings = {reading.metric.name: reading for reading in evaluate(scene(1, (70, 66)), flat, flat)}
    assert readings["VIFF"].value == 2  # 0/0 counts as 1, for each source
    for name in ("CC", "SCD"):
        assert math.isnan(readings[name].value)
        assert readings[name].reason


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2), (5, 90), (40, 40)])
def test_pictures_too_small_for_a_window_get_a_reason_not_an_exception(shape):
    fused, a, b = (np.random.default_rng(n).integers(0, 256, shape, dtype=np.uint8) for n in range(3))
    for reading in evaluate(fused, a, b):
        assert math.isnan(reading.value) == bool(reading.reason), reading
    assert math.isnan(values(fused, a, b)["VIFF"])


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
