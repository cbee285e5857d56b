"""The single pictures in DICOM files: where each lies, how its numbers become values, and what tells it from others.

A single-frame file gives one Frame. An enhanced file gives one per frame, from the shared functional groups overlaid
with the frame's own (PS3.3 C.7.6.16). A nuclear medicine file gives one per frame along its SliceVector (C.8.4.15).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from app.files.dicom.header import Header, Pixels, item, lookup_table, number, numbers, text, value_of
from app.files.dicom.pet_facts import PetFacts, enhanced_pet_facts, in_mapped_unit, pet_facts, with_frame_times
from app.files.dicom.real_world import RealWorldMapping, mapping_of
from app.files.dicom.traits import NM_VECTORS, Traits, group_traits, traits_of

Vector = tuple[float, float, float]

NM = "1.2.840.10008.5.1.4.1.1.20"
MOST_FRAMES = 100_000
FARTHEST_MM = 1e5  # a place or a pixel spacing beyond this is no place in a patient
LARGEST_SCALE = 1e12  # a rescale beyond this makes no number that anything could be measured in
TOUCHING = (
    "SpacingBetweenSlices (0018,0088) is empty: the slices are taken to touch each other, SliceThickness"
    " (0018,0050) = {:g} mm apart; check lengths along the stack."
)
NO_SPACING = (
    "Neither SpacingBetweenSlices (0018,0088) nor SliceThickness (0018,0050) says how far the slices lie apart: they"
    " cannot be stacked into a volume."
)
NO_SLICE_VECTOR = (
    "SliceVector (0054,0080) and NumberOfSlices (0054,0081) do not say which slice each of the {} frames is: they"
    " cannot be stacked into a volume."
)
OLD_MULTI_FRAME = (
    "It is a multi-frame file that does not say of each frame where they lie in the patient: the frames are"
    " single pictures, and cannot be stacked into a volume."
)
_FRAME_TYPES = ("CTImageFrameTypeSequence", "MRImageFrameTypeSequence", "PETFrameTypeSequence")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture: `index` counts frames in its file from 0.

    position : LPS mm of the centre of pixel (0, 0); orientation : cosines of its row, then its column
    pixel_mm : distance between rows, between columns; thickness_mm : as stated, used for a lone slice only
    slope, intercept : of the rescale; unit : what the value transformation says they give ("HU", "US", "" where absent)
    rescaled : whether the file states a rescale at all; traits : see `traits.TRAITS`
    table : the modality LUT, first stored value mapped and outputs; slope and intercept are then 1 and 0
    measured : the unit that a real world value mapping gives the values; slope, intercept and table are then its own
    note : what the reader must know about where it lies, or why that is not known
    """

    path: Path
    index: int
    sop_uid: str
    instance: int
    position: Vector | None
    orientation: tuple[float, ...] | None
    pixel_mm: tuple[float, float] | None
    thickness_mm: float | None
    slope: float
    intercept: float
    rescaled: bool
    unit: str
    frame_of_reference: str
    image_type: tuple[str, ...]
    traits: Traits
    pixels: Pixels
    table: tuple[int, NDArray[np.float64]] | None = None
    pet: PetFacts | None = None
    measured: str = ""
    note: str = ""


def frames(header: Header, mapping: RealWorldMapping | None = None) -> list[Frame]:
    """All frames of a file that holds pixels.

    mapping : what another object says of its values, where the file itself holds no mapping

    Raises
    ------
    ValueError : more frames than MOST_FRAMES, or functional groups that do not fit the number of frames
    """
    if header.pixels is None:
        return []
    count = header.pixels.frames
    if not 0 < count <= MOST_FRAMES:
        raise ValueError(f"it states {count} frames")
    slope, intercept = (number(header.data, f"Rescale{name}") for name in ("Slope", "Intercept"))
    if slope == 0 or max(abs(slope or 0), abs(intercept or 0)) > LARGEST_SCALE:
        raise ValueError(f"RescaleSlope {slope} and RescaleIntercept {intercept} give no measured value")
    pet = pet_facts(header.data) if header.modality == "PT" else None
    per_frame = value_of(header.data, "PerFrameFunctionalGroupsSequence")
    if per_frame:
        if len(per_frame) != count:
            raise ValueError(f"it states {count} frames and describes {len(per_frame)}")
        return list(_enhanced(header, per_frame, pet, mapping))
    file_mapping = mapping_of(value_of(header.data, "RealWorldValueMappingSequence"), header.modality)
    plain = _mapped(_single(header, pet), file_mapping or mapping, header.modality)
    if header.sop_class == NM:
        return list(_nuclear(header, plain))
    if count == 1:
        return [plain]
    return [replace(plain, index=index, instance=index, position=None, note=OLD_MULTI_FRAME) for index in range(count)]


def _vector(data: Dataset | None, keyword: str, length: int) -> tuple[float, ...] | None:
    values = () if data is None else numbers(data, keyword)
    return values if len(values) == length else None


def _position(data: Dataset | None) -> Vector | None:
    values = _vector(data, "ImagePositionPatient", 3)
    return (values[0], values[1], values[2]) if values and max(map(abs, values)) < FARTHEST_MM else None


def _pixel_mm(data: Dataset | None) -> tuple[float, float] | None:
    spacing = _vector(data, "PixelSpacing", 2)
    if not spacing or not 1 / FARTHEST_MM < min(spacing) <= max(spacing) < FARTHEST_MM:
        return None
    return spacing[0], spacing[1]


