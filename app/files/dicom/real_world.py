"""Real World Value Mapping: what stored values mean, in a stated unit (PS3.3 C.7.6.16.2.11).

A mapping may stand in any image by itself, in the functional groups of an enhanced one, or in an object of its own that
names the images it is for (C.7.6.16.2.11.2). It goes before the rescale, which gives no unit but HU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from app.files.dicom.header import as_numbers, clean, item, number, text, value_of

STORAGE = "1.2.840.10008.5.1.4.1.1.67"
UNITS = {  # UCUM codes as files write them, in lower case: the unit as shown, and how many of it one of theirs is
    "bq/ml": ("Bq/mL", 1.0), "kbq/ml": ("Bq/mL", 1e3), "mbq/ml": ("Bq/mL", 1e6), "bq/cm3": ("Bq/mL", 1.0),
    "{suvbw}g/ml": ("SUVbw", 1.0), "g/ml{suvbw}": ("SUVbw", 1.0), "{suvlbm}g/ml": ("SUVlbm", 1.0),
    "g/ml{suvlbm}": ("SUVlbm", 1.0), "{suvlbm(janma)}g/ml": ("SUVlbm", 1.0), "{suvlbm(james128)}g/ml": ("SUVlbm", 1.0),
    "{counts}": ("counts", 1.0), "{count}": ("counts", 1.0), "counts": ("counts", 1.0),
    "[hnsf'u]": ("HU", 1.0), "hnsf'u": ("HU", 1.0), "hu": ("HU", 1.0), "%": ("%", 1.0),
    "1": ("a.u.", 1.0), "{no units}": ("a.u.", 1.0), "no units": ("a.u.", 1.0), "[arb'u]": ("a.u.", 1.0),
    "mm2/s": ("mm²/s", 1.0), "um2/s": ("µm²/s", 1.0), "10-3.mm2/s": ("10⁻³ mm²/s", 1.0),
    "10-6.mm2/s": ("10⁻⁶ mm²/s", 1.0), "mg/cm3": ("mg/cm³", 1.0), "g/cm3": ("g/cm³", 1.0), "/min": ("1/min", 1.0),
}  # fmt: skip
_LONGEST_UNIT = 24  # characters of a code that is shown as it is
_LARGEST_SCALE = 1e12


@dataclass(frozen=True)
class RealWorldMapping:
    """value = stored x slope + intercept, or through the table (first stored value, outputs); in `unit`.

    code : of the unit, as stated
    """

    slope: float
    intercept: float
    table: tuple[int, NDArray[np.float64]] | None
    unit: str
    code: str


def mapping_of(sequence: Any, modality: str) -> RealWorldMapping | None:
    """The first usable item of a RealWorldValueMappingSequence; for PET the one in Bq/mL, where it is among them."""
    items = [] if isinstance(sequence, bytes | str) or not sequence else list(sequence)
    mappings = [mapping for mapping in map(_mapping, items) if mapping is not None]
    activity = [mapping for mapping in mappings if mapping.unit == "Bq/mL"]
    return next(iter((activity if modality == "PT" else []) + mappings), None)


def mappings_for_images(data: Dataset, modality_of: Mapping[str, str]) -> dict[str, RealWorldMapping]:
    """What a Real World Value Mapping object says of images, by their SOPInstanceUID.

    modality_of : of each image that is there
    """
    mappings: dict[str, RealWorldMapping] = {}
    for entry in value_of(data, "ReferencedImageRealWorldValueMappingSequence") or ():
        for image in value_of(entry, "ReferencedImageSequence") or ():
            uid = text(image, "ReferencedSOPInstanceUID")
            mapping = mapping_of(value_of(entry, "RealWorldValueMappingSequence"), modality_of.get(uid, ""))
            if uid in modality_of and mapping is not None:
                mappings.setdefault(uid, mapping)
    return mappings


def _mapping(entry: Dataset) -> RealWorldMapping | None:
    real = item(entry, "MeasurementUnitsCodeSequence")
    code = "" if real is None else text(real, "CodeValue") or text(real, "LongCodeValue")
    unit, scale = UNITS.get(code.lower(), (code or ("" if real is None else text(real, "CodeMeaning")), 1.0))
    unit = clean(unit, _LONGEST_UNIT)
    if not unit:  # without its unit (type 1) a mapping says nothing that the stored values do not
        return None
    slope, intercept = number(entry, "RealWorldValueSlope"), number(entry, "RealWorldValueIntercept")
    outputs = np.asarray(as_numbers(value_of(entry, "RealWorldValueLUTData")), dtype=np.float64)
    if outputs.size:
        first = number(entry, "RealWorldValueFirstValueMapped")
        return None if first is None else RealWorldMapping(1.0, 0.0, (int(first), outputs * scale), unit, code)
    if not slope or max(abs(slope), abs(intercept or 0.0)) > _LARGEST_SCALE:
        return None
    return RealWorldMapping(slope * scale, (intercept or 0.0) * scale, None, unit, code)
