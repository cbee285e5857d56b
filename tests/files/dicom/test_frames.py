"""Multi-frame files, compressed pixel data and odd encodings, each with values known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import (
    NuclearMedicineImageStorage,
)

from app.files import readers
from tests.files.dicom.dicom_files import AXIAL, dataset, enhanced, item, slice_values


def test_enhanced_frames_are_ordered_by_their_place_and_keep_their_own_rescale(tmp_path):
    enhanced([6, 0, 3]).save_as(tmp_path / "e.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert (series.size, series.spacing_mm) == ((8, 6, 3), pytest.approx((1.5, 2, 3)))
    read = readers.read(series)
    np.testing.assert_array_equal(read.stored[:, 0, 0], [1000, 2000, 0])
    np.testing.assert_array_equal(read.slope, [2, 3, 1])
    assert read.sources == (tmp_path / "e.dcm",) * 3


def test_echoes_within_one_enhanced_file_are_a_series_each(tmp_path):
    enhanced([0, 0, 3, 3, 6, 6], [12, 80] * 3).save_as(tmp_path / "e.dcm", enforce_file_format=True)
    all_series = readers.scan([tmp_path]).series
    assert [series.size[2] for series in all_series] == [3, 3]
    np.testing.assert_array_equal(readers.read(all_series[1]).stored[:, 0, 0], [1000, 3000, 5000])


def test_functional_groups_that_do_not_fit_the_frames_are_refused(tmp_path):
    ds = enhanced([0, 3, 6])
    ds.PerFrameFunctionalGroupsSequence = ds.PerFrameFunctionalGroupsSequence[:2]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    scan = readers.scan([tmp_path])
    assert scan.series == ()
    assert "3 frames and describes 2" in scan.skipped[0].reason


@pytest.mark.parametrize(("step", "first"), [(4.0, 0), (-4.0, 2000)])
def test_spect_slices_stack_along_the_signed_spacing(tmp_path, step, first):
    """A negative SpacingBetweenSlices stacks against the normal (PS3.3 C.8.4.15): frame 3 is then the lowest."""
    ds = dataset("MR")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
    ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    ds.NumberOfFrames = ds.NumberOfSlices = 3
    ds.SpacingBetweenSlices, ds.SliceVector = step, [1, 2, 3]
    ds.PixelData = np.stack([slice_values(n) for n in range(3)]).astype("<i2").tobytes()
    del ds.ImagePositionPatient, ds.ImageOrientationPatient
    ds.DetectorInformationSequence = [item(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=list(AXIAL))]
    ds.save_as(tmp_path / "nm.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert (series.unit, series.spacing_mm) == ("counts", pytest.approx((1.5, 2, 4)))
    read = readers.read(series)
    np.testing.assert_allclose(read.geometry.origin_mm, (1, 2, 3 if step > 0 else -5))
    assert int(read.stored[0, 0, 0]) == first


def test_an_old_multi_frame_file_without_places_is_no_volume(tmp_path):
    ds = dataset("MR")
    ds.NumberOfFrames = 2
    ds.PixelData = ds.PixelData * 2
    ds.save_as(tmp_path / "m.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert "where they lie" in series.problem


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"SpacingBetweenSlices": None, "SliceThickness": 4.0}, ""),
        ({"SpacingBetweenSlices": 0, "SliceThickness": 4.0}, ""),
        ({"SpacingBetweenSlices": None, "SliceThickness": None}, "SpacingBetweenSlices (0018,0088)"),
        ({"SliceVector": None, "NumberOfSlices": 7}, "SliceVector (0054,0080)"),
    ],
)
def test_a_spect_without_its_spacing_opens_at_the_thickness_or_says_what_is_missing(tmp_path, changes, fact):
    ds = dataset("MR")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
    ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    ds.NumberOfFrames = ds.NumberOfSlices = 3
    ds.SpacingBetweenSlices, ds.SliceVector = 4.0, [1, 2, 3]
    ds.PixelData = np.stack([slice_values(n) for n in range(3)]).astype("<i2").tobytes()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.save_as(tmp_path / "nm.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    if fact:
        assert fact in series.problem
        return
    assert series.spacing_mm == pytest.approx((1.5, 2, 4))
    (warning,) = series.warnings
    assert "SpacingBetweenSlices (0018,0088) is empty" in warning
    assert "4 mm" in warning
