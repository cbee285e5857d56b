"""What a fused DICOM object takes over from its sources, and what it says about where it comes from.

Copied, never invented: an element that the MRI lacks is left out, or empty where the standard demands its presence.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import groupby

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.sequence import Sequence as DicomSequence

from app import __version__
from app.export.dicom_sources import Reference, Sources

_PATIENT = [
    "PatientName", "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID",
    "PatientBirthDate", "PatientBirthTime", "PatientSex", "OtherPatientIDs", "OtherPatientIDsSequence",
    "OtherPatientNames", "EthnicGroup", "PatientComments", "PatientSpeciesDescription", "PatientSpeciesCodeSequence",
    "PatientBreedDescription", "PatientBreedCodeSequence", "BreedRegistrationSequence", "ResponsiblePerson",
    "ResponsiblePersonRole", "ResponsibleOrganization", "QualityControlSubject", "ReferencedPatientSequence",
]  # fmt: skip
_STUDY = [
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "IssuerOfAccessionNumberSequence", "StudyDescription", "ProcedureCodeSequence", "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy", "ReferencedStudySequence", "AdmittingDiagnosesDescription", "PatientAge",
    "PatientSize", "PatientWeight", "Occupation", "AdditionalPatientHistory", "PatientSexNeutered", "PregnancyStatus",
    "MedicalAlerts", "Allergies", "SmokingStatus", "LastMenstrualDate", "AdmissionID",
]  # fmt: skip
_TYPE_2 = [
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber",
]  # fmt: skip
_SERIES = [
    "BodyPartExamined", "AnatomicRegionSequence", "Laterality", "ImageLaterality", "AnatomicalOrientationType",
    "PatientPosition",
]  # fmt: skip
_EQUIPMENT = [
    "Manufacturer", "ManufacturerModelName", "InstitutionName", "StationName", "DeviceSerialNumber", "SoftwareVersions",
]  # fmt: skip
_CLINICAL_TRIAL_GROUP = 0x0012  # also tells how the patient's identity was removed


def copy_elements(source: Dataset, target: Dataset, keywords: Sequence[str]) -> None:
    """Copy what is there, value for value."""
    for keyword in keywords:
        tag = tag_for_keyword(keyword)
        assert tag is not None, keyword  # the lists of this package name standard elements only
        if tag in source:
            target[tag] = copy.deepcopy(source[tag])


def inherit(source: Dataset, target: Dataset) -> None:
    """Character set, patient, study, body part, side, position and frame of reference of the MRI."""
    copy_elements(source, target, ["SpecificCharacterSet", *_PATIENT, *_STUDY, *_SERIES])
    copy_elements(source, target, ["FrameOfReferenceUID", "PositionReferenceIndicator"])
    for element in source.group_dataset(_CLINICAL_TRIAL_GROUP):
        target[element.tag] = copy.deepcopy(element)
    for keyword in _TYPE_2:
        if keyword not in target:
            setattr(target, keyword, None)
    if "FrameOfReferenceUID" in target and "PositionReferenceIndicator" not in target:
        target.PositionReferenceIndicator = None
    if "ImageLaterality" not in target and "Laterality" not in target and not target.get("BodyPartExamined"):
        target.Laterality = None  # unknown, said as such: its absence would claim a part that has no sides


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
