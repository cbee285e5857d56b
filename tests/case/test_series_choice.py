"""Slices and series named on the command line."""

import nibabel as nib
import numpy as np
import pytest

from app.base.errors import UsageError
from app.case.series_choice import pick_series, pick_slices, series_warnings


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


def test_what_is_odd_in_a_series_is_told_with_its_name(tmp_path):
    path = tmp_path / "CT_mask.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((4, 5, 6), np.int16), np.eye(4)), path)
    series = pick_series(path, None, "--partner-series", role="partner")
    assert series_warnings(series) == ["CT_mask: Its name says it is a mask, not an image."]
