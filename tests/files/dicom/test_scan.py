"""DICOM series whose geometry and values are known because they were written here."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import (
    NuclearMedicineImageStorage,
    SecondaryCaptureImageStorage,
)

from app.files import readers
from tests.files.dicom.dicom_files import ROOT, dataset, only_series, slice_values, write_series


def test_a_plain_series_has_the_geometry_units_and_texts_it_was_written_with(tmp_path):
    series = only_series(write_series(tmp_path, "CT", places=[0, 3, 6, 9]))
    assert (series.modality, series.description, series.unit) == ("CT", "CT head", "HU")
    assert series.size == (8, 6, 4)
    assert series.spacing_mm == pytest.approx((1.5, 2.0, 3.0))  # columns, rows, positions: never SliceThickness
    assert series.orientation == "LPS"
    assert (series.patient.id, series.body_part, series.number) == ("P1", "HEAD", 3)
    assert series.frame_of_reference_uid == f"{ROOT}.9"
    assert series.warnings == ()
    assert series.problem == ""
    read = readers.read(series)
    np.testing.assert_array_equal(read.geometry.origin_mm, (-10, -20, 0))
    np.testing.assert_array_equal(read.values(), np.stack([slice_values(k) - 1000.0 for k in range(4)]))


def test_a_truncated_file_is_named_and_its_place_is_marked(tmp_path):
    folder = write_series(tmp_path, places=range(5))
    victim = next(path for path in folder.iterdir() if path.name.endswith("02.dcm"))
    victim.write_bytes(victim.read_bytes()[:-40])
    scan = readers.scan([folder])
    (skip,) = scan.skipped
    assert skip.path == victim
    assert "56 of 96 bytes" in skip.reason
    (series,) = scan.series
    assert any(victim.name in warning for warning in series.warnings)
    assert list(readers.read(series).interpolated) == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("attributes", "fact"),
    [
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "secondary capture"),
        ({"Modality": "US"}, "modality US"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"], "Modality": "MR"}, "mosaic"),
    ],
)
def test_what_is_no_measurement_is_listed_with_the_reason(tmp_path, attributes, fact):
    series = only_series(write_series(tmp_path, change=lambda ds, k: ds.update(attributes)))
    assert fact in series.problem


def test_a_report_is_skipped_with_the_reason(tmp_path):
    ds = dataset()
    ds.Modality = "SR"
    ds.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    (skip,) = readers.scan([tmp_path]).skipped
    assert "report" in skip.reason


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ({}, "HU"),
        ({"RescaleType": None}, "HU"),
        ({"RescaleType": None, "ImageType": ["DERIVED", "SECONDARY"]}, "unknown"),
        ({"RescaleType": "US"}, "unknown"),
        ({"RescaleSlope": None}, "unknown"),
    ],
)
def test_hounsfield_units_only_where_the_header_says_so(tmp_path, attributes, unit):
    def change(ds: Dataset, k: int) -> None:
        for key, value in attributes.items():
            if value is None:
                delattr(ds, key)
            else:
                setattr(ds, key, value)

    series = only_series(write_series(tmp_path, change=change))
    assert series.unit == unit
    assert bool(series.warnings) == (unit == "unknown")


def test_two_patients_in_one_series_uid_are_never_merged(tmp_path):
    scan = readers.scan([write_series(tmp_path, change=lambda ds, k: ds.update({"PatientID": f"P{k % 2}"}))])
    assert sorted(series.patient.id for series in scan.series) == ["P0", "P1"]
    assert len(scan.studies) == 2
    assert len({series.uid for series in scan.series}) == 2


def test_a_header_that_states_more_pixels_than_the_file_has_allocates_nothing(tmp_path):
    ds = dataset()
    ds.Rows = ds.Columns = 65535
    ds.save_as(tmp_path / "bomb.dcm", enforce_file_format=True)
    (skip,) = readers.scan([tmp_path]).skipped
    assert "cut short" in skip.reason


def test_spect_projections_are_no_volume(tmp_path):
    ds = dataset("MR")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
    ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]
    ds.save_as(tmp_path / "nm.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert "projections" in series.problem
