"""Elements copied from header to header: as they are, put right, or left out; never cut."""

from __future__ import annotations

import pydicom
from pydicom import Dataset

from app import export
from app.export.dicom.attribute_copy import copy_elements, lawful
from app.files.dicom.header import hush
from tests.export.dicom.validators import SOURCES
from tests.export.studies import oblique, study


def test_what_a_type_forbids_is_put_right_or_left_out_but_never_cut(tmp_path):
    forbidden = SOURCES["values their types forbid"]
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **forbidden)
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",), switches=("derived-mr",))[0])
    assert ds.StudyID == ""
    assert "StudyDescription" not in ds
    assert "SequenceName" not in ds
    assert (ds.PatientPosition, ds.RepetitionTime, ds.PixelSpacing) == ("HFS", 8.1, [1.2, 0.9])


def test_a_patient_s_identity_is_kept_whatever_its_form(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), PatientID="4711" * 20)
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",))[0])
    assert ds.PatientID == "4711" * 20


SOME = ["RepetitionTime", "PatientPosition", "StudyID", "SequenceName", "PatientID", "ProcedureCodeSequence"]


def of(**elements: object) -> Dataset:
    """A header of these elements, whatever pydicom thinks of their values."""
    hush()
    header = Dataset()
    for keyword, value in elements.items():
        setattr(header, keyword, value)
    return header


CODE = of(CodeValue="241601008", CodingSchemeDesignator="SCT", CodeMeaning="MRI of head")


def test_a_number_too_long_is_written_shorter_and_a_code_in_capitals():
    target = Dataset()
    copy_elements(of(RepetitionTime="8.10000000000000000001", PatientPosition=" hfs "), target, SOME)
    assert (str(target["RepetitionTime"].value), target.PatientPosition) == ("8.1", "HFS")


def test_a_text_too_long_is_left_out_and_an_identifier_kept():
    source = of(StudyID="x" * 17, SequenceName="y" * 17, PatientID="z" * 65)
    target = Dataset()
    copy_elements(source, target, SOME)
    assert [element.keyword for element in target] == ["PatientID"]
    assert target.PatientID == "z" * 65


def test_a_copy_is_not_changed_with_its_source():
    source, target = of(ProcedureCodeSequence=[CODE]), Dataset()
    copy_elements(source, target, SOME)
    source.ProcedureCodeSequence[0].CodeMeaning = "another"
    assert target.ProcedureCodeSequence[0].CodeMeaning == "MRI of head"


def test_a_code_is_lawful_only_where_it_is_complete():
    half = of(CodeValue="241601008", CodeMeaning="MRI of head")
    assert lawful(of(ProcedureCodeSequence=[CODE])["ProcedureCodeSequence"])
    assert not lawful(of(ProcedureCodeSequence=[half])["ProcedureCodeSequence"])
    assert lawful(of(ProcedureCodeSequence=[])["ProcedureCodeSequence"])
    assert lawful(of(StudyID="")["StudyID"])
