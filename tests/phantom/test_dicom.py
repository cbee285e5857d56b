"""The digital head's scans as DICOM files: what the standard, and SUV, ask of them."""

from __future__ import annotations

import subprocess
from datetime import datetime

import numpy as np
import pydicom
import pytest
from pydicom.uid import UID

from app.base.progress import silent
from app.phantom.dicom import DicomSeries, _decay_factor, _decimals, uid
from app.phantom.scanners import HALF_LIFE_S
from tests.phantom.demo_files import SERIES, dicom_volume, headers, mean_within
from tests.phantoms import scanned


def test_slopes_of_the_pet_differ_between_slices(study):
    slopes = {float(ds.RescaleSlope) for ds in headers(study, "pet")}
    assert len(slopes) > 20


def test_no_two_series_share_a_frame_of_reference_and_all_share_one_patient(study):
    first = [headers(study, name)[0] for name in SERIES]
    assert len({ds.FrameOfReferenceUID for ds in first}) == 4
    assert len({ds.SeriesInstanceUID for ds in first}) == 4
    assert {(ds.StudyInstanceUID, ds.PatientID, str(ds.PatientName)) for ds in first} == {
        (first[0].StudyInstanceUID, "SYNOPTIC-DEMO", "DEMO^HEAD PHANTOM")
    }
    assert all(ds.PatientIdentityRemoved == "YES" and ds.BodyPartExamined == "HEAD" for ds in first)


@pytest.mark.parametrize("name", ["mr", "ct", "pet"])
def test_file_names_say_nothing_about_the_order(study, name):
    folder = study / "dicom" / SERIES[name]
    heights = [float(pydicom.dcmread(path).ImagePositionPatient[2]) for path in sorted(folder.iterdir())]
    assert heights != sorted(heights)
    assert heights != sorted(heights, reverse=True)


def test_dciodvfy_finds_no_error(study):
    for path in sorted((study / "dicom").rglob("*.dcm")):
        process = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        words = process.stdout + process.stderr
        assert "Error" not in words, f"{path.relative_to(study)}: {words}"
        assert any(kind in words for kind in ("MRImage", "CTImage", "PETImage", "NMImage"))


def suv_factor(ds: pydicom.Dataset) -> float:
    """QIBA's formula by hand, for DecayCorrection START."""
    tracer = ds.RadiopharmaceuticalInformationSequence[0]
    injected = datetime.strptime(tracer.RadiopharmaceuticalStartDateTime, "%Y%m%d%H%M%S")
    scanned = datetime.strptime(ds.SeriesDate + ds.SeriesTime, "%Y%m%d%H%M%S")
    half_lives = (scanned - injected).total_seconds() / float(tracer.RadionuclideHalfLife)
    return float(ds.PatientWeight) * 1000 / (float(tracer.RadionuclideTotalDose) * 2**-half_lives)


def test_suv_by_the_formula_from_the_header(study, truth):
    values, affine = dicom_volume(study, "pet")
    factor = suv_factor(headers(study, "pet")[0])
    assert factor == pytest.approx(truth["suv"]["suvbw_per_bqml"], rel=1e-6)
    grey = mean_within(values * factor, affine, truth["landmarks_lps_mm"]["left thalamus"]["pet"])
    lesion = mean_within(values * factor, affine, truth["lesion"]["position_lps_mm"]["pet"])
    assert 8 < grey < 10.5
    assert 13 < lesion < 16
    measured = truth["tissue_values"]["pet"]["measured_within_4_mm"]
    assert grey == pytest.approx(measured["left thalamus"], rel=0.01)
    assert lesion == pytest.approx(measured["lesion"], rel=0.01)


def test_uids_are_the_same_for_the_same_things_and_valid():
    assert uid("study", 1) == uid("study", 1) != uid("study", 2)
    assert UID(uid("study")).is_valid
    assert uid("a", "b") != uid("ab")


def test_decimal_strings_keep_nine_decimals_in_sixteen_characters():
    assert _decimals([0.1234567891, -0.0, -123.456, 1e-12]) == ["0.123456789", "0", "-123.456", "0"]
    assert max(map(len, _decimals([-123.456789012, -0.99999999999]))) <= 16


def test_the_decay_factor_undoes_the_decay_during_the_frame():
    """Mean activity over a frame of one half-life is 1 / (2 ln 2) of that at its start."""
    assert _decay_factor(HALF_LIFE_S) == pytest.approx(2 * np.log(2))
    assert _decay_factor(1e-3) == pytest.approx(1)


def test_ct_slices_are_counted_from_the_top_and_stored_in_twelve_bits(tmp_path):
    scan = scanned("ct")
    DicomSeries(scan, "test").write(tmp_path, seed=0, progress=silent)
    files = [pydicom.dcmread(path) for path in tmp_path.iterdir()]
    assert len(files) == len(scan.stored)
    highest = max(files, key=lambda ds: ds.ImagePositionPatient[2])
    assert (highest.InstanceNumber, highest.BitsStored, highest.RescaleType) == (1, 12, "HU")
    np.testing.assert_array_equal(highest.pixel_array, scan.stored[-1])
