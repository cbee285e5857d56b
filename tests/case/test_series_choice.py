"""Slices and series named on the command line."""

import nibabel as nib
import numpy as np
import pytest

from app.base.errors import UsageError
from app.case.series_choice import pick_series, pick_slices, series_warnings
from app.files.readers import scan


@pytest.mark.parametrize(
    ("text", "meant"),
    [("all", range(10)), ("3", range(3, 4)), ("2:5", range(2, 5)), (":4", range(4)), ("7:", range(7, 10))],
)
def test_slices_count_from_zero_and_leave_the_end_out(text, meant):
    assert pick_slices(text, 10) == meant


@pytest.mark.parametrize("text", ["", "x", "1:2:3", "5:5", "6:4", "-1", "10", "0:11"])
def test_slices_that_are_not_there_are_refused(text):
    with pytest.raises(UsageError, match="slices"):
        pick_slices(text, 10)


@pytest.mark.parametrize("text", ["5:5", "6:4", ":0"])
def test_a_range_that_is_empty_is_called_so(text):
    with pytest.raises(UsageError, match="names no slice"):
        pick_slices(text, 10)


def test_the_mri_is_not_its_own_partner(tmp_path):
    path = tmp_path / "t1.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)), path)
    mri = pick_series(path, None, "--mri-series", role="MRI")
    with pytest.raises(UsageError, match="nothing but the MRI itself"):
        pick_series(path, None, "--partner-series", role="partner", apart=mri)


@pytest.fixture
def several(tmp_path):
    """An MRI, two PETs and a CT: 1 to 4 in the order in which the list has them."""
    for name in ("mr t1", "pet late", "pet early", "ct head"):
        nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)), tmp_path / f"{name}.nii.gz")
    return tmp_path, [series for study in scan([tmp_path]).studies for series in study.series]


@pytest.mark.parametrize(
    ("choice", "description"),
    [("CT", "ct head"), ("ct", "ct head"), ("Pet Early", "pet early"), ("late", "pet late"), ("head", "ct head")],
)
def test_a_series_is_named_by_modality_or_description(several, choice, description):
    assert pick_series(several[0], choice, "--partner-series", role="partner").description == description


def test_a_series_is_named_by_its_number_or_uid(several):
    folder, series = several
    for number, member in enumerate(series, 1):
        assert pick_series(folder, str(number), "--partner-series").uid == member.uid
        assert pick_series(folder, member.uid, "--partner-series").uid == member.uid


def test_a_name_that_fits_two_asks_and_one_that_fits_none_is_refused(several):
    folder, series = several
    with pytest.raises(UsageError, match="holds 2 series that could be 'PET'") as error:
        pick_series(folder, "PET", "--partner-series", role="partner")
    for number, member in enumerate(series, 1):
        assert (f"{number}: PT {member.description}" in error.value.hint) == (member.modality == "PT")
    for choice in ("SPECT", "5", "0", ""):
        with pytest.raises(UsageError, match="holds no series"):
            pick_series(folder, choice, "--partner-series", role="partner")


def test_of_several_of_one_name_the_role_and_what_is_taken_decide(several):
    folder, _ = several
    late = pick_series(folder, "late", "--mri-series")
    assert pick_series(folder, "PT", "--partner-series", role="partner", apart=late).description == "pet early"
    assert pick_series(folder, "t", "--mri-series", role="MRI").description == "mr t1"  # a t is in each of the four


def test_what_is_odd_in_a_series_is_told_with_its_name(tmp_path):
    path = tmp_path / "CT_mask.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)), path)
    series = pick_series(path, None, "--partner-series", role="partner")
    assert series_warnings(series) == ["CT_mask: Its name says it is a mask, not an image."]