def _single(header: Header, pet: PetFacts | None) -> Frame:
    data = header.data
    assert header.pixels is not None  # frames() has looked
    slope, intercept = number(data, "RescaleSlope"), number(data, "RescaleIntercept")
    table = item(data, "ModalityLUTSequence")
    return Frame(
        path=header.path,
        index=0,
        sop_uid=header.sop_uid,
        instance=int(number(data, "InstanceNumber") or 0),
        position=_position(data),
        orientation=_vector(data, "ImageOrientationPatient", 6),
        pixel_mm=_pixel_mm(data),
        thickness_mm=number(data, "SliceThickness"),
        slope=1.0 if slope is None or table else slope,
        intercept=0.0 if intercept is None or table else intercept,
        rescaled=(slope is not None and intercept is not None) or table is not None,
        unit=text(table, "ModalityLUTType") if table else text(data, "RescaleType"),
        frame_of_reference=header.frame_of_reference,
        image_type=header.image_type,
        traits=traits_of(data, header.image_type),
        pixels=header.pixels,
        table=lookup_table(data),
        pet=pet,
    )


def _mapped(frame: Frame, mapping: RealWorldMapping | None, modality: str) -> Frame:
    """The frame with the values that its real world value mapping gives, instead of those of the rescale."""
    if mapping is None:
        return frame
    return replace(
        frame,
        slope=mapping.slope,
        intercept=mapping.intercept,
        table=mapping.table,
        rescaled=True,
        unit=mapping.unit if modality == "CT" else frame.unit,
        pet=None if frame.pet is None else in_mapped_unit(frame.pet, mapping.unit, mapping.code),
        measured=mapping.unit,
    )


def _enhanced(
    header: Header, per_frame: Any, pet: PetFacts | None, mapping: RealWorldMapping | None
) -> Iterator[Frame]:
    data = header.data
    shared = item(data, "SharedFunctionalGroupsSequence")
    plain = _single(header, None if pet is None else enhanced_pet_facts(data, pet))
    of_file = mapping_of(value_of(data, "RealWorldValueMappingSequence"), header.modality) or mapping
    for index, frame in enumerate(per_frame):

        def group(keyword: str, frame: Dataset = frame) -> Dataset | None:
            return item(frame, keyword) or item(shared, keyword)

        measures = group("PixelMeasuresSequence")
        values = group("PixelValueTransformationSequence")
        slope = None if values is None else number(values, "RescaleSlope")
        intercept = None if values is None else number(values, "RescaleIntercept")
        kind = next((frame_type for frame_type in map(group, _FRAME_TYPES) if frame_type is not None), None)
        items = value_of(frame, "RealWorldValueMappingSequence") or (
            None if shared is None else value_of(shared, "RealWorldValueMappingSequence")
        )
        image_type = plain.image_type if kind is None else tuple(text(kind, "FrameType").upper().split("\\"))
        traits = plain.traits | {"ImageType": "\\".join(image_type)} | group_traits(group)
        content = group("FrameContentSequence")
        place = group("PlanePositionSequence")
        plane = group("PlaneOrientationSequence")
        placed = replace(
            plain,
            index=index,
            instance=index,
            position=_position(place),
            orientation=_vector(plane, "ImageOrientationPatient", 6),
            pixel_mm=_pixel_mm(measures),
            thickness_mm=None if measures is None else number(measures, "SliceThickness"),
            slope=1.0 if slope is None else slope,
            intercept=0.0 if intercept is None else intercept,
            rescaled=slope is not None and intercept is not None,
            unit="" if values is None else text(values, "RescaleType"),
            image_type=image_type,
            traits=traits,
            pet=None if plain.pet is None else with_frame_times(plain.pet, content),
        )
        yield _mapped(placed, mapping_of(items, header.modality) or of_file, header.modality)


def _nuclear(header: Header, plain: Frame) -> Iterator[Frame]:
    """Frames of a reconstructed SPECT: the first slice's place and the signed SpacingBetweenSlices along its normal.

    There is nothing else to go by (rule: never SpacingBetweenSlices) but here the standard defines it, sign included
    (C.8.4.15). It may be empty there (type 2): then the slices touch each other, and the reader is told so.
    """
    data = header.data
    count = plain.pixels.frames
    detector = item(data, "DetectorInformationSequence")
    position = _position(detector) or plain.position
    orientation = _vector(detector, "ImageOrientationPatient", 6) or plain.orientation
    step, note = number(data, "SpacingBetweenSlices"), ""
    if not step and count > 1 and (plain.thickness_mm or 0) > 0:
        step = plain.thickness_mm
        note = TOUCHING.format(step)
    slices = [int(n) for n in numbers(data, "SliceVector")]
    if len(slices) != count:
        slices = list(range(1, count + 1)) if (number(data, "NumberOfSlices") or count) == count else []
    if position is not None and orientation is not None:
        note = note if step or count == 1 else NO_SPACING
        note = note if slices else NO_SLICE_VECTOR.format(count)
    placed = position is not None and orientation is not None and slices and (step or count == 1)
    vectors = {key: numbers(data, key) for key in NM_VECTORS}
    for index in range(count):
        place: Vector | None = None
        if placed and position is not None and orientation is not None:
            normal = np.cross(orientation[:3], orientation[3:])
            x, y, z = np.asarray(position) + (slices[index] - 1) * float(step or 0) * normal
            place = (float(x), float(y), float(z))
        steps = {key: f"{values[index]:g}" for key, values in vectors.items() if len(values) == count}
        yield replace(
            plain,
            index=index,
            instance=index,
            position=place,
            orientation=orientation,
            traits=plain.traits | steps,
            note=note,
        )
