"""Copying elements from one DICOM header to another, as far as the standard allows their values."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

from pydicom import DataElement, Dataset
from pydicom.config import RAISE
from pydicom.datadict import tag_for_keyword
from pydicom.valuerep import format_number_as_ds, validate_value

_IDENTITY = {"PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID"}
_TEXTUAL = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UI", "UR"}


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
            copy_element(source[tag], target)


def copy_element(element: DataElement, target: Dataset) -> None:
    """Copy one element; see `copy_elements`."""
    if lawful(element) or element.keyword in _IDENTITY:
        target[element.tag] = copy.deepcopy(element)
        return
    values = element.value if element.VM > 1 else [element.value]
    if element.VR == "DS" and all(_is_number(value) for value in values):
        target.add_new(element.tag, "DS", [format_number_as_ds(float(value)) for value in values])
    elif element.VR == "CS" and all(_lawful("CS", str(value).strip().upper()) for value in values):
        target.add_new(element.tag, "CS", [str(value).strip().upper() for value in values])


def lawful(element: DataElement) -> bool:
    """Whether every value fits its type: length, characters, form; in sequences all the way down, codes complete."""
    if element.VR == "SQ":
        if element.keyword.endswith("CodeSequence") and not all(_is_code(item) for item in element.value):
            return False
        return all(lawful(inner) for item in element.value for inner in item)
    if element.is_empty:
        return True
    return all(_lawful(element.VR, str(value)) for value in (element.value if element.VM > 1 else [element.value]))


def _is_code(item: Dataset) -> bool:
    value = (item.get("CodeValue") and item.get("CodingSchemeDesignator")) or item.get("LongCodeValue")
    return bool(item.get("CodeMeaning") and (value or item.get("URNCodeValue")))


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
