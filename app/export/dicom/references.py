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
    target.SourceImageSequence = DicomSequence([_source_item(reference) for reference in references])
    same = [reference for reference in references if reference.study == target.StudyInstanceUID]
    foreign = sorted(
        (reference for reference in references if reference.study != target.StudyInstanceUID),
        key=lambda reference: reference.study,
    )
    target.ReferencedSeriesSequence = _by_series(same)
    if foreign:
        studies = []
        for study, members in groupby(foreign, key=lambda reference: reference.study):
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
    for series, members in groupby(
        sorted(references, key=lambda reference: reference.series), key=lambda reference: reference.series
    ):
        item = Dataset()
        item.SeriesInstanceUID = series
        instances = []
        for reference in members:
            instance = Dataset()
            instance.ReferencedSOPClassUID = reference.sop_class
            instance.ReferencedSOPInstanceUID = reference.sop_instance
            instances.append(instance)
        item.ReferencedInstanceSequence = DicomSequence(instances)
        items.append(item)
    return DicomSequence(items)


def _equipment(headers: Sequence[Dataset]) -> DicomSequence:
    """Each scanner once, then this program."""
    items: list[Dataset] = []
    identities: set[tuple[str, ...]] = set()
    for header in headers:
        identity = tuple(str(header.get(word, "")) for word in _EQUIPMENT)
        if not identity[0] or identity in identities:  # without a manufacturer an item may not be written
            continue
        identities.add(identity)
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
