"""What PET headers state, element by element."""

from __future__ import annotations

import pytest

from app.files.dicom.pet_facts import attenuation_corrected, in_mapped_unit, pet_facts, with_frame_times
from tests.files.dicom.dicom_files import dataset, item


def test_facts_are_the_elements_of_the_header():
    ds = dataset("PT")
    ds.SeriesType, ds.FrameReferenceTime, ds.ActualFrameDuration = ["DYNAMIC", "IMAGE"], 1500, 3000
    facts = pet_facts(ds)
    assert (facts.units, facts.corrected, facts.decay_correction) == ("BQML", ("NORM", "ATTN", "DECY"), "START")
    assert (facts.weight_kg, facts.dose_bq, facts.half_life_s, facts.tracers) == (70, 350e6, 6586.2, 1)
    assert (facts.series_type, facts.reference_ms, facts.duration_ms) == ("DYNAMIC", 1500, 3000)


def test_what_is_absent_is_empty_or_none():
    from pydicom import Dataset

    facts = pet_facts(Dataset())
    assert (facts.units, facts.corrected, facts.series_type, facts.tracers) == ("", (), "", 0)
    assert (facts.weight_kg, facts.dose_bq, facts.reference_ms) == (None, None, None)


@pytest.mark.parametrize(
    ("unit", "code", "stated"),
    [
        ("Bq/mL", "Bq/ml", ("BQML", "")),
        ("counts", "{counts}", ("CNTS", "")),
        ("SUVbw", "{SUVbw}g/ml", ("GML", "BW")),
        ("SUVlbm", "{SUVlbm}g/ml", ("GML", "LBM")),
        ("SUVlbm", "{SUVlbm(Janma)}g/ml", ("GML", "LBMJANMA")),
        ("SUVlbm", "{SUVlbm(James128)}g/ml", ("GML", "LBMJAMES128")),
    ],
)
def test_a_mapped_unit_goes_before_that_of_the_header(unit, code, stated):
    facts = in_mapped_unit(pet_facts(dataset("PT")), unit, code)
    assert facts is not None
    assert (facts.units, facts.suv_type) == stated


def test_a_mapped_unit_that_is_neither_activity_nor_uptake_has_no_suv():
    assert in_mapped_unit(pet_facts(dataset("PT")), "ml/min/ml", "ml/min/ml") is None


def test_a_frame_states_its_own_time():
    content = item(FrameAcquisitionDateTime="20240229110000", FrameAcquisitionDuration=60_000.0)
    facts = pet_facts(dataset("PT"))
    assert with_frame_times(facts, None) is facts
    own = with_frame_times(facts, content)
    assert (own.frame_datetime, own.duration_ms) == ("20240229110000", 60_000)


def test_attenuation_is_corrected_where_every_slice_says_so():
    corrected, other, silent = (pet_facts(dataset("PT")) for _ in range(3))
    object.__setattr__(other, "corrected", ("DECY",))
    object.__setattr__(silent, "corrected", ())
    assert attenuation_corrected([corrected, corrected]) is True
    assert attenuation_corrected([corrected, other]) is False
    assert attenuation_corrected([silent]) is None
