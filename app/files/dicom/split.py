"""Which pictures of one series belong to one volume: split, and report every split; never merge, never drop in silence.

First by what always parts (kind of object, size, orientation, pixel spacing, frame of reference, image type); then,
where positions repeat, by the first trait that tells the repeats apart (echo, b-value, time...).
"""

from __future__ import annotations

import filecmp
import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.files.dicom.frames import TRAITS, Frame
from app.files.dicom.grid import SAME_MM, NotAStack, along_normal, part_at_far_gaps
from app.files.dicom.pixels import decode

SAME_COSINE = 1e-3  # of each direction cosine
SAME_SPACING = 1e-3  # mm between pixels
_CLOCKS = {"FrameReferenceTime", "AcquisitionTime", "ContentTime", "AcquisitionNumber"}  # also differ within one volume


@dataclass(frozen=True)
class Part:
    """Frames that belong together; label: what sets them apart within their series; warnings: sentences."""

    frames: tuple[Frame, ...]
    label: str = ""
    warnings: tuple[str, ...] = ()
    mixed: bool = field(default=False)  # positions still repeat


def split(frames: Sequence[Frame], kind: Callable[[Frame], str]) -> list[Part]:
    """The parts of one series, the largest first.

    Parameters
    ----------
    frames : all of one SeriesInstanceUID
    kind : what sort of picture a frame is ("" for a slice of a volume): different kinds always part
    """
    frames, copy_warnings = _without_copies(frames, kind)
    parts = _by_kind_and_geometry(frames, kind)
    parts = [piece for part in parts for piece in ([part] if kind(part.frames[0]) else _by_place(part))]
    parts.sort(key=lambda part: (bool(kind(part.frames[0])), -len(part.frames)))
    if len(parts) > 1:
        parts = [replace(part, warnings=(_split_warning(part, parts), *part.warnings)) for part in parts]
    return [replace(part, warnings=(*copy_warnings, *part.warnings)) for part in parts]


def _by_place(part: Part) -> list[Part]:
    return [piece for unique in _by_traits(part) for piece in _by_far_gaps(unique)]


def _split_warning(part: Part, parts: Sequence[Part]) -> str:
    total = sum(len(other.frames) for other in parts)
    by = f" ({part.label})" if part.label else ""
    return (
        f"The series holds {total} images that do not make one volume: it was split into {len(parts)} parts, listed"
        f" one by one; this part has {len(part.frames)}{by}."
    )


def _without_copies(frames: Sequence[Frame], kind: Callable[[Frame], str]) -> tuple[list[Frame], tuple[str, ...]]:
    """Drop what is there twice: the same SOPInstanceUID at the same place."""
    originals: dict[object, Frame] = {}
    unique, dropped = [], []
    for frame in frames:
        key = (frame.sop_uid, frame.index, frame.position, frame.pixels.rows, frame.pixels.columns)
        if frame.sop_uid and key in originals and not kind(frame) and _same_pixels(originals[key], frame):
            dropped.append(frame.path.name)
        else:
            originals.setdefault(key, frame)
            unique.append(frame)
    return unique, _copy_warnings(dropped)


def _copy_warnings(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (f"{_name_list(names)}: the same image is there twice, the copy was left out.",)


def _name_list(names: Sequence[str], limit: int = 5) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _same_pixels(first: Frame, second: Frame) -> bool:
    """Whether two frames hold the same values.

    Raises
    ------
    DamagedFileError : one of them cannot be decoded
    """
    if (first.slope, first.intercept) != (second.slope, second.intercept):
        return False
    if first.index == second.index and _same_bytes(first, second):
        return True
    a, b = (hashlib.sha256(decode(f.path, f.pixels, [f.index])[0].tobytes()).digest() for f in (first, second))
    return a == b


def _same_bytes(first: Frame, second: Frame) -> bool:
    """Whether the files are copies of each other, byte by byte: quicker than to decode both."""
    try:
        return filecmp.cmp(first.path, second.path, shallow=False)
    except OSError:  # gone meanwhile: decoding will say so
        return False


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
            (frame.unit, frame.rescaled, frame.pixels.photometric),
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


def _repeated(frames: Sequence[Frame]) -> int:
    if len(frames) < 2 or any(frame.position is None for frame in frames):
        return 1
    try:
        places = np.sort(along_normal(frames))
    except NotAStack:
        return 1
    longest = run = 1
    for step in np.diff(places):
        run = run + 1 if step < SAME_MM else 1
        longest = max(longest, run)
    return longest


def _by_traits(part: Part) -> list[Part]:
    """Tell repeats apart by one trait, or by several together; where none does, drop equal pictures or say "mixed"."""
    repeats = _repeated(part.frames)
    if repeats == 1:
        return [part]
    places = np.sort(along_normal(part.frames))
    if np.count_nonzero(np.diff(places) < SAME_MM) <= max(3, len(places) // 10):  # a few: perhaps sent twice
        part = _without_equal(part)
        if not part.mixed:
            return [part]
    limit = max(2 * repeats, len(part.frames) // 2)  # groups: more would tear volumes to pieces
    steady = [key for key in TRAITS if key not in _CLOCKS]
    for keys in [*((key,) for key in TRAITS), tuple(steady), tuple(TRAITS)]:
        groups: dict[tuple[str, ...], list[Frame]] = defaultdict(list)
        for frame in part.frames:
            groups[tuple(frame.traits.get(key, "") for key in keys)].append(frame)
        fits = len(groups) == repeats if set(keys) & _CLOCKS else 1 < len(groups) <= limit
        if fits and all(_repeated(group) == 1 for group in groups.values()):
            varying = [n for n in range(len(keys)) if len({values[n] for values in groups}) > 1]
            ordered = sorted(groups.items(), key=lambda entry: [_as_number(value) for value in entry[0]])
            return [
                Part(
                    tuple(group),
                    ", ".join(filter(None, [part.label, *(_trait(keys[n], values[n]) for n in varying)])),
                    part.warnings,
                )
                for values, group in ordered
            ]
    return [_without_equal(part)]


def _trait(key: str, value: str) -> str:
    """For example "echo time 12 ms"."""
    name, unit = TRAITS[key]
    number = _as_number(value)[0]
    text = f"{number:g}" if np.isfinite(number) else value
    return f"{name} {text} {unit}".strip() if value else f"{name} absent"


def _as_number(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def _without_equal(part: Part) -> Part:
    """No header tells the repeats apart: drop those with the same pixels, and mark what is left as mixed."""
    places = along_normal(part.frames)
    order = sorted(range(len(places)), key=lambda n: (places[n], part.frames[n].instance, part.frames[n].path.name))
    unique: list[int] = []
    dropped: list[str] = []
    mixed = False
    for n in order:
        same = bool(unique) and places[n] - places[unique[-1]] < SAME_MM
        if same and _same_pixels(part.frames[unique[-1]], part.frames[n]):
            dropped.append(part.frames[n].path.name)
            continue
        mixed = mixed or same
        unique.append(n)
    return replace(
        part,
        frames=tuple(part.frames[n] for n in unique),
        warnings=(*part.warnings, *_copy_warnings(dropped)),
        mixed=mixed,
    )


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
