"""What can tell two pictures of one place apart: echo, b-value, complex part, phase of the heart, time ...

TRAITS are read with every header, under one name wherever they stand: in the file itself, in a functional group of an
enhanced file (PS3.3 C.7.6.16), or in a maker's private elements. `whole_headers` looks at everything else that a file
says, and is asked only where pictures are left that no trait tells apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_description, dictionary_has_tag

from app.core.limits import BoundedFile
from app.files.dicom.header import MALFORMED, as_numbers, clean, hush, item, number, private, text, texts, value_of

Traits = dict[str, str]

TRAITS = {  # the most telling first: keyword: name, unit
    "ImageType": ("image type", ""),
    "ComplexImageComponent": ("complex part", ""),
    "EchoNumbers": ("echo number", ""),
    "EchoTime": ("echo time", "ms"),
    "DiffusionBValue": ("b-value", "s/mm²"),
    "DiffusionGradientOrientation": ("diffusion direction", ""),
    "ASLContext": ("spin labelling", ""),
    "VelocityEncodingDirection": ("velocity direction", ""),
    "TemporalPositionIdentifier": ("temporal position", ""),
    "TemporalPositionIndex": ("temporal position", ""),
    "TimeSliceVector": ("time slice", ""),
    "NominalPercentageOfCardiacPhase": ("cardiac phase", "%"),
    "TriggerTime": ("trigger time", "ms"),
    "NominalPercentageOfRespiratoryPhase": ("respiratory phase", "%"),
    "InversionTime": ("inversion time", "ms"),
    "RepetitionTime": ("repetition time", "ms"),
    "FlipAngle": ("flip angle", "°"),
    "StackID": ("stack", ""),
    "EnergyWindowVector": ("energy window", ""),
    "DetectorVector": ("detector", ""),
    "PhaseVector": ("phase", ""),
    "RRIntervalVector": ("R-R interval", ""),
    "TimeSlotVector": ("time slot", ""),
    "RotationVector": ("rotation", ""),
    "ConvolutionKernel": ("reconstruction kernel", ""),
    "KVP": ("tube voltage", "kV"),
    "SequenceName": ("sequence", ""),
    "AcquisitionNumber": ("acquisition number", ""),
    "FrameReferenceTime": ("frame reference time", "ms"),
    "AcquisitionTime": ("acquisition time", ""),
    "ContentTime": ("time", ""),
}
CLOCKS = ("FrameReferenceTime", "AcquisitionTime", "ContentTime", "AcquisitionNumber")  # also differ within a volume
NM_VECTORS = tuple(key for key in TRAITS if key.endswith("Vector"))  # C.8.4.8: one number for each frame
_MACROS = {  # functional group: what stands in it, and the trait that it is
    "MRImageFrameTypeSequence": {"ComplexImageComponent": "ComplexImageComponent"},
    "MREchoSequence": {"EffectiveEchoTime": "EchoTime"},
    "MRDiffusionSequence": {"DiffusionBValue": "DiffusionBValue"},
    "MRModifierSequence": {"InversionTimes": "InversionTime"},
    "MRVelocityEncodingSequence": {"VelocityEncodingDirection": "VelocityEncodingDirection"},
    "MRArterialSpinLabelingSequence": {"ASLContext": "ASLContext"},
    "MRTimingAndRelatedParametersSequence": {"FlipAngle": "FlipAngle", "RepetitionTime": "RepetitionTime"},
    "FrameContentSequence": {"StackID": "StackID", "TemporalPositionIndex": "TemporalPositionIndex"},
    "CTReconstructionSequence": {"ConvolutionKernel": "ConvolutionKernel"},
    "CTXRayDetailsSequence": {"KVP": "KVP"},
    "CardiacSynchronizationSequence": {
        "NominalCardiacTriggerDelayTime": "TriggerTime",
        "NominalPercentageOfCardiacPhase": "NominalPercentageOfCardiacPhase",
    },
    "RespiratorySynchronizationSequence": {
        "NominalPercentageOfRespiratoryPhase": "NominalPercentageOfRespiratoryPhase"
    },
}
# Before enhanced MR each maker kept diffusion to itself: creator, elements, the type of an element stated as UN
_B_VALUES = (
    ("SIEMENS MR HEADER", (0x0C,), ""),
    ("GEMS_PARM_01", (0x39,), ""),
    ("Philips Imaging DD 001", (0x03,), "<f4"),
    ("Image Private Header", (0x09,), "<f8"),  # United Imaging
)
_DIRECTIONS = (
    ("SIEMENS MR HEADER", (0x0E,), "<f8"),
    ("GEMS_ACQU_01", (0xBB, 0xBC, 0xBD), ""),
    ("Philips MR Imaging DD 001", (0xB0, 0xB1, 0xB2), "<f4"),
    ("Image Private Header", (0x37,), "<f8"),
)
_GE_MARK = 1e5  # GE writes 1000001000 for 1000 where it knows the gradients (rordenlab/dcm2niix#149)
_GE_PARTS = ("MAGNITUDE", "PHASE", "REAL", "IMAGINARY")  # GEMS_PARM_01, element 2F
_UNTOLD_VRS = ("DA", "TM", "DT")  # clocks are traits of their own
_BINARY_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
_LONGEST = 64  # characters of a value that could name a picture
_DEEPEST = 4  # sequences within sequences


def traits_of(data: Dataset, image_type: Sequence[str]) -> Traits:
    """The traits that a file states of itself."""
    traits = {key: text(data, key) for key in TRAITS if key not in NM_VECTORS}
    traits["ImageType"] = "\\".join(image_type)
    traits["DiffusionBValue"] = traits["DiffusionBValue"] or _private_numbers(data, _B_VALUES)
    traits["DiffusionGradientOrientation"] = traits["DiffusionGradientOrientation"] or _private_numbers(
        data, _DIRECTIONS
    )
    part = as_numbers(private(data, "GEMS_PARM_01", 0x2F))
    if part and not traits["ComplexImageComponent"] and part[0] in range(len(_GE_PARTS)):
        traits["ComplexImageComponent"] = _GE_PARTS[int(part[0])]
    return traits | _pet_indices(data)


def group_traits(group: Callable[[str], Dataset | None]) -> Traits:
    """The traits that the functional groups of one frame state; `group` gives one by its keyword."""
    traits: Traits = {}
    for macro, keywords in _MACROS.items():
        fields = group(macro)
        if fields is not None:
            traits |= {trait: text(fields, key) for key, trait in keywords.items() if text(fields, key)}
    direction = item(group("MRDiffusionSequence"), "DiffusionGradientDirectionSequence")
    if direction is not None:
        traits["DiffusionGradientOrientation"] = text(direction, "DiffusionGradientOrientation")
    return traits


def trait_words(key: str, value: str) -> str:
    """For example "echo time 12 ms"."""
    name, unit = TRAITS.get(key) or (key, "")
    if not value:
        return f"{name} absent"
    amount = sort_key(value)[0]
    return f"{name} {f'{amount:g}' if np.isfinite(amount) else value} {unit}".strip()


def sort_key(value: str) -> tuple[float, str]:
    """Numbers by size, before words."""
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def _private_numbers(data: Dataset, makers: Sequence[tuple[str, tuple[int, ...], str]]) -> str:
    for creator, elements, kind in makers:
        values = [_numbers(private(data, creator, element), kind) for element in elements]
        if all(values):
            # a b-value is the first of several numbers; a direction is all of one element, or one of each
            numbers = values[0][:1] if makers is _B_VALUES else [number for part in values for number in part]
            return "\\".join(f"{number % _GE_MARK if number > _GE_MARK else number:g}" for number in numbers)
    return ""


def _numbers(value: Any, kind: str) -> tuple[float, ...]:
    """Numbers of a private element, also where a file that went through other hands states it as bytes."""
    if kind and isinstance(value, bytes) and value and len(value) % np.dtype(kind).itemsize == 0:
        return tuple(map(float, np.frombuffer(value, kind)))
    return as_numbers(value)


def _pet_indices(data: Dataset) -> Traits:
    """Time slice, R-R interval and time slot of a PET slice, out of its ImageIndex (C.8.9.4.1.9)."""
    index, slices = number(data, "ImageIndex"), number(data, "NumberOfSlices")
    kind = (texts(data, "SeriesType") or ("",))[0].upper()
    if not index or not slices or index < 1 or slices < 1:
        return {}
    volume = int(index - 1) // int(slices)
    if kind == "GATED":
        slots = max(int(number(data, "NumberOfTimeSlots") or 1), 1)
        return {"RRIntervalVector": str(volume // slots + 1), "TimeSlotVector": str(volume % slots + 1)}
    return {"TimeSliceVector": str(volume + 1)} if kind == "DYNAMIC" or number(data, "NumberOfTimeSlices") else {}


def whole_headers(places: Sequence[tuple[Path, int]]) -> list[Traits]:
    """Everything short that the headers of some pictures (file, index of its frame) state, by readable names.

    A file that cannot be read again states nothing.
    """
    hush()
    indices: dict[Path, list[int]] = defaultdict(list)
    for n, (path, _) in enumerate(places):
        indices[path].append(n)
    traits: list[Traits] = [{} for _ in places]
    for path, numbers in indices.items():
        try:
            with BoundedFile(path) as file:
                data = dcmread(file, stop_before_pixels=True, force=True)
            of_file = dict(_short_values(data, ""))
        except MALFORMED:
            continue
        frames = value_of(data, "PerFrameFunctionalGroupsSequence") or ()
        names = _dimension_names(data)
        for n in numbers:
            frame = places[n][1]
            traits[n] = of_file if frame >= len(frames) else of_file | _of_frame(frames[frame], names)
    return traits


def _of_frame(frame: Dataset, names: Sequence[str]) -> Traits:
    try:
        values = as_numbers(value_of(item(frame, "FrameContentSequence") or Dataset(), "DimensionIndexValues"))
        dimensions = {
            names[n] if n < len(names) else f"dimension {n + 1}": f"{index:g}" for n, index in enumerate(values)
        }
        return dict(_short_values(frame, "")) | dimensions
    except MALFORMED:
        return {}


def _dimension_names(data: Dataset) -> list[str]:
    """What an enhanced file says its dimensions are (C.7.6.17)."""
    sequence = value_of(data, "DimensionIndexSequence")
    pointers = [value_of(dimension, "DimensionIndexPointer") for dimension in sequence or ()]
    return [f"{_name(int(pointer))} number" if pointer else f"dimension {n + 1}" for n, pointer in enumerate(pointers)]


def _short_values(data: Dataset, above: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    for element in data:
        tag = element.tag
        if tag.group >= 0x6000 or element.keyword.startswith("PerFrame") or element.VR in _UNTOLD_VRS:
            continue
        name = above + _name(tag)
        if element.VR == "SQ":
            if depth < _DEEPEST and element.value:
                yield from _short_values(element.value[0], above, depth + 1)
        elif value := _short(element):
            yield name, value


def _short(element: DataElement) -> str:
    if element.VR in _BINARY_VRS and isinstance(element.value, bytes):
        return element.value.hex() if len(element.value) <= _LONGEST // 2 else ""
    value = clean(element.value)
    return value if len(value) <= _LONGEST else ""


def _name(tag: int) -> str:
    if dictionary_has_tag(tag):
        return dictionary_description(tag).lower()
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
