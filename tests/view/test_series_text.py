"""Header text on the screen: nothing hidden, nothing reordered, nothing taken for HTML."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.volume import Patient, Suv
from app.view import series_text
from tests.scenes import series

PET = replace(series("PT", (128, 128, 72), "Bq/mL"), spacing_mm=(2.03125, 2.03125, 3.0), description="FDG brain")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("abc\u202edef", "abc def"),  # a right-to-left override
        ("a\x00b\r\nc", "a b c"),
        ("  Müller   Ünal ", "Müller Ünal"),
        ("山田", "山田"),
        ("\u200b", ""),
    ],
)
def test_invisible_and_reordering_characters_are_taken_out(raw, shown):
    assert series_text.shown(raw) == shown


def test_very_long_text_is_cut():
    assert len(series_text.shown("x" * 10_000)) == series_text.LONGEST


def test_html_in_a_header_stays_text_in_a_tooltip():
    assert "<b>" not in series_text.tooltip("<b>bold</b>")
    assert "&lt;b&gt;" in series_text.tooltip("<b>bold</b>")


def test_a_row_names_modality_grid_spacing_and_unit():
    assert series_text.lines(PET) == ("PT  FDG brain", "128 × 128 × 72", "2.03 × 2.03 × 3 mm", "Bq/mL")


def test_a_row_shows_the_first_warning_and_how_many_more_there_are():
    warned = replace(PET, warnings=("Slice 4 is missing.", "Second."))
    assert series_text.lines(warned)[-1] == "⚠ Slice 4 is missing. (+1)"


def test_a_series_that_cannot_be_read_says_why_instead_of_its_grid():
    assert series_text.lines(replace(PET, problem="No positions.")) == ("PT  FDG brain", "⛔ No positions.")


def test_details_name_why_there_is_no_suv_and_missing_attenuation_correction():
    told = series_text.details(replace(PET, suv=Suv(None, "PatientWeight is missing."), attenuation_corrected=False))
    assert "no SUV: PatientWeight is missing." in told
    assert "NOT attenuation corrected" in told
    assert "Muster" not in told


def test_a_picture_claims_no_millimetres():
    assert series_text.spacing(replace(PET, spacing_mm=None)) == "no millimetres"


def test_a_patient_is_shown_with_what_the_header_states():
    one = Patient(id="P1", name="Muster^Anna", birth_date="19700131", sex="F")
    assert series_text.patient(one) == "Muster Anna · P1 · born 1970-01-31 · F"
    assert series_text.patient(Patient()) == "patient not stated"
