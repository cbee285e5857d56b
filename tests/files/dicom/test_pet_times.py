"""When the tracer was injected and what the values refer to, and which times contradict each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom import Dataset

from app.files import readers
from app.files.dicom.pet_facts import NoSuv, PetFacts, pet_facts
from app.files.dicom.pet_times import SeriesTimes, elapsed_s
from tests.files.dicom.dicom_files import dataset, enhanced, item, write_series

INJECTED = {"injection_datetime": "20240229110100", "injection_time": "110100"}
DYNAMIC = {"series_type": "DYNAMIC", "series_time": "110000"} | INJECTED


def facts(**changes: object) -> PetFacts:
    """A slice acquired at 11:00, as its series; injected at 10:00, half-life 6586.2 s (F-18)."""
    return replace(pet_facts(dataset("PT")), **changes)


def frame(begins_s: float, duration_s: float, **changes: object) -> PetFacts:
    """A frame of a dynamic series that refers to 11:00 and whose tracer was injected at 11:01."""
    minutes, seconds = divmod(begins_s, 60)
    own = {
        "acquisition_time": f"11{minutes:02.0f}{seconds:02.0f}",
        "duration_ms": 1000 * duration_s,
        "reference_ms": 1000 * (begins_s + duration_s / 2),
    }
    return facts(**(DYNAMIC | own | changes))


def elapsed(own: PetFacts, *others: PetFacts) -> float:
    return elapsed_s(own, SeriesTimes([own, *others]))


FRAMES = [frame(0, 30), frame(30, 30), frame(60, 60), frame(120, 600)]


@pytest.mark.parametrize("number", range(4))
def test_an_injection_on_the_table_lies_after_the_time_that_all_frames_refer_to(number):
    """Also for the frames that ended before it: they are of the same series."""
    others = [other for n, other in enumerate(FRAMES) if n != number]
    assert elapsed(FRAMES[number], *others) == -60


@pytest.mark.parametrize("how", ["date and time", "time alone"])
def test_it_may_be_stated_with_its_date_or_without(how):
    changes = {"injection_datetime": ""} if how == "time alone" else {"injection_time": ""}
    assert elapsed(*(replace(frame, **changes) for frame in FRAMES)) == -60


def test_an_injection_after_midnight_in_a_scan_that_began_before():
    own = facts(
        series_type="DYNAMIC", series_time="235930", acquisition_time="235930", injection_time="000030",
        duration_ms=600_000.0, reference_ms=300_000.0,
    )  # fmt: skip
    assert elapsed(own) == -60


def test_values_that_are_not_decay_corrected_refer_to_each_frame():
    uncorrected = [replace(frame, decay_correction="NONE") for frame in FRAMES]
    assert [elapsed(frame, *uncorrected) for frame in uncorrected] == [-60, -30, 0, 60]


@pytest.mark.parametrize(
    ("own", "named"),
    [
        (frame(0, 30), "1 minutes after the scan"),  # the only frame: over before the injection
        (frame(0, 60), "1 minutes after the scan"),
        (frame(0, 600, duration_ms=None, reference_ms=None), "1 minutes after the scan"),  # its end is not known
        (frame(0, 600, reference_ms=3_900_000.0), "FrameReferenceTime"),
        (frame(300, 600, reference_ms=10_000.0), "FrameReferenceTime"),
        (frame(0, 600, injection_datetime="20240229111000"), "10 minutes after the scan"),
        (frame(0, 600, injection_datetime="20240302110100"), "2 days after the scan"),
    ],
)
def test_an_injection_that_the_times_contradict_gives_no_suv(own, named):
    with pytest.raises(NoSuv, match=named):
        elapsed(own)


@pytest.mark.parametrize("kind", ["STATIC", "WHOLE BODY", "GATED"])
def test_a_bed_of_a_static_scan_was_not_over_before_the_injection(kind):
    first, second = frame(0, 50, series_type=kind), frame(60, 300, series_type=kind)
    assert elapsed(second, first) == -60
    with pytest.raises(NoSuv, match="after the scan"):
        elapsed(first, second)


def test_a_time_without_a_date_that_may_be_meant_in_two_ways_is_refused():
    """Zirconium lives for days: injected the day before at this time, or on the table."""
    zirconium = {"injection_datetime": "", "half_life_s": 282_000.0}
    with pytest.raises(NoSuv, match="day before"):
        elapsed(frame(0, 600, **zirconium))
    assert elapsed(facts(half_life_s=282_000.0)) == 3600
    assert elapsed(facts(half_life_s=282_000.0, injection_time="120000")) == 23 * 3600


def test_the_earliest_of_the_whole_series_says_whether_it_was_written_anew():
    late = {"series_time": "153000", "reference_ms": None}
    own, first = facts(acquisition_time="113000", **late), facts(**late)
    assert elapsed(own) == 5400
    assert elapsed(own, first) == 3600


def test_slices_without_a_time_or_with_another_zone_are_not_asked():
    others = [facts(acquisition_time=""), facts(timezone="+0200", acquisition_time="090000")]
    assert elapsed(facts(), *others) == 3600
    with pytest.raises(NoSuv, match="AcquisitionTime"):
        elapsed(others[0], facts())


def test_a_dynamic_pet_with_its_tracer_injected_on_the_table_has_an_suv(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        number = k // 3
        ds.ImagePositionPatient = [0, 0, 2.0 * (k % 3)]
        ds.SeriesType = ["DYNAMIC", "IMAGE"]
        ds.AcquisitionTime = f"11{2 * number:02d}00"
        ds.FrameReferenceTime, ds.ActualFrameDuration = 1000 * (120 * number + 60), 120_000
        ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime = "110100"

    all_series = readers.scan([write_series(tmp_path, "PT", places=range(9), change=change)]).series
    assert [series.size[2] for series in all_series] == [3, 3, 3]
    expected = 70_000 / (350e6 * 2 ** (60 / 6586.2))
    assert [series.suv.factor[0] for series in all_series] == pytest.approx([expected] * 3, rel=1e-12)
    assert {series.unit for series in all_series} == {"SUVbw"}


def test_frames_of_an_enhanced_pet_are_dated_by_themselves(tmp_path):
    """Its DecayCorrectionDateTime lies a minute before the injection."""
    from tests.files.dicom.test_real_world import mapping

    ds, pet = enhanced([0, 3, 6]), dataset("PT")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.130"
    ds.Modality, ds.PatientWeight = "PT", 70
    ds.RadiopharmaceuticalInformationSequence = pet.RadiopharmaceuticalInformationSequence
    ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime = "110100"
    ds.AttenuationCorrected = ds.DecayCorrected = "YES"
    ds.DecayCorrectionDateTime = "20240229110000.000000"
    ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = [mapping(1.0, "Bq/ml")]
    for group in ds.PerFrameFunctionalGroupsSequence:
        group.FrameContentSequence = [
            item(FrameAcquisitionDateTime="20240229110000", FrameAcquisitionDuration=600_000.0)
        ]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert series.suv.factor[0] == pytest.approx(70_000 / (350e6 * 2 ** (60 / 6586.2)), rel=1e-12)
