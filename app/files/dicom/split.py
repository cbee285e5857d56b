"""Which pictures of one series belong to one volume: split, and report every split; never merge, never drop in silence.

First by what always parts (kind of object, size, orientation, pixel spacing, frame of reference, image type); then,
where positions repeat, by the first trait that tells the repeats apart (echo, b-value, time...).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from app.files.dicom.copies import without_copies
from app.files.dicom.frames import Frame
from app.files.dicom.grid import NotAStack, part_at_far_gaps
from app.files.dicom.repeats import Part, told_apart

OWN_FRAMES = (
    "Every file states a FrameOfReferenceUID of its own, as some anonymisers write: it means nothing, so that nothing"
    " says how the images lie to other series; register them."
)
SAME_COSINE = 1e-3  # of each direction cosine
SAME_SPACING = 1e-3  # mm between pixels


def split(frames: Sequence[Frame], kind: Callable[[Frame], str]) -> list[Part]:
    """The parts of one series, the largest first.

    Parameters
    ----------
    frames : all of one SeriesInstanceUID
    kind : what sort of picture a frame is ("" for a slice of a volume): different kinds always part
    """
    frames, notes = without_copies(frames, kind)
    if _own_frames_of_reference(frames):
        frames = [replace(frame, frame_of_reference="") for frame in frames]
        notes = (*notes, OWN_FRAMES)
    parts = _by_kind_and_geometry(frames, kind)
    parts = [piece for part in parts for piece in ([part] if kind(part.frames[0]) else _by_place(part))]
    parts.sort(key=lambda part: (bool(kind(part.frames[0])), -len(part.frames)))
    if len(parts) > 1:
        parts = [replace(part, warnings=(_split_warning(part, parts), *part.warnings)) for part in parts]
    return [replace(part, warnings=(*notes, *part.warnings)) for part in parts]


def _own_frames_of_reference(frames: Sequence[Frame]) -> bool:
    """Whether single-frame files state, nearly each, another frame of reference: PS3.3 C.7.4.1.1.1 has one a series."""
    files = {frame.path for frame in frames}
    frames_of_reference = {frame.frame_of_reference for frame in frames} - {""}
    return 2 < len(files) == len(frames) < 2 * len(frames_of_reference)


def _by_place(part: Part) -> list[Part]:
    return [piece for unique in told_apart(part) for piece in _by_far_gaps(unique)]


def _split_warning(part: Part, parts: Sequence[Part]) -> str:
    total = sum(len(other.frames) for other in parts)
    by = f" ({part.label})" if part.label else ""
    return (
        f"The series holds {total} images that do not make one volume: it was split into {len(parts)} parts, listed"
        f" one by one; this part has {len(part.frames)}{by}."
    )


def _by_kind_and_geometry(frames: Sequence[Frame], kind: Callable[[Frame], str]) -> list[Part]:
    orientations: list[tuple[float, ...]] = []
    spacings: list[tuple[float, ...]] = []

    def nearest(values: tuple[float, ...] | None, clusters: list[tuple[float, ...]], tolerance: float) -> int:
        if values is None:
            return -1
        for n, other in enumerate(clusters):
            if np.abs(np.subtract(values, other)).max() <= tolerance:
                return n
        clusters.append(values)
        return len(clusters) - 1

    groups: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        key = (
            kind(frame),
            (frame.pixels.columns, frame.pixels.rows),
            nearest(frame.orientation, orientations, SAME_COSINE),
            nearest(frame.pixel_mm, spacings, SAME_SPACING),
            frame.frame_of_reference,
            frame.image_type[:3],
            (frame.unit, frame.rescaled, frame.measured, frame.pixels.photometric),
            frame.position is None,
        )
        groups[key].append(frame)
    names = ("kind", "size", "orientation", "pixel spacing", "frame of reference", "image type", "value", "place")
    differing = [n for n in range(len(names)) if len({key[n] for key in groups}) > 1]
    return [Part(tuple(group), _label(key, group[0], names, differing)) for key, group in groups.items()]


def _label(key: tuple[object, ...], frame: Frame, names: Sequence[str], differing: Sequence[int]) -> str:
    descriptions = {
        1: f"{frame.pixels.columns} x {frame.pixels.rows} pixels",
        2: _plane(frame),
        3: f"pixel spacing {frame.pixel_mm[0]:g} x {frame.pixel_mm[1]:g} mm" if frame.pixel_mm else "no pixel spacing",
        5: "image type " + "\\".join(frame.image_type[:3]),
    }
    return ", ".join(descriptions.get(n, f"own {names[n]}") for n in differing)


def _plane(frame: Frame) -> str:
    if frame.orientation is None:
        return "no orientation stated"
    normal = np.abs(np.cross(frame.orientation[:3], frame.orientation[3:]))
    return ("sagittal", "coronal", "axial")[int(np.argmax(normal))] + " orientation"


def _by_far_gaps(part: Part) -> list[Part]:
    if part.mixed or any(frame.position is None for frame in part.frames):
        return [part]
    try:
        pieces = part_at_far_gaps(part.frames)
    except NotAStack:
        return [part]
    if len(pieces) == 1:
        return [part]
    return [
        replace(part, frames=tuple(piece), label=", ".join(filter(None, [part.label, f"stack {n} of {len(pieces)}"])))
        for n, piece in enumerate(pieces, start=1)
    ]
