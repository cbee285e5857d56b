"""SUV factors against a hand calculation, and every reason to refuse one.

The slice in `facts()` holds Bq/mL; 70 kg, 350 MBq given at 10:00, scanned at 11:00, half-life 6586.2 s (F-18):
decayed dose 350e6 x 2^(-3600 / 6586.2) = 239.62 MBq, factor 70000 g / 239.62e6 Bq = 2.9213e-4 g/mL per Bq/mL.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import EnhancedPETImageStorage

from app.files import readers
from app.files.dicom.pet_facts import PetFacts, pet_facts
from app.files.dicom.suv import suv
from tests.files.dicom.dicom_files import dataset, write_series
from tests.files.dicom.test_frames import enhanced

HALF_LIFE_S = 6586.2
AFTER_AN_HOUR = 70_000 / (350e6 * 2 ** (-3600 / HALF_LIFE_S))
AT_INJECTION = 70_000 / 350e6


def facts(**changes: object) -> PetFacts:
    return replace(pet_facts(dataset("PT")), **changes)


def factor(*slices: PetFacts) -> float:
    unit, conversion, warnings = suv(slices)
    assert unit == "SUVbw"
    assert warnings == ()
    assert conversion.factor is not None
    return conversion.factor[0]


def test_start_decays_the_dose_to_the_series_time():
    assert factor(facts()) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)
    assert pytest.approx(2.9213e-4, rel=1e-4) == AFTER_AN_HOUR


def test_admin_is_not_decayed_again():
    assert factor(facts(decay_correction="ADMIN")) == pytest.approx(AT_INJECTION, rel=1e-12)


def test_none_decays_each_slice_to_its_own_acquisition():
    slices = [
        facts(decay_correction="NONE", corrected=("ATTN",), acquisition_time=time) for time in ("110000", "113000")
    ]
    conversion = suv(slices)[1].factor
    later = 70_000 / (350e6 * 2 ** (-5400 / HALF_LIFE_S))
    assert conversion == pytest.approx((AFTER_AN_HOUR, later), rel=1e-12)


def test_a_date_goes_before_a_time_without_one():
    two_days = facts(injection_datetime="20240227110000.000000", half_life_s=282_000.0)  # Zr-89
    assert factor(two_days) == pytest.approx(70_000 / (350e6 * 2 ** (-172_800 / 282_000)), rel=1e-12)


def test_an_injection_before_midnight_is_the_day_before():
    late = facts(injection_time="233000", series_time="003000.00", acquisition_time="003000.00")
    assert factor(late) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)


@pytest.mark.parametrize("zone", ["-0500", "+0930", "+0000"])
def test_a_time_zone_of_the_scan_holds_for_the_injection_too(zone):
    assert factor(facts(timezone=zone)) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)
    assert factor(facts(timezone=zone, injection_datetime="20240229100000")) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)


def test_an_injection_in_another_zone_is_converted():
    moved = facts(timezone="-0500", injection_datetime="20240229150000+0000")
    assert factor(moved) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)


def test_the_zone_of_the_acquisition_holds_for_the_times_that_state_none():
    ds = dataset("PT")
    ds.AcquisitionDateTime = "20240229110000.000000-0500"
    read_facts = pet_facts(ds)
    assert factor(read_facts) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)
    mixed = suv([read_facts, facts()])[1]
    assert mixed.factor is None
    assert "time zone" in mixed.reason


def test_a_series_written_after_the_scan_refers_to_the_acquisition():
    late = facts(series_time="153000")
    assert factor(late) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)


def test_a_series_written_after_the_scan_refers_to_the_scan_time_of_ge_where_stated():
    late = facts(series_time="153000", acquisition_time="112000", ge_scan_datetime="20240229110000.00")
    assert factor(late) == pytest.approx(AFTER_AN_HOUR, rel=1e-12)


def test_a_later_bed_is_taken_back_to_the_start_of_the_scan():
    """QIBA: the frame's average count rate time, not its start, lies FrameReferenceTime after the scan's start."""
    duration_s, bed_s = 180.0, 600.0
    average_s = 90.0 - 0.142  # just before the middle, by the decay within the frame (ln2/T1/2 * t^2 / 24)
    bed = facts(
        series_time="153000", acquisition_time="111000", reference_ms=1000 * (bed_s + average_s), duration_ms=180_000.0
    )
    assert duration_s**2 / 24 * 0.693 / HALF_LIFE_S == pytest.approx(0.142, abs=1e-3)
    assert factor(bed) == pytest.approx(AFTER_AN_HOUR, rel=1e-6)


def test_philips_counts_take_the_suv_factor_whatever_decay_correction_says():
    assert factor(facts(units="CNTS", philips_suv=0.000473, decay_correction="NONE")) == 0.000473


def test_philips_counts_take_the_activity_factor_where_the_suv_factor_is_zero():
    assert factor(facts(units="CNTS", philips_suv=0.0, philips_bqml=5.0)) == pytest.approx(5 * AFTER_AN_HOUR)


def test_philips_factors_are_ignored_for_activity():
    assert factor(facts(philips_suv=0.9, philips_bqml=9.0)) == pytest.approx(AFTER_AN_HOUR)


def test_stored_suv_is_taken_as_its_type_says():
    assert suv([facts(units="GML", suv_type="BW")])[:2][0] == "SUVbw"
    unit, conversion, warnings = suv([facts(units="GML", suv_type="")])
    assert (unit, conversion.factor) == ("SUVbw", (1.0,))
    assert "SUVType" in warnings[0]
    unit, conversion, warnings = suv([facts(units="GML", suv_type="LBMJANMA")])
    assert (unit, conversion.factor) == ("SUVlbm", None)
    assert "Janmahasatian" in warnings[0]
    assert suv([facts(units="GML", suv_type="BSA")])[0] == "unknown"


@pytest.mark.parametrize(
    ("changes", "named", "unit"),
    [
        ({"weight_kg": None}, "PatientWeight (0010,1030)", "Bq/mL"),
        ({"weight_kg": 0.0}, "PatientWeight (0010,1030)", "Bq/mL"),
        ({"weight_kg": 70_000.0}, "cannot be", "Bq/mL"),
        ({"dose_bq": None}, "RadionuclideTotalDose (0018,1074)", "Bq/mL"),
        ({"dose_bq": 350.0}, "MBq", "Bq/mL"),
        ({"half_life_s": None}, "RadionuclideHalfLife (0018,1075)", "Bq/mL"),
        ({"injection_time": ""}, "(0018,1078) or (0018,1072)", "Bq/mL"),
        ({"injection_time": "25000"}, "(0018,1072)", "Bq/mL"),
        ({"series_time": ""}, "SeriesDate/SeriesTime", "Bq/mL"),
        ({"acquisition_time": ""}, "AcquisitionTime (0008,0022/0032)", "Bq/mL"),
        ({"corrected": ()}, "CorrectedImage (0028,0051)", "Bq/mL"),
        ({"corrected": ("DECY",)}, "ATTN", "Bq/mL"),
        ({"corrected": ("ATTN",)}, "DECY", "Bq/mL"),
        ({"decay_correction": ""}, "DecayCorrection (0054,1102)", "Bq/mL"),
        ({"tracers": 2}, "two tracers", "Bq/mL"),
        ({"injection_datetime": "20240301100000"}, "after the scan", "Bq/mL"),
        ({"injection_datetime": "20230101100000"}, "half-lives", "Bq/mL"),
        ({"injection_datetime": "20240229100000+0100", "injection_time": ""}, "TimezoneOffsetFromUTC", "Bq/mL"),
        ({"timezone": "late"}, "time zone", "Bq/mL"),
        ({"units": "CNTS"}, "(7053,1000)", "counts"),
        ({"units": "PROPCPS"}, "PROPCPS", "unknown"),
        ({"units": ""}, "absent", "unknown"),
        ({"units": "PCNT"}, "PCNT", "%"),
    ],
)
def test_what_is_missing_is_named_and_the_values_keep_their_unit(changes, named, unit):
    found_unit, conversion, warnings = suv([facts(**changes)])
    assert found_unit == unit
    assert conversion.factor is None
    assert named in conversion.reason
    assert conversion.reason in warnings[0]


def test_a_pet_series_is_read_in_suv_slice_by_slice(tmp_path):
    folder = write_series(tmp_path, "PT", change=lambda ds, k: ds.update({"RescaleSlope": 0.5 + k}))
    (series,) = readers.scan([folder]).series
    assert (series.unit, series.attenuation_corrected) == ("SUVbw", True)
    read = readers.read(series)
    assert float(read.values(2)[1, 1]) == pytest.approx(2011 * 2.5 * AFTER_AN_HOUR, rel=1e-6)


def test_an_enhanced_pet_states_its_unit_by_real_world_values(tmp_path):
    ds = enhanced([0, 3, 6])
    pet = dataset("PT")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedPETImageStorage
    ds.Modality, ds.PatientWeight = "PT", 70
    ds.RadiopharmaceuticalInformationSequence = pet.RadiopharmaceuticalInformationSequence
    ds.AttenuationCorrected = ds.DecayCorrected = "YES"
    ds.DecayCorrectionDateTime = "20240229110000.000000"
    unit, mapping = Dataset(), Dataset()
    unit.CodeValue = "Bq/ml"
    mapping.MeasurementUnitsCodeSequence = [unit]
    mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = 4.0, 0.0
    ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = [mapping]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert (series.unit, series.attenuation_corrected) == ("SUVbw", True)
    assert float(readers.read(series).values(1)[0, 0]) == pytest.approx(1000 * 4 * AFTER_AN_HOUR, rel=1e-6)


def test_private_factors_are_read_under_their_creator_only(tmp_path):
    ds = dataset("PT")
    block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", "0.0005")
    other = ds.private_block(0x0009, "SOMEONE ELSE", create=True)
    other.add_new(0x0D, "UN", b"20240229110000.00 ")
    path = tmp_path / "pet.dcm"
    ds.save_as(path, enforce_file_format=True)
    (series,) = readers.scan([path]).series
    read_facts = pet_facts(ds)
    assert (read_facts.philips_suv, read_facts.ge_scan_datetime) == (0.0005, "")
    assert series.unit == "SUVbw"


@pytest.mark.data
def test_real_vendors_files_match_the_published_factors_or_are_refused_for_cause():
    folder = Path(os.environ["SYNOPTIC_DATA"], "dicom-odd", "pet-suv")
    expected = json.loads((folder / "expected_suv.json").read_text())
    right_to_refuse = ("ATTN", "days before the scan", "days after the scan")
    wrong = []
    for name, truth in expected.items():
        (series,) = readers.scan([folder / name]).series
        found = series.suv.factor if series.suv else None
        if found is None and truth["suvbw_factor"] is not None:
            if not any(cause in series.suv.reason for cause in right_to_refuse):
                wrong.append((name, series.suv.reason))
        elif found is not None and found[0] != pytest.approx(truth["suvbw_factor"], rel=1e-6):
            wrong.append((name, found))
    assert wrong == []
