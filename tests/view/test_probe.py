"""Values come from native voxels, with their units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.document import Case
from app.view.probe import number, percent, probe
from tests.scenes import BERT, fused, pair, registered, volume


def shifted() -> np.ndarray:
    matrix = np.eye(4)
    matrix[0, 3] = 2.0  # the partner lies 2 mm further to the left
    return matrix


@pytest.fixture
def case():
    mri = volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), affine=np.eye(4))
    ct = volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 10, modality="CT", unit="HU", affine=np.eye(4))
    return Case().having(mri=mri, partner=ct).having(registration=registered(shifted()))


def test_both_values_are_native_voxels_with_units(case):
    reading = probe(case, (1.2, 0.9, 0.0))
    assert reading.mri == "5 a.u."
    assert reading.partner == "-3 HU"  # voxel (3, 1, 0) of its own grid, through the transform
    assert reading.position == "L 1.2  P 0.9  S 0.0 mm"
    assert reading.line("MRI", "CT") == "MRI 5 a.u.    CT -3 HU    L 1.2  P 0.9  S 0.0 mm"


def test_outside_is_said(case):
    assert probe(case, (3.0, 0, 0)).partner == "outside"
    assert probe(case, (0, 0, -40.0)).mri == "outside"


def test_padding_has_no_value(case):
    valid = np.ones((2, 3, 4), bool)
    valid[0, 0, 0] = False
    assert probe(Case().having(mri=replace(case.mri, valid=valid)), (0, 0, 0)).mri == "outside"


def test_without_an_alignment_or_with_two_patients_the_partner_is_not_read(case):
    assert probe(case.having(registration=None), (1, 1, 0)).partner == ""
    other = replace(case.partner, series=replace(case.partner.series, patient=BERT))
    stopped = case.having(partner=other).having(registration=registered())
    assert probe(stopped, (1, 1, 0)).partner == ""


def test_a_fused_pixel_has_no_value_of_its_own():
    mri = volume(np.full((2, 3, 4), 100, np.int16))
    pet = volume(np.full((2, 3, 4), 5, np.int16), modality="PT", unit="SUVbw")
    plain = pair(mri, pet)
    with_fusion = plain.having(stack=fused(plain.aligned, np.full((2, 3, 4), 0.77, np.float32)))
    assert probe(with_fusion, (0, 0, 0)) == probe(plain, (0, 0, 0))
    assert probe(with_fusion, (0, 0, 0)).line() == "MRI 100 a.u.    partner 5 SUVbw    L 0.0  P 0.0  S 0.0 mm"


def test_pictures_have_pixels_and_no_millimetres():
    picture = volume(np.zeros((1, 5, 6), np.uint8), in_mm=False, affine=np.eye(4), modality="")
    assert probe(Case().having(mri=picture), (2, 3, 0)).position == "pixel 2, 3"


def test_an_unknown_unit_is_said():
    assert probe(Case().having(mri=volume(np.ones((2, 2, 2), np.int16), unit="unknown")), (0, 0, 0)).mri == (
        "1 (unit unknown)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-1024.0, "-1024"),
        (3.14159, "3.142"),
        (0.012345, "0.01235"),
        (12345.6, "12346"),
        (2.5e7, "2.500e+07"),
        (1e-6, "1.00e-06"),
    ],
)
def test_numbers_are_short_and_exact_enough(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (1e-5, "< 0.01 %"), (0.15, "0.15 %"), (7.2, "7.2 %"), (99.97, "100 %")]
)
def test_shares_are_read_without_exponents(share, text):
    assert percent(share) == text
