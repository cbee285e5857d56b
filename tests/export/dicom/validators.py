"""Sources of every sort, and the validators' word on what is written from them."""

from __future__ import annotations

import re
import subprocess

from pydicom import Dataset

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


def errors_of(paths) -> list[str]:
    """What dciodvfy finds wrong in each file, and dcentvfy in all of them together."""
    found = []
    for path in paths:
        told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False).stderr
        assert re.search(r"^(SCImage|MRImage)", told, re.MULTILINE), told  # it knew what it looked at
        found += [line for line in told.splitlines() if line.startswith("Error")]
    together = subprocess.run(["dcentvfy", *map(str, paths)], capture_output=True, text=True, check=False)
    return found + (together.stdout + together.stderr).splitlines()
