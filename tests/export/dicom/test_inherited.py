"""What a fused object takes over from the MRI, and what it does not invent."""

from __future__ import annotations

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage

from app import export
from app.export.dicom.inherited import inherit
from tests.export.dicom.validators import SOURCES
from tests.export.studies import oblique, study


def test_what_the_source_lacks_is_not_invented(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **SOURCES["bare"])
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",))[0])
    for keyword in ("PatientSex", "PatientBirthDate", "StudyID", "SliceThickness"):
        assert ds[keyword].value in ("", None)
    assert "StudyDescription" not in ds
    assert "Laterality" not in ds  # HEAD has none


def test_sides_and_body_part_are_copied(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), BodyPartExamined="LEG", Laterality="L")
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",))[0])
    assert (ds.BodyPartExamined, ds.Laterality, ds.PatientPosition) == ("LEG", "L", "HFS")


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 192", "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_names_in_other_scripts_survive(tmp_path, charset, name):
    changes = {"SpecificCharacterSet": charset, "PatientName": name, "ReferringPhysicianName": name}
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **changes)
    source = stack.aligned.mri.sources[0]
    path = export.write(stack, tmp_path / "out", formats=("dicom",))[0]
    written = pydicom.dcmread(path)
    assert str(written.PatientName) == name
    coded = pydicom.dcmread(source).PatientName.original_string
    assert coded in source.read_bytes()
    assert coded in path.read_bytes()  # byte for byte as the source has it


def test_patient_and_study_are_the_mri_s_and_uids_are_new(written):
    stack, derived, paths = written
    mri = pydicom.dcmread(stack.aligned.mri.sources[0])
    files = [pydicom.dcmread(path) for path in paths]
    for ds in files:
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
                        "StudyTime", "AccessionNumber", "BodyPartExamined", "SpecificCharacterSet"):  # fmt: skip
            assert ds[keyword].value == mri[keyword].value
        assert ds.SOPClassUID == (MRImageStorage if derived else SecondaryCaptureImageStorage)
        assert ds.Modality == ("MR" if derived else "OT")
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        assert all(uid.is_valid for uid in (ds.SOPInstanceUID, ds.SeriesInstanceUID))
        assert ds.preamble == bytes(128)
        assert ds.ImageType == ["DERIVED", "SECONDARY", "OTHER"]
        assert ds.BurnedInAnnotation == "YES"
        assert ds.get("ConversionType") == (None if derived else "WSD")
        assert (ds.Manufacturer, ds.LossyImageCompression) == ("Synoptic", "00")
    assert len({ds.SOPInstanceUID for ds in files}) == 5
    (series,) = {ds.SeriesInstanceUID for ds in files}
    assert series != mri.SeriesInstanceUID
    assert [ds.InstanceNumber for ds in files] == [1, 2, 3, 4, 5]


def inherited(**elements: object) -> Dataset:
    """What an object takes over from a header of these elements alone."""
    source, target = Dataset(), Dataset()
    for keyword, value in elements.items():
        setattr(source, keyword, value)
    inherit(source, target)
    return target


@pytest.mark.parametrize(
    ("stated", "side"),
    [
        ({"BodyPartExamined": "HEAD"}, "absent"),
        ({"BodyPartExamined": "HEAD", "Laterality": ""}, "absent"),
        ({"BodyPartExamined": "KNEE"}, None),  # type 2C: there are two, and which one is not known
        ({"BodyPartExamined": "KNEE", "Laterality": "R"}, "R"),
        ({"BodyPartExamined": "KNEE", "ImageLaterality": "R"}, "absent"),  # the image's own side says it
        ({}, None),
    ],
)
def test_a_side_is_stated_unknown_or_absent_as_the_part_has_it(stated, side):
    target = inherited(**stated)
    assert target.get("Laterality", "absent") == side


def test_a_trial_is_taken_over_where_it_is_whole_and_de_identification_always():
    part = {"ClinicalTrialSponsorName": "S", "ClinicalTrialProtocolID": "P1"}
    method = {"PatientIdentityRemoved": "YES", "DeidentificationMethod": "by hand"}
    incomplete = inherited(**part, **method)
    assert "ClinicalTrialSponsorName" not in incomplete
    assert incomplete.DeidentificationMethod == "by hand"
    whole = inherited(**part, ClinicalTrialSubjectID="7")
    assert (whole.ClinicalTrialProtocolID, whole.ClinicalTrialSubjectID) == ("P1", "7")
    assert inherited(PatientIdentityRemoved="YES").DeidentificationMethod == "not stated by the source"


def test_an_animal_brings_what_the_standard_asks_of_animals_and_a_person_does_not():
    animal = inherited(PatientSpeciesDescription="mouse")
    assert all(animal[word].value is None for word in ("PatientSexNeutered", "ResponsiblePerson"))
    assert "ResponsiblePerson" not in inherited(PatientID="P1")
    assert inherited(PatientSex="0000").PatientSex is None
