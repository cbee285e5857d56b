"""Where a fused object says it comes from: images, series, studies, equipment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import EnhancedMRImageStorage, EnhancedPETImageStorage, generate_uid

from app import __version__, export
from app.export.dicom.references import _by_series, _equipment, code
from app.export.dicom.sources import Reference
from tests.export.dicom.validators import SOURCES, errors_of
from tests.export.studies import oblique, study, write_series


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
    path = export.write(stack, tmp_path / "out", formats=("dicom",))[0]
    (item,) = pydicom.dcmread(path).StudiesContainingOtherReferencedInstancesSequence
    assert item.StudyInstanceUID == other
    assert errors_of([path]) == []


def test_frames_of_multi_frame_sources_are_named(tmp_path):
    """Image SOP Instance Reference macro, PS3.3 10.3: ReferencedFrameNumber, where not all frames are meant."""
    stack = study(tmp_path / "source", grid=oblique((64, 64, 5)))
    mri, partner = stack.aligned.mri, stack.aligned.partner
    for path, sop_class in ((mri.sources[0], EnhancedMRImageStorage), (partner.sources[0], EnhancedPETImageStorage)):
        header = pydicom.dcmread(path)
        header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = sop_class
        header.save_as(path)
    marks = np.array([False, False, True, False, False])
    files = tuple(None if k == 2 else mri.sources[0] for k in range(5))
    mri = replace(mri, sources=files, source_frames=(5, 4, None, 2, 1), interpolated=marks)
    partner = replace(partner, sources=(partner.sources[0],) * 6, source_frames=tuple(range(1, 7)))
    stack = replace(stack, aligned=replace(stack.aligned, mri=mri, partner=partner))
    paths = export.write(stack, tmp_path / "out", formats=("dicom",))
    named = [[item.ReferencedFrameNumber for item in pydicom.dcmread(path).SourceImageSequence] for path in paths]
    assert [frames[0] for frames in named] == [5, 4, [2, 4], 2, 1]
    for frames in named:  # the partner's planes beside the MRI's
        assert len(frames) == 2
        near = list(frames[1]) if isinstance(frames[1], MultiValue) else [frames[1]]
        assert near == sorted(near)
        assert len(near) <= 2
    assert errors_of(paths) == []


def test_a_source_of_one_picture_is_named_without_frames(written):
    for path in written[2]:
        assert not any("ReferencedFrameNumber" in item for item in pydicom.dcmread(path).SourceImageSequence)


def test_lossy_sources_make_a_lossy_picture(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)), **SOURCES["lossy"])
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",))[0])
    assert (ds.LossyImageCompression, ds.LossyImageCompressionRatio) == ("01", 9)


def test_a_partner_without_header_is_named_in_words_only(pet, tmp_path):
    (tmp_path / "pet.nii").write_bytes(bytes(400))
    partner = replace(pet.aligned.partner, sources=())
    partner = replace(partner, series=replace(partner.series, paths=(tmp_path / "pet.nii",)))
    stack = replace(pet, aligned=replace(pet.aligned, partner=partner))
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",), slices=(0,))[0])
    assert len(ds.SourceImageSequence) == 1
    assert "MR and PT" in ds.DerivationDescription


def test_references_are_grouped_by_series():
    references = [Reference("1.2", f"9.{n}", series, "7") for n, series in enumerate(("5.1", "5.2", "5.1"))]
    groups = {
        item.SeriesInstanceUID: [instance.ReferencedSOPInstanceUID for instance in item.ReferencedInstanceSequence]
        for item in _by_series(references)
    }
    assert groups == {"5.1": ["9.0", "9.2"], "5.2": ["9.1"]}


def test_each_scanner_stands_once_and_the_program_last():
    scanner, nameless = Dataset(), Dataset()
    scanner.Manufacturer, scanner.StationName, nameless.StationName = "MR Works", "MR1", "CT1"
    items = _equipment([scanner, scanner, nameless])
    assert [item.Manufacturer for item in items] == ["MR Works", "Synoptic"]
    assert items[0].StationName == "MR1"
    assert items[-1].SoftwareVersions == __version__
    assert [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in items] == ["109101", "109102"]


def test_a_code_has_its_value_scheme_and_meaning():
    item = code("121322", "DCM", "Source image for image processing operation")
    assert (item.CodeValue, item.CodingSchemeDesignator) == ("121322", "DCM")
