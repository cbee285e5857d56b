"""What a fused DICOM object says about where it comes from: source images, their series, the equipment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pydicom import Dataset
from pydicom.sequence import Sequence as DicomSequence

from app import __version__
from app.export.dicom.attribute_copy import copy_elements
from app.export.dicom.sources import Reference, Sources

_EQUIPMENT = [
    "Manufacturer", "ManufacturerModelName", "InstitutionName", "StationName", "DeviceSerialNumber", "SoftwareVersions",
]  # fmt: skip


def refer(sources: Sources, k: int, target: Dataset) -> None:
    """All source images of slice k, what they were used for, and the equipment they come from."""
    references = [*sources.mri_references(k), *sources.partner_references(k)]
    target.SourceImageSequence = DicomSequence([_source_item(one) for one in references])
    same = [one for one in references if one.study == target.StudyInstanceUID]
    others = sorted((one for one in references if one.study != target.StudyInstanceUID), key=lambda one: one.study)
    target.ReferencedSeriesSequence = _by_series(same)
    if others:
        studies = []
        for study, members in groupby(others, key=lambda one: one.study):
            item = Dataset()
            item.StudyInstanceUID = study
            item.ReferencedSeriesSequence = _by_series(list(members))
            studies.append(item)
        target.StudiesContainingOtherReferencedInstancesSequence = DicomSequence(studies)
    headers = [sources.header(k), *sources.partner_headers(k)]
    target.ContributingEquipmentSequence = _equipment(headers)
    lossy = [header for header in headers if header.get("LossyImageCompression") == "01"]
    target.LossyImageCompression = "01" if lossy else "00"  # once lossy, always lossy (C.7.6.1.1.5)
    if lossy:
        copy_elements(lossy[0], target, ["LossyImageCompressionRatio", "LossyImageCompressionMethod"])


def code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = scheme
    item.CodeMeaning = meaning
    return item


def _source_item(reference: Reference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = reference.sop_class
    item.ReferencedSOPInstanceUID = reference.sop_instance
    if reference.frames:  # type 1C of the Image SOP Instance Reference macro (PS3.3 10.3): not all of its frames
        item.ReferencedFrameNumber = list(reference.frames)
    item.PurposeOfReferenceCodeSequence = DicomSequence(
        [code("121322", "DCM", "Source image for image processing operation")]
    )
    return item


def _by_series(references: Sequence[Reference]) -> DicomSequence:
    items = []
    for series, members in groupby(sorted(references, key=lambda one: one.series), key=lambda one: one.series):
        item = Dataset()
        item.SeriesInstanceUID = series
        instances = []
        for one in members:
            instance = Dataset()
            instance.ReferencedSOPClassUID = one.sop_class
            instance.ReferencedSOPInstanceUID = one.sop_instance
            instances.append(instance)
        item.ReferencedInstanceSequence = DicomSequence(instances)
        items.append(item)
    return DicomSequence(items)


def _equipment(headers: Sequence[Dataset]) -> DicomSequence:
    """Each scanner once, then this program."""
    items: list[Dataset] = []
    seen: set[tuple[str, ...]] = set()
    for header in headers:
        identity = tuple(str(header.get(word, "")) for word in _EQUIPMENT)
        if not identity[0] or identity in seen:  # without a manufacturer an item may not be written
            continue
        seen.add(identity)
        item = Dataset()
        item.PurposeOfReferenceCodeSequence = DicomSequence([code("109101", "DCM", "Acquisition Equipment")])
        copy_elements(header, item, _EQUIPMENT)
        items.append(item)
    own = Dataset()
    own.PurposeOfReferenceCodeSequence = DicomSequence([code("109102", "DCM", "Processing Equipment")])
    own.Manufacturer = "Synoptic"
    own.ManufacturerModelName = "Synoptic"
    own.SoftwareVersions = __version__
    own.ContributionDescription = "Registration and fusion"
    items.append(own)
    return DicomSequence(items)
