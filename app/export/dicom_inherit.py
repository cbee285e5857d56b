"""What a fused DICOM object takes over from its sources, and what it says about where it comes from.

Copied, never invented: an element that the MRI lacks is left out, or empty where the standard demands its presence.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from itertools import groupby

from pydicom import DataElement, Dataset
from pydicom.config import RAISE
from pydicom.datadict import tag_for_keyword
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import format_number_as_ds, validate_value

from app import __version__
from app.export.dicom_sources import Reference, Sources

_PATIENT = [
    "PatientName", "PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "TypeOfPatientID",
    "PatientBirthDate", "PatientBirthTime", "PatientSex", "OtherPatientIDs", "OtherPatientIDsSequence",
    "OtherPatientNames", "EthnicGroup", "PatientComments", "PatientSpeciesDescription", "PatientSpeciesCodeSequence",
    "PatientBreedDescription", "PatientBreedCodeSequence", "BreedRegistrationSequence", "ResponsiblePerson",
    "ResponsiblePersonRole", "ResponsibleOrganization", "QualityControlSubject",
]  # fmt: skip
_STUDY = [
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber",
    "IssuerOfAccessionNumberSequence", "StudyDescription", "ProcedureCodeSequence", "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy", "AdmittingDiagnosesDescription", "PatientAge",
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
# Of the terms in PS3.16 Annex L, those for which dciodvfy wants no Laterality; for all others it wants one (type 2C)
_UNPAIRED = frozenset([
    "ABDOMEN", "ABDOMENPELVIS", "AORTA", "BACK", "BLADDER", "BRAIN", "CEREBELLUM", "CERVIX", "CHEST", "CHESTABDOMEN",
    "CHESTABDPELVIS", "CIRCLEOFWILLIS", "COCCYX", "COLON", "CORONARYARTERY", "CSPINE", "CTSPINE", "DUODENUM",
    "ESOPHAGUS", "FACE", "GALLBLADDER", "HEAD", "HEADNECK", "HEART", "ILEUM", "ILIUM", "JAW", "JEJUNUM", "LARYNX",
    "LIVER", "LSPINE", "LSSPINE", "MAXILLA", "MEDIASTINUM", "MOUTH", "NECK", "NECKCHEST", "NECKCHESTABDOMEN",
    "NECKCHESTABDPELV", "NOSE", "PANCREAS", "PELVIS", "PENIS", "PHARYNX", "PROSTATE", "RECTUM", "SCALP", "SKULL",
    "SPINE", "SPLEEN", "SSPINE", "STERNUM", "STOMACH", "THYMUS", "THYROID", "TLSPINE", "TONGUE", "TRACHEA", "TSPINE",
    "URETER", "URETHRA", "UTERUS", "VAGINA", "VULVA", "WHOLEBODY",
])  # fmt: skip
_IDENTITY = {"PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID"}
_TEXTUAL = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI", "UR"}
_CLINICAL_TRIAL_GROUP = 0x0012  # also tells how the patient's identity was removed


def copy_elements(source: Dataset, target: Dataset, keywords: Sequence[str]) -> None:
    """Copy what is there, value for value, as far as the standard allows it.

    Headers hold values that their type forbids, such as a StudyID of 20 characters. Numbers and codes are then written
    properly; who the patient is and which study it is stays as it is; anything else is left out rather than cut, since
    a cut identifier is another one.
    """
    for keyword in keywords:
        tag = tag_for_keyword(keyword)
        assert tag is not None, keyword  # the lists of this package name standard elements only
        if tag in source:
            _copy(source[tag], target)


def _copy(element: DataElement, target: Dataset) -> None:
    if lawful(element) or element.keyword in _IDENTITY:
        target[element.tag] = copy.deepcopy(element)
        return
    values = element.value if element.VM > 1 else [element.value]
    if element.VR == "DS" and all(_is_number(value) for value in values):
        target.add_new(element.tag, "DS", [format_number_as_ds(float(value)) for value in values])
    elif element.VR == "CS" and all(_lawful("CS", str(value).strip().upper()) for value in values):
        target.add_new(element.tag, "CS", [str(value).strip().upper() for value in values])


def lawful(element: DataElement) -> bool:
    """Whether every value fits its type: length, characters, form; in sequences all the way down."""
    if element.VR == "SQ":
        return all(lawful(inner) for item in element.value for inner in item)
    if element.is_empty:
        return True
    return all(_lawful(element.VR, str(value)) for value in (element.value if element.VM > 1 else [element.value]))


def _lawful(representation: str, value: str) -> bool:
    if representation not in _TEXTUAL:
        return True
    try:
        validate_value(representation, value, RAISE)
    except ValueError:
        return False
    return True


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(str(value)))
    except ValueError:
        return False


def inherit(source: Dataset, target: Dataset) -> None:
    """Character set, patient, study, body part, side, position and frame of reference of the MRI."""
    copy_elements(source, target, ["SpecificCharacterSet", *_PATIENT, *_STUDY, *_SERIES])
    copy_elements(source, target, ["FrameOfReferenceUID", "PositionReferenceIndicator"])
    for element in source.group_dataset(_CLINICAL_TRIAL_GROUP):
        _copy(element, target)
    for keyword in _TYPE_2:
        if keyword not in target:
            setattr(target, keyword, None)
    if "FrameOfReferenceUID" in target and "PositionReferenceIndicator" not in target:
        target.PositionReferenceIndicator = None
    _settle_laterality(target)


def _settle_laterality(target: Dataset) -> None:
    """A side that is stated stays; else it is empty, "unknown", for what may have sides, absent for what has none."""
    if target.get("Laterality"):
        return
    if target.get("ImageLaterality") or target.get("BodyPartExamined") in _UNPAIRED:
        target.pop("Laterality", None)
    else:
        target.Laterality = None


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
