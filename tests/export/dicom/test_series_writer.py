"""DICOM as validators, toolkits and viewers read it: validity, geometry, references, wording, pixels."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom import Dataset
from pydicom.config import RAISE, settings
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage, SecondaryCaptureImageStorage, generate_uid

from app.core.geometry import Geometry
from app.export import formats
from app.export.colour import colouring
from app.export.dicom.series_writer import PlainPictureError
from app.export.dicom.sources import NoDerivedMrError, NoDicomHeaderError, SourceGoneError
from app.registration.verdict import Verdict
from tests.export.studies import oblique, study, write_series
from tests.export.test_picture_writer import covered

KINDS = [("PT", False), ("CT", False), ("PT", True), ("CT", True)]
IDS = ["colour capture", "grey capture", "derived from PET pair", "derived from CT pair"]


@pytest.fixture(scope="module", params=KINDS, ids=IDS)
def written(request, tmp_path_factory):
    """(stack, derived, files) of each kind of object."""
    folder = tmp_path_factory.mktemp("dicom")
    partner, derived = request.param
    stack = study(folder / "source", partner=partner)
    return stack, derived, formats.write(stack, folder / "out", formats=("dicom",), derived_mr=derived)


@pytest.fixture(scope="module")
def pet(tmp_path_factory):
    return study(tmp_path_factory.mktemp("pet"))


def errors_of(paths) -> list[str]:
    """What dciodvfy finds wrong in each file, and dcentvfy in all of them together."""
    found = []
    for path in paths:
        told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False).stderr
        assert re.search(r"^(SCImage|MRImage)", told, re.MULTILINE), told  # it knew what it looked at
        found += [line for line in told.splitlines() if line.startswith("Error")]
    together = subprocess.run(["dcentvfy", *map(str, paths)], capture_output=True, text=True, check=False)
    return found + (together.stdout + together.stderr).splitlines()


def test_validators_find_no_error(written):
    stack, _, paths = written
    assert errors_of(paths) == []
    originals = [path for volume in (stack.aligned.mri, stack.aligned.partner) for path in volume.sources]
    told = subprocess.run(["dcentvfy", *map(str, [*paths, *originals])], capture_output=True, text=True, check=False)
    assert told.stdout + told.stderr == ""  # patient, study and frame of reference agree with the sources


SOURCES = {
    "without body part": {"without": ["BodyPartExamined"]},
    "a part with sides": {"BodyPartExamined": "LEG"},
    "with a side": {"BodyPartExamined": "LEG", "Laterality": "L"},
    "with an image's side": {"BodyPartExamined": "KNEE", "ImageLaterality": "R"},
    "without position": {"without": ["PatientPosition", "PositionReferenceIndicator"]},
    "inversion recovery": {"ScanningSequence": ["GR", "IR"]},
    "echo planar": {"ScanningSequence": "EP", "SequenceVariant": "NONE", "without": ["RepetitionTime"]},
    "gated": {"ScanOptions": "CG", "TriggerTime": "20"},
    "trigger without gating": {"TriggerTime": "20"},
    "lossy": {
        "LossyImageCompression": "01", "LossyImageCompressionRatio": "9", "LossyImageCompressionMethod": "ISO_10918_1"
    },
    "an empty side": {"Laterality": None},
    "an unknown part": {"BodyPartExamined": "Kopf"},
    "removed without method": {"PatientIdentityRemoved": "YES"},
    "an incomplete trial": {"ClinicalTrialSponsorName": None, "ClinicalTrialProtocolID": "P1"},
    "a complete trial": {
        "ClinicalTrialSponsorName": "S", "ClinicalTrialProtocolID": "P1", "ClinicalTrialProtocolName": "",
        "ClinicalTrialSiteID": "", "ClinicalTrialSiteName": "", "ClinicalTrialSubjectID": "7",
    },
    "an incomplete code": {"ProcedureCodeSequence": [Dataset()]},
    "an impossible sex": {"PatientSex": "0000"},
    "an animal": {"PatientSpeciesDescription": "mouse"},
    "values their types forbid": {
        "StudyID": "a study ID of more than 16 characters", "PatientAge": "79", "StudyDescription": "x" * 65,
        "PixelSpacing": ["1.200000000000000001", "0.900000000000000001"], "PatientPosition": "hfs",
        "RepetitionTime": "8.10000000000000000001", "SequenceName": "a sequence name of many letters",
    },
    "latin 1": {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg"},
    "no character set": {"without": ["SpecificCharacterSet"], "ReferringPhysicianName": "Doe^Jane"},
    "de-identified": {
        "PatientIdentityRemoved": "YES", "DeidentificationMethod": "by hand", "PatientName": "", "PatientID": "X"
    },
    "bare": {
        "without": [
            "StudyID", "AccessionNumber", "ReferringPhysicianName", "SeriesNumber", "PatientSex", "PatientBirthDate",
            "StudyTime", "Manufacturer", "SliceThickness", "EchoTrainLength", "ScanOptions", "StudyDescription",
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("derived", [False, True], ids=["capture", "derived"])
@pytest.mark.parametrize("name", SOURCES)
def test_validators_find_no_error_whatever_the_source_states(tmp_path, name, derived):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 2)), **SOURCES[name])
    assert errors_of(formats.write(stack, tmp_path / "out", formats=("dicom",), derived_mr=derived)) == []


def test_what_the_source_lacks_is_not_invented(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **SOURCES["bare"])
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",))[0])
    for keyword in ("PatientSex", "PatientBirthDate", "StudyID", "SliceThickness"):
        assert ds[keyword].value in ("", None)
    assert "StudyDescription" not in ds
    assert "Laterality" not in ds  # HEAD has none


def test_what_a_type_forbids_is_put_right_or_left_out_but_never_cut(tmp_path):
    forbidden = SOURCES["values their types forbid"]
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **forbidden)
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",), derived_mr=True)[0])
    assert ds.StudyID == ""
    assert "StudyDescription" not in ds
    assert "SequenceName" not in ds
    assert (ds.PatientPosition, ds.RepetitionTime, ds.PixelSpacing) == ("HFS", 8.1, [1.2, 0.9])


def test_an_element_that_cannot_be_decoded_counts_as_absent(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    source = stack.aligned.mri.sources[0]
    content = source.read_bytes()
    assert content.count(b"DS\x04\x008.1 ") == 1  # RepetitionTime
    source.write_bytes(content.replace(b"DS\x04\x008.1 ", b"DS\x04\x00fast"))
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",), derived_mr=True)[0])
    assert ds.RepetitionTime is None


def test_a_patient_s_identity_is_kept_whatever_its_form(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), PatientID="4711" * 20)
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",))[0])
    assert ds.PatientID == "4711" * 20


def test_sides_and_body_part_are_copied(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), BodyPartExamined="LEG", Laterality="L")
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",))[0])
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
    path = formats.write(stack, tmp_path / "out", formats=("dicom",))[0]
    written = pydicom.dcmread(path)
    assert str(written.PatientName) == name
    coded = pydicom.dcmread(source).PatientName.original_string
    assert coded in source.read_bytes()
    assert coded in path.read_bytes()  # byte for byte as the source has it


def test_dcmtk_opens_every_file(written, tmp_path):
    for number, path in enumerate(written[2]):
        subprocess.run(["dcmdump", "-q", str(path)], check=True, capture_output=True)
        picture = tmp_path / f"{number}.png"
        window = ["+Wi", "1"] if written[1] else []
        subprocess.run(["dcmj2pnm", "--write-png", *window, str(path), str(picture)], check=True)
        with Image.open(picture) as opened:
            assert opened.size == (96, 80)


def test_strict_reading_and_writing_find_nothing(written, monkeypatch):
    monkeypatch.setattr(settings, "reading_validation_mode", RAISE)
    monkeypatch.setattr(settings, "writing_validation_mode", RAISE)
    for path in written[2]:
        ds = pydicom.dcmread(path)
        again = pydicom.Dataset()
        for element in ds:  # each value is read and checked here
            again.add_new(element.tag, element.VR, element.value)
        assert again == ds


def test_simpleitk_reads_the_mri_s_geometry(written):
    stack, _, paths = written
    grid = stack.aligned.mri.geometry
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(paths[0].parent))
    assert [Path(name) for name in names] == paths  # one series, in the order of position
    image = sitk.ReadImage(names)
    assert image.GetSize() == grid.size
    for index in ((0, 0, 0), (95, 79, 4), (95, 0, 2)):
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), grid.to_lps(index), atol=0.01)


def test_positions_are_the_mri_s_own_digits(written):
    stack, _, paths = written
    for path, source in zip(paths, stack.aligned.mri.sources, strict=True):
        fused, mri = pydicom.dcmread(path), pydicom.dcmread(source)
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
            assert fused[keyword].value == mri[keyword].value
        assert fused.FrameOfReferenceUID == mri.FrameOfReferenceUID
        assert fused.PatientOrientation == ["L", "PH"]  # the rows run down and, tilted, up


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


def test_each_export_is_a_series_of_its_own(pet, tmp_path):
    first, second = (
        pydicom.dcmread(formats.write(pet, tmp_path / name, formats=("dicom",), slices=(2,))[0]) for name in "ab"
    )
    assert first.SeriesInstanceUID != second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.InstanceNumber == 3  # by its place in the MRI, also when it stands alone


def test_a_preamble_is_never_taken_over(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    source = stack.aligned.mri.sources[0]
    source.write_bytes(b"MZ\x90" + source.read_bytes()[3:])
    assert formats.write(stack, tmp_path / "out", formats=("dicom",))[0].read_bytes()[:132] == bytes(128) + b"DICM"


def test_all_sources_are_referenced(written):
    stack, _, paths = written
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        named = [(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID) for item in ds.SourceImageSequence]
        # The partner's planes are parallel, 3.2 mm apart: those beside the MRI's, measured along the normal
        mri, partner = stack.aligned.mri.geometry, stack.aligned.partner.geometry
        offset = partner.direction[:, 2] @ (mri.to_lps((0, 0, k)) - partner.origin_mm) / 3.2
        near = [n for n in (int(np.floor(offset)), int(np.ceil(offset))) if 0 <= n < 6]
        files = [stack.aligned.mri.sources[k], *(stack.aligned.partner.sources[n] for n in near)]
        headers = [pydicom.dcmread(file) for file in files]
        assert named == [(header.SOPClassUID, header.SOPInstanceUID) for header in headers]
        codes = {item.PurposeOfReferenceCodeSequence[0].CodeValue for item in ds.SourceImageSequence}
        assert codes == {"121322"}
        instances = [one for series in ds.ReferencedSeriesSequence for one in series.ReferencedInstanceSequence]
        assert sorted(one.ReferencedSOPInstanceUID for one in instances) == sorted(uid for _, uid in named)
        makers = [item.Manufacturer for item in ds.ContributingEquipmentSequence]
        assert makers == ["MR Works", f"{stack.aligned.partner.modality} Works", "Synoptic"]


def test_a_partner_of_another_study_is_referenced_there(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    other = generate_uid()
    partner = stack.aligned.partner
    paths = write_series(tmp_path / "other", "PT", partner.geometry, partner.stored, StudyInstanceUID=other)
    partner = replace(partner, sources=tuple(paths))
    stack = replace(stack, aligned=replace(stack.aligned, partner=partner))
    path = formats.write(stack, tmp_path / "out", formats=("dicom",))[0]
    (item,) = pydicom.dcmread(path).StudiesContainingOtherReferencedInstancesSequence
    assert item.StudyInstanceUID == other
    assert errors_of([path]) == []


def test_descriptions_say_what_it_is_and_what_it_is_not(written):
    stack, derived, paths = written
    ds = pydicom.dcmread(paths[0])
    assert ds.SeriesDescription == "FUSED lightfusionnet unverified NOT FOR DIAGNOSTIC USE"
    for word in ("lightfusionnet", "ab" * 32, "verdict unverified", "automatic rigid registration", "MR 0 to 800 a.u.",
                 f"{stack.aligned.partner.modality} 0 to 10", "neither HU nor SUV", "DIAGNOSTIC USE"):  # fmt: skip
        assert word in ds.DerivationDescription
    assert ("Hot Iron" in ds.DerivationDescription) == (stack.aligned.partner.modality == "PT" and not derived)
    assert [item.CodeMeaning for item in ds.DerivationCodeSequence] == ["Spatial resampling", "Image fusion"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_longest_network_leaves_room_for_verdict_and_notice(pet, tmp_path, verdict):
    long = replace(pet, request=replace(pet.request, network="a-network-with-a-very-long-name-indeed-" * 3))
    registration = replace(pet.aligned.registration, verdict=verdict)
    long = replace(long, aligned=replace(pet.aligned, registration=registration))
    ds = pydicom.dcmread(formats.write(long, tmp_path, formats=("dicom",), slices=(0,))[0])
    assert len(ds.SeriesDescription) <= 64
    assert ds.SeriesDescription.endswith(f" {verdict.value} NOT FOR DIAGNOSTIC USE")
    assert len(ds.DerivationDescription) <= 1024
    assert errors_of([tmp_path / "fused_0000.dcm"]) == []


def test_pixels_are_the_fused_slice_with_hatching_and_the_notice(written):
    stack, derived, paths = written
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        pixels = ds.pixel_array
        inside = stack.aligned.inside[k]
        top = slice(0, 50)  # the notice stays below
        if derived:
            expected = np.rint(stack.fused[k].astype(float) * 65535)
            assert ds.BitsStored == 16
        else:
            expected = colouring(stack).pixels(k)
            assert ds.PhotometricInterpretation == ("MONOCHROME2" if expected.ndim == 2 else "RGB")
        np.testing.assert_array_equal(pixels[top][inside[top]], expected[top][inside[top]])
        level = 96 * 257 if derived else 96
        assert set(np.unique(pixels[top][~inside[top]])) == {0, level}
        full = {2: 65535 if derived else 255, 3: [255, 190, 60]}[pixels.ndim]
        strokes = (pixels[55:] == full).reshape(25, 96, -1).all(-1)
        assert strokes.sum() > 60  # letters in full strength


def test_a_grey_palette_gives_a_grey_capture(pet, tmp_path):
    ds = pydicom.dcmread(formats.write(pet, tmp_path, formats=("dicom",), slices=(1,), palette="Grey")[0])
    assert ds.PhotometricInterpretation == "MONOCHROME2"
    assert "grey" in ds.DerivationDescription


def test_an_interpolated_slice_has_its_place_from_the_grid_and_names_both_neighbours(pet, tmp_path):
    marks = np.array([False, False, True, False, False])
    sources = tuple(None if k == 2 else path for k, path in enumerate(pet.aligned.mri.sources))
    mri = replace(pet.aligned.mri, sources=sources, interpolated=marks)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    path = formats.write(stack, tmp_path, formats=("dicom",), slices=(2,))[0]
    ds = pydicom.dcmread(path)
    np.testing.assert_allclose(ds.ImagePositionPatient, mri.geometry.to_lps((0, 0, 2)), atol=1e-4)
    neighbours = [pydicom.dcmread(sources[k]).SOPInstanceUID for k in (1, 3)]
    assert [item.ReferencedSOPInstanceUID for item in ds.SourceImageSequence][:2] == neighbours
    assert "interpolated" in ds.ImageComments
    assert errors_of([path]) == []


def test_a_multi_frame_mri_gives_slices_with_places_from_its_grid(pet, tmp_path):
    whole = pydicom.dcmread(pet.aligned.mri.sources[0])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        del whole[keyword]  # an enhanced object has them in its functional groups
    whole.save_as(tmp_path / "enhanced.dcm")
    mri = replace(pet.aligned.mri, sources=(tmp_path / "enhanced.dcm",) * 5)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    paths = formats.write(stack, tmp_path / "out", formats=("dicom",))
    assert errors_of(paths) == []
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        np.testing.assert_allclose(ds.ImagePositionPatient, mri.geometry.to_lps((0, 0, k)), atol=1e-4)
        assert ds.SourceImageSequence[0].ReferencedSOPClassUID == EnhancedMRImageStorage


def test_an_average_says_so_in_the_standard_s_code(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    stack = replace(stack, request=replace(stack.request, network="average"), weights_sha256="")
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",))[0])
    assert [item.CodeValue for item in ds.DerivationCodeSequence] == ["113085", "113049"]
    assert "no weights" in ds.DerivationDescription


def test_lossy_sources_make_a_lossy_picture(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **SOURCES["lossy"])
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",))[0])
    assert (ds.LossyImageCompression, ds.LossyImageCompressionRatio) == ("01", 9)


def test_a_partner_without_header_is_named_in_words_only(pet, tmp_path):
    (tmp_path / "pet.nii").write_bytes(bytes(400))
    partner = replace(pet.aligned.partner, sources=())
    partner = replace(partner, series=replace(partner.series, paths=(tmp_path / "pet.nii",)))
    stack = replace(pet, aligned=replace(pet.aligned, partner=partner))
    ds = pydicom.dcmread(formats.write(stack, tmp_path / "out", formats=("dicom",), slices=(0,))[0])
    assert len(ds.SourceImageSequence) == 1
    assert "MR and PT" in ds.DerivationDescription


def test_an_mri_without_header_is_refused(pet, tmp_path):
    (tmp_path / "mr.nii").write_bytes(bytes(400))
    series = replace(pet.aligned.mri.series, paths=(tmp_path / "mr.nii",))
    mri = replace(pet.aligned.mri, sources=(), series=series)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    with pytest.raises(NoDicomHeaderError, match="no DICOM header"):
        formats.write(stack, tmp_path / "out", formats=("dicom",))
    with pytest.raises(NoDicomHeaderError):
        formats.check(series, pet.aligned.partner.series, tmp_path / "out", formats.Options(formats=("dicom",)))
    assert not (tmp_path / "out").exists()


def test_plain_pictures_are_refused(tmp_path):
    stack = covered(Geometry((64, 48, 1), np.eye(4), in_mm=False), "")
    with pytest.raises((NoDicomHeaderError, PlainPictureError)):
        formats.write(stack, tmp_path / "out", formats=("dicom",))


@pytest.mark.parametrize("damage", ["gone", "cut", "replaced"])
def test_a_source_that_changed_since_is_told_and_nothing_is_left(tmp_path, damage):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 3)))
    source = stack.aligned.mri.sources[2]
    if damage == "gone":
        source.unlink()
    elif damage == "cut":
        source.write_bytes(source.read_bytes()[:300])
    else:
        source.write_text("no image any more")
    with pytest.raises((SourceGoneError, NoDicomHeaderError), match=source.name):
        formats.write(stack, tmp_path / "out", formats=("dicom",))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "changes",
    [{"without": ["ScanningSequence"]}, {"without": ["FrameOfReferenceUID"]}, {"SOPClassUID": EnhancedMRImageStorage}],
    ids=["no sequence", "no frame of reference", "enhanced"],
)
def test_a_derived_mr_is_refused_where_it_would_have_to_invent(tmp_path, changes):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **changes)
    with pytest.raises(NoDerivedMrError):
        formats.write(stack, tmp_path / "out", formats=("dicom",), derived_mr=True)
    assert not (tmp_path / "out").exists()
    assert formats.write(stack, tmp_path / "out", formats=("dicom",))  # Secondary Capture it can be


def test_a_derived_mr_is_refused_on_another_modality_s_grid(pet, tmp_path):
    series = replace(pet.aligned.mri.series, modality="CT")
    mri = replace(pet.aligned.mri, modality="CT", series=series)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    with pytest.raises(NoDerivedMrError, match="of a CT"):
        formats.write(stack, tmp_path / "out", formats=("dicom",), derived_mr=True)
