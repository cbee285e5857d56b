"""DICOM as validators, toolkits and viewers read it: validity, geometry, references, wording, pixels."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom.config import RAISE, settings
from pydicom.uid import EnhancedMRImageStorage, generate_uid

from app import export
from app.core.geometry import Geometry
from app.export.colour import colouring
from app.export.dicom.series_writer import PlainPictureError
from app.export.dicom.sources import NoDicomHeaderError
from app.registration.verdict import Verdict
from tests.export.dicom.validators import SOURCES, errors_of
from tests.export.studies import oblique, study
from tests.export.test_picture_writer import covered


def test_validators_find_no_error(written):
    stack, _, paths = written
    assert errors_of(paths) == []
    originals = [path for volume in (stack.aligned.mri, stack.aligned.partner) for path in volume.sources]
    told = subprocess.run(["dcentvfy", *map(str, [*paths, *originals])], capture_output=True, text=True, check=False)
    assert told.stdout + told.stderr == ""  # patient, study and frame of reference agree with the sources


@pytest.mark.parametrize("derived", [False, True], ids=["capture", "derived"])
@pytest.mark.parametrize("name", SOURCES)
def test_validators_find_no_error_whatever_the_source_states(tmp_path, name, derived):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 2)), **SOURCES[name])
    switches = ("derived-mr",) if derived else ()
    assert errors_of(export.write(stack, tmp_path / "out", formats=("dicom",), switches=switches)) == []


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


def test_each_export_is_a_series_of_its_own(pet, tmp_path):
    first, second = (
        pydicom.dcmread(export.write(pet, tmp_path / name, formats=("dicom",), slices=(2,))[0]) for name in "ab"
    )
    assert first.SeriesInstanceUID != second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.InstanceNumber == 3  # by its place in the MRI, also when it stands alone


def test_a_preamble_is_never_taken_over(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    source = stack.aligned.mri.sources[0]
    source.write_bytes(b"MZ\x90" + source.read_bytes()[3:])
    assert export.write(stack, tmp_path / "out", formats=("dicom",))[0].read_bytes()[:132] == bytes(128) + b"DICM"


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
    ds = pydicom.dcmread(export.write(long, tmp_path, formats=("dicom",), slices=(0,))[0])
    assert len(ds.SeriesDescription) <= 64
    assert ds.SeriesDescription.endswith(f" {verdict.value} NOT FOR DIAGNOSTIC USE")
    assert len(ds.DerivationDescription) <= 1024
    assert errors_of([tmp_path / "PAT-4711_fused_0001.dcm"]) == []


def test_pixels_are_the_fused_slice_with_hatching_and_the_notice(written):
    stack, derived, paths = written
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        pixels = ds.pixel_array
        inside = stack.aligned.inside[k]
        top = slice(0, 50)  # the notice stays below
        expected = colouring(stack).stored(k)
        if derived:
            assert ds.BitsStored == 16
            luma = np.rint(stack.fused[k].astype(float) * 65535)
            expected = np.where(inside, luma, expected.reshape(*inside.shape, -1)[..., 0] * 257.0)
        else:
            assert ds.PhotometricInterpretation == ("MONOCHROME2" if expected.ndim == 2 else "RGB")
        np.testing.assert_array_equal(pixels[top], expected[top])
        full = {2: 65535 if derived else 255, 3: [255, 196, 64]}[pixels.ndim]
        strokes = (pixels[55:] == full).reshape(25, 96, -1).all(-1)
        assert strokes.sum() > 60  # letters in full strength


def test_a_multi_frame_mri_gives_slices_with_places_from_its_grid(pet, tmp_path):
    whole = pydicom.dcmread(pet.aligned.mri.sources[0])
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        del whole[keyword]  # an enhanced object has them in its functional groups
    whole.save_as(tmp_path / "enhanced.dcm")
    mri = replace(pet.aligned.mri, sources=(tmp_path / "enhanced.dcm",) * 5)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    paths = export.write(stack, tmp_path / "out", formats=("dicom",))
    assert errors_of(paths) == []
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        np.testing.assert_allclose(ds.ImagePositionPatient, mri.geometry.to_lps((0, 0, k)), atol=1e-4)
        assert ds.SourceImageSequence[0].ReferencedSOPClassUID == EnhancedMRImageStorage


def test_an_average_says_so_in_the_standard_s_code(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    stack = replace(stack, request=replace(stack.request, network="average"), weights_sha256="")
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",))[0])
    assert [item.CodeValue for item in ds.DerivationCodeSequence] == ["113085", "113049"]
    assert "no weights" in ds.DerivationDescription


def test_plain_pictures_are_refused(tmp_path):
    stack = covered(Geometry((64, 48, 1), np.eye(4), in_mm=False), "")
    with pytest.raises((NoDicomHeaderError, PlainPictureError)):
        export.write(stack, tmp_path / "out", formats=("dicom",))


def test_one_frame_of_reference_holds_for_all_slices(tmp_path):
    """PS3.3 C.7.4.1.1.1, also where the source states another in each file."""
    stack = study(tmp_path / "source", grid=oblique((64, 64, 3)))
    for source in stack.aligned.mri.sources:
        header = pydicom.dcmread(source)
        header.FrameOfReferenceUID = generate_uid()
        header.save_as(source)
    paths = export.write(stack, tmp_path / "out", formats=("dicom",))
    first = pydicom.dcmread(stack.aligned.mri.sources[0]).FrameOfReferenceUID
    assert {pydicom.dcmread(path).FrameOfReferenceUID for path in paths} == {first}
