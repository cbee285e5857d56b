"""DICOM's modality codes and what people and other formats call them."""

from __future__ import annotations

MODALITIES = {
    "CT": "CT",
    "MR": "MR", "MRI": "MR",
    "PT": "PT", "PET": "PT",
    "NM": "NM", "SPECT": "NM",
}  # fmt: skip
PICTURED = {"XC": "visible", "TG": "infrared"}  # external-camera photography, thermography: not of medicine alone
