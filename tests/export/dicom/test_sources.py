"""The files behind a fused slice: which they are, and what is said where they are gone or unfit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import EnhancedMRImageStorage

from app import export
from app.export.dicom.sources import NoDerivedMrError, NoDicomHeaderError, SourceGoneError, _images_near, read_header
from tests.export.dicom.validators import errors_of
from tests.export.studies import oblique, study


def test_an_element_that_cannot_be_decoded_counts_as_absent(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    source = stack.aligned.mri.sources[0]
    content = source.read_bytes()
    assert content.count(b"DS\x04\x008.1 ") == 1  # RepetitionTime
    source.write_bytes(content.replace(b"DS\x04\x008.1 ", b"DS\x04\x00fast"))
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",), switches=("derived-mr",))[0])
    assert ds.RepetitionTime is None


def test_an_interpolated_slice_has_its_place_from_the_grid_and_names_both_neighbours(pet, tmp_path):
    marks = np.array([False, False, True, False, False])
    sources = tuple(None if k == 2 else path for k, path in enumerate(pet.aligned.mri.sources))
    mri = replace(pet.aligned.mri, sources=sources, interpolated=marks)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    path = export.write(stack, tmp_path, formats=("dicom",), slices=(2,))[0]
    ds = pydicom.dcmread(path)
    np.testing.assert_allclose(ds.ImagePositionPatient, mri.geometry.to_lps((0, 0, 2)), atol=1e-4)
    neighbours = [pydicom.dcmread(sources[k]).SOPInstanceUID for k in (1, 3)]
    assert [item.ReferencedSOPInstanceUID for item in ds.SourceImageSequence][:2] == neighbours
    assert "interpolated" in ds.ImageComments
    assert errors_of([path]) == []


def test_an_mri_without_header_is_refused(pet, tmp_path):
    (tmp_path / "mr.nii").write_bytes(bytes(400))
    series = replace(pet.aligned.mri.series, paths=(tmp_path / "mr.nii",))
    mri = replace(pet.aligned.mri, sources=(), series=series)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    with pytest.raises(NoDicomHeaderError, match="no DICOM header"):
        export.write(stack, tmp_path / "out", formats=("dicom",))
    with pytest.raises(NoDicomHeaderError):
        export.check(series, pet.aligned.partner.series, tmp_path / "out", export.Options(formats=("dicom",)))
    assert not (tmp_path / "out").exists()


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
        export.write(stack, tmp_path / "out", formats=("dicom",))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "changes",
    [{"without": ["ScanningSequence"]}, {"without": ["FrameOfReferenceUID"]}, {"SOPClassUID": EnhancedMRImageStorage}],
    ids=["no sequence", "no frame of reference", "enhanced"],
)
def test_a_derived_mr_is_refused_where_it_would_have_to_invent(tmp_path, changes):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **changes)
    with pytest.raises(NoDerivedMrError):
        export.write(stack, tmp_path / "out", formats=("dicom",), switches=("derived-mr",))
    assert not (tmp_path / "out").exists()
    assert export.write(stack, tmp_path / "out", formats=("dicom",))  # Secondary Capture it can be


def test_a_derived_mr_is_refused_on_another_modality_s_grid(pet, tmp_path):
    series = replace(pet.aligned.mri.series, modality="CT")
    mri = replace(pet.aligned.mri, modality="CT", series=series)
    stack = replace(pet, aligned=replace(pet.aligned, mri=mri))
    with pytest.raises(NoDerivedMrError, match="of a CT"):
        export.write(stack, tmp_path / "out", formats=("dicom",), switches=("derived-mr",))


def test_the_files_of_a_slice_are_its_own_or_those_of_its_acquired_neighbours(pet):
    a, b = Path("a"), Path("b")
    mri = replace(pet.aligned.mri, sources=(a, None, None, b, None))
    assert [list(_images_near(mri, [k])) for k in range(5)] == [[a], [a, b], [a, b], [b], [b]]
    assert _images_near(replace(mri, sources=()), [2]) == dict.fromkeys(mri.series.paths, ())


def test_the_frames_of_a_slice_are_named_where_its_file_holds_several(pet):
    a, b = Path("a"), Path("b")
    mri = replace(pet.aligned.mri, sources=(a, None, a, b, a), source_frames=(7, None, 3, None, 12))
    assert [_images_near(mri, [k]) for k in range(5)] == [{a: (7,)}, {a: (3, 7)}, {a: (3,)}, {b: ()}, {a: (12,)}]
    assert _images_near(mri, [0, 2, 3, 4]) == {a: (3, 7, 12), b: ()}


def test_a_header_can_be_read_for_a_few_elements_and_must_say_what_it_is(pet, tmp_path):
    source = pet.aligned.mri.sources[0]
    header = read_header(source, ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"])
    assert "PatientName" not in header
    nameless = pydicom.dcmread(source)
    del nameless.StudyInstanceUID
    nameless.save_as(tmp_path / "nameless.dcm")
    with pytest.raises(NoDicomHeaderError, match="without StudyInstanceUID"):
        read_header(tmp_path / "nameless.dcm")
