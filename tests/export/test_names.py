"""Names of files: whom they show, that no two patients share a folder, and that nothing leads elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.base.errors import ExportError
from app.core.volume import Patient, Series
from app.export.names import check_subject, folder_of, stem, subject_of

_SERIES = Series("1.2.3", "MR", "T1", (Path("a.dcm"),), (4, 4, 4), (1, 1, 1), "LPS", "a.u.", "dicom")


def _of(patient: Patient, study: str = "1.2") -> Series:
    return replace(_SERIES, patient=patient, study_uid=study)


def test_the_id_and_the_study_stand_in_a_name():
    # the first eight digits of `printf 1.2 | sha256sum`
    assert subject_of(_of(Patient(id="HFN 00/42", name="Doe^Jane"))) == "HFN-00-42_77ac319b"
    assert subject_of(_of(Patient(name="Doe^Jane"))) == "Doe-Jane_77ac319b"
    assert subject_of(_of(Patient(), "")) == ""
    assert stem("A1") == "A1_fused"
    assert stem("") == "fused"


def test_two_patients_never_share_a_folder():
    same_id = Patient(id="1")
    folders = [folder_of(_of(same_id, "1.2")), folder_of(_of(same_id, "1.3")), folder_of(_of(Patient(id="2"), "1.2"))]
    nameless = [folder_of(replace(_SERIES, uid=uid)) for uid in ("1", "2")]
    assert len({*folders, *nameless}) == 5


@pytest.mark.parametrize("subject", [".", "..", "a/b", "a\\b", "a b", "CON:", "x" * 51])
def test_a_name_that_a_file_system_may_not_take_is_refused(subject):
    with pytest.raises(ExportError, match="cannot stand"):
        check_subject(subject)


def test_what_stands_for_a_patient_can_stand_in_a_name():
    for subject in ("", "Subject-07_b", "山田", subject_of(_of(Patient(id="x" * 64)))):
        check_subject(subject)
