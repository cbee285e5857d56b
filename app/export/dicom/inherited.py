"""What a fused DICOM object takes over from the MRI: patient, study, body part, side, frame of reference.

Copied, never invented: an element that the MRI lacks is left out, or empty where the standard demands its presence.
"""

from __future__ import annotations

from pydicom import Dataset

from app.export.dicom.attribute_copy import copy_element, copy_elements

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
_CLINICAL_TRIAL_GROUP = 0x0012
_DEIDENTIFICATION = ("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence")
_ANIMAL = (
    "PatientSexNeutered", "PatientBreedDescription", "PatientBreedCodeSequence", "BreedRegistrationSequence",
    "ResponsiblePerson", "ResponsibleOrganization",
)  # fmt: skip


def inherit(source: Dataset, target: Dataset) -> None:
    """Character set, patient, study, body part, side, position and frame of reference of the MRI."""
    copy_elements(source, target, ["SpecificCharacterSet", *_PATIENT, *_STUDY, *_SERIES])
    copy_elements(source, target, ["FrameOfReferenceUID", "PositionReferenceIndicator"])
    _inherit_trial(source, target)
    if target.get("PatientSex") not in ("M", "F", "O"):
        target.PatientSex = None
    if "PatientSpeciesDescription" in target or "PatientSpeciesCodeSequence" in target:  # an animal: then type 2C
        for keyword in _ANIMAL:
            if keyword not in target:
                setattr(target, keyword, None)
    for keyword in _TYPE_2:
        if keyword not in target:
            setattr(target, keyword, None)
    if "FrameOfReferenceUID" in target and "PositionReferenceIndicator" not in target:
        target.PositionReferenceIndicator = None
    _settle_laterality(target)


def _inherit_trial(source: Dataset, target: Dataset) -> None:
    """The clinical trial, where it is described completely, and in any case how the identity was removed."""
    complete = all(source.get(word) for word in ("ClinicalTrialSponsorName", "ClinicalTrialProtocolID")) and any(
        source.get(word) for word in ("ClinicalTrialSubjectID", "ClinicalTrialSubjectReadingID")
    )
    for element in source.group_dataset(_CLINICAL_TRIAL_GROUP):
        if complete or element.keyword in _DEIDENTIFICATION:
            copy_element(element, target)
    removed = target.get("PatientIdentityRemoved") == "YES"
    if removed and not any(target.get(word) for word in _DEIDENTIFICATION[1:]):
        target.DeidentificationMethod = "not stated by the source"


def _settle_laterality(target: Dataset) -> None:
    """A side that is stated stays; else it is empty, "unknown", for what may have sides, absent for what has none."""
    if target.get("Laterality"):
        return
    if target.get("ImageLaterality") or target.get("BodyPartExamined") in _UNPAIRED:
        target.pop("Laterality", None)
    else:
        target.Laterality = None
