"""What the info command prints of a scan: the document, key by key, and its lines for people."""

from __future__ import annotations

import json

import pytest

from app.files import readers
from app.files.scan_report import info_document, info_text
from tests.files.dicom.dicom_files import ROOT, write_series


def test_the_info_document_has_the_promised_form(tmp_path):
    write_series(tmp_path / "ct", "CT", places=[0, 2, 6])
    write_series(tmp_path / "pt", "PT", change=lambda ds, k: ds.update({"SeriesInstanceUID": f"{ROOT}.4"}))
    (tmp_path / "notes.txt").write_text("hello")
    document = json.loads(json.dumps(info_document(readers.scan([tmp_path])), allow_nan=False))
    assert set(document) == {"studies", "skipped"}
    assert document["skipped"] == [
        {"path": str(tmp_path / "notes.txt"), "reason": "it is none of the image formats that can be opened here."}
    ]
    (study,) = document["studies"]
    assert (study["patient"], study["uid"]) == ("P1", f"{ROOT}.1")
    ct, pt = study["series"]
    assert set(ct) == {
        "uid", "modality", "description", "slices", "size", "spacing_mm", "orientation", "unit",
        "frame_of_reference_uid", "suv", "warnings",
    }  # fmt: skip
    assert (ct["uid"], ct["modality"], ct["slices"], ct["size"], ct["spacing_mm"]) == (
        f"{ROOT}.2", "CT", 3, [8, 6, 4], [1.5, 2.0, 2.0],
    )  # fmt: skip
    assert (ct["orientation"], ct["unit"], ct["frame_of_reference_uid"]) == ("LPS", "HU", f"{ROOT}.9")
    assert ct["suv"]["factor"] is None
    assert "missing" in ct["warnings"][0]
    assert pt["suv"]["factor"] == pytest.approx(70_000 / (350e6 * 2 ** (-3600 / 6586.2)))


def test_the_info_document_lists_factors_where_slices_differ(tmp_path):
    def change(ds, k):
        ds.DecayCorrection, ds.AcquisitionTime = "NONE", f"11{k:02d}00"

    document = info_document(readers.scan([write_series(tmp_path, "PT", change=change)]))
    factors = document["studies"][0]["series"][0]["suv"]["factor"]
    assert len(factors) == 5
    assert factors == sorted(factors)


def test_a_problem_leads_the_warnings(tmp_path):
    folder = write_series(tmp_path, change=lambda ds, k: ds.__delattr__("PixelSpacing"))
    (series,) = info_document(readers.scan([folder]))["studies"][0]["series"]
    assert "PixelSpacing" in series["warnings"][0]
    assert series["spacing_mm"] is None


def test_the_lines_for_people_name_study_series_and_what_was_skipped(tmp_path):
    write_series(tmp_path / "ct", places=[0, 2, 4])
    (tmp_path / "notes.txt").write_text("hello")
    assert info_text(readers.scan([tmp_path])).splitlines() == [
        f"Study {ROOT}.1  patient P1",
        "  1 CT  8 x 6 x 3 at 1.5 x 2 x 2 mm LPS HU  CT head",
        f"      {ROOT}.2",
        f"Skipped {tmp_path / 'notes.txt'}: it is none of the image formats that can be opened here.",
    ]


def test_an_empty_folder_is_said_to_hold_nothing(tmp_path):
    assert info_text(readers.scan([tmp_path])) == "Nothing found."
