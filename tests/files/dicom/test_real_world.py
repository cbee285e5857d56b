"""Stored values become real ones by a mapping wherever it stands, for every modality, in the mapping's unit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage, EnhancedPETImageStorage, NuclearMedicineImageStorage

from app.core.volume import UNITS as SHOWN
from app.core.volume import Series
from app.files import readers
from app.files.dicom.real_world import STORAGE, UNITS, mapping_of
from tests.files.dicom.dicom_files import AXIAL, ROOT, dataset, enhanced, item, only_series, slice_values, write_series


def mapping(slope: float | None, code: str, *, intercept: float = 0.0, lut: list[float] | None = None) -> Dataset:
    """One item of a RealWorldValueMappingSequence."""
    entry = item(
        MeasurementUnitsCodeSequence=[item(CodeValue=code, CodingSchemeDesignator="UCUM", CodeMeaning="words")]
    )
    entry.add_new("RealWorldValueFirstValueMapped", "SS", 0)
    entry.add_new("RealWorldValueLastValueMapped", "SS", 32767)
    if slope is not None:
        entry.RealWorldValueSlope, entry.RealWorldValueIntercept = slope, intercept
    if lut is not None:
        entry.RealWorldValueLUTData = lut
    return entry


def spect(folder: Path, change: Callable[[Dataset], None]) -> Series:
    ds = dataset("MR")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
    ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    ds.NumberOfFrames = ds.NumberOfSlices = 3
    ds.SpacingBetweenSlices, ds.SliceVector = 4.0, [1, 2, 3]
    ds.PixelData = np.stack([slice_values(n) for n in range(3)]).astype("<i2").tobytes()
    del ds.ImagePositionPatient, ds.ImageOrientationPatient
    ds.DetectorInformationSequence = [item(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=list(AXIAL))]
    change(ds)
    ds.save_as(folder / "nm.dcm", enforce_file_format=True)
    return only_series(folder)


@pytest.mark.parametrize(("code", "slope", "unit"), [("{counts}", 0.0125, "counts"), ("Bq/ml", 12.5, "Bq/mL")])
def test_a_spect_is_scaled_by_its_mapping(tmp_path, code, slope, unit):
    series = spect(tmp_path, lambda ds: ds.update({"RealWorldValueMappingSequence": [mapping(slope, code)]}))
    assert series.unit == unit
    np.testing.assert_allclose(readers.read(series).values(2), slice_values(2) * slope, rtol=1e-6)


def test_a_spect_that_states_its_unit_as_a_pet_does_is_not_called_counts(tmp_path):
    assert spect(tmp_path, lambda ds: ds.update({"Units": "BQML"})).unit == "Bq/mL"


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize(
    ("code", "unit"), [("[hnsf'U]", "HU"), ("mg/cm3", "mg/cm³"), ("ms", "ms"), ("um2/s", "µm²/s"), ("1", "a.u.")]
)
def test_a_mapping_goes_before_the_rescale(tmp_path, modality, code, unit):
    def change(ds: Dataset, k: int) -> None:
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 7, 77, "US"
        ds.RealWorldValueMappingSequence = [mapping(0.5 + k, code, intercept=-3)]

    series = only_series(write_series(tmp_path, modality, change=change))
    volume = readers.read(series)
    assert (series.unit, volume.unit) == (unit, unit)
    np.testing.assert_allclose(volume.values(2), slice_values(2) * 2.5 - 3)


def test_a_table_is_looked_up(tmp_path):
    lut = [float(n * n) for n in range(5000)]
    folder = write_series(
        tmp_path,
        "MR",
        change=lambda ds, k: ds.update({"RealWorldValueMappingSequence": [mapping(None, "ms", lut=lut)]}),
    )
    volume = readers.read(only_series(folder))
    np.testing.assert_allclose(volume.values(1), slice_values(1).astype(float) ** 2, rtol=1e-6)
    assert volume.unit == "ms"


AFTER_AN_HOUR = 70_000 / (350e6 * 2 ** (-3600 / 6586.2))


@pytest.mark.parametrize(
    ("codes", "unit", "factor"),
    [
        (["Bq/ml"], "SUVbw", 2.0 * AFTER_AN_HOUR),
        (["kBq/ml"], "SUVbw", 2000.0 * AFTER_AN_HOUR),
        (["{SUVbw}g/ml"], "SUVbw", 2.0),
        (["g/ml{SUVlbm}"], "SUVlbm", 2.0),
        (["{SUVbw}g/ml", "Bq/ml"], "SUVbw", 4.0 * AFTER_AN_HOUR),  # the second has slope 4: of activity, SUV is known
        (["ml/min/ml"], "ml/min/ml", 2.0),
    ],
)
def test_a_pet_is_mapped_to_activity_uptake_or_what_a_model_gave(tmp_path, codes, unit, factor):
    def change(ds: Dataset, k: int) -> None:
        ds.RealWorldValueMappingSequence = [mapping(2.0 * (n + 1), code) for n, code in enumerate(codes)]

    series = only_series(write_series(tmp_path, "PT", change=change))
    volume = readers.read(series)
    assert volume.unit == unit
    np.testing.assert_allclose(volume.values(1), slice_values(1) * factor, rtol=1e-6)


@pytest.mark.parametrize("where", ["shared", "per frame", "file"])
@pytest.mark.parametrize("modality", ["MR", "CT", "PT"])
def test_a_mapping_of_an_enhanced_file_may_stand_in_three_places(tmp_path, modality, where):
    ds = enhanced([0, 3, 6])
    if modality != "MR":
        sop_class = EnhancedCTImageStorage if modality == "CT" else EnhancedPETImageStorage
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
        ds.Modality = modality
    if where == "shared":
        ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = [mapping(4.0, "mg/cm3")]
    elif where == "file":
        ds.RealWorldValueMappingSequence = [mapping(4.0, "mg/cm3")]
    else:
        for group in ds.PerFrameFunctionalGroupsSequence:
            group.RealWorldValueMappingSequence = [mapping(4.0, "mg/cm3")]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    series = only_series(tmp_path)
    assert series.unit == "mg/cm³"
    np.testing.assert_allclose(readers.read(series).values(2), slice_values(2) * 4.0)


def test_a_mapping_in_an_object_of_its_own_is_for_the_images_it_names(tmp_path):
    write_series(tmp_path, "MR", places=range(3))
    separate = dataset("MR")
    del separate.PixelData, separate.Rows, separate.Columns
    separate.SOPClassUID = separate.file_meta.MediaStorageSOPClassUID = STORAGE
    separate.SOPInstanceUID = separate.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.77"
    separate.Modality, separate.SeriesInstanceUID = "RWV", f"{ROOT}.7"
    named = [item(ReferencedSOPInstanceUID=f"{ROOT}.3.{k}") for k in range(3)]
    separate.ReferencedImageRealWorldValueMappingSequence = [
        item(ReferencedImageSequence=named, RealWorldValueMappingSequence=[mapping(0.25, "ms")])
    ]
    separate.save_as(tmp_path / "zz.dcm", enforce_file_format=True)
    series = only_series(tmp_path)
    assert series.unit == "ms"
    np.testing.assert_allclose(readers.read(series).values(1), slice_values(1) * 0.25)


def test_slices_with_and_without_a_mapping_are_not_one_volume(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        if k < 2:
            ds.RealWorldValueMappingSequence = [mapping(2.0, "ms")]

    all_series = readers.scan([write_series(tmp_path, "MR", change=change)]).series
    assert sorted((series.size[2], series.unit) for series in all_series) == [(2, "ms"), (3, "a.u.")]


def test_the_window_of_the_header_is_brought_into_the_mapped_unit(tmp_path):
    """It is stated for the rescaled values: stored 100 to 300 here, 50 to 150 ms."""

    def change(ds: Dataset, k: int) -> None:
        ds.RescaleSlope, ds.RescaleIntercept = 2, 10
        ds.WindowCenter, ds.WindowWidth = 410, 400
        ds.RealWorldValueMappingSequence = [mapping(0.5, "ms")]

    assert readers.read(only_series(write_series(tmp_path, "MR", change=change))).window == pytest.approx((100, 100))


def test_items_that_map_nothing_are_passed_over():
    useless = [mapping(None, "ms"), mapping(0.0, "ms"), mapping(1e300, "ms"), mapping(float("nan"), "ms")]
    assert mapping_of(useless, "MR") is None
    mapping_read = mapping_of([*useless, mapping(3.0, "ms")], "MR")
    assert mapping_read is not None
    assert mapping_read.slope == 3.0
    assert mapping_of(None, "MR") is None
    assert mapping_of(b"", "MR") is None


def test_a_mapping_without_a_unit_says_nothing(tmp_path):
    bare = mapping(2.0, "")
    del bare.MeasurementUnitsCodeSequence
    folder = write_series(tmp_path, "MR", change=lambda ds, k: ds.update({"RealWorldValueMappingSequence": [bare]}))
    volume = readers.read(only_series(folder))
    assert volume.unit == "a.u."
    np.testing.assert_array_equal(volume.values(1), slice_values(1))


def test_codes_are_compared_in_lower_case_and_give_units_that_are_known():
    assert all(code == code.lower() for code in UNITS)
    assert {unit for unit, _ in UNITS.values()} >= set(SHOWN) - {"unknown"}
