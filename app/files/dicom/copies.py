"""Pictures that are there twice: found by their pixels, left out, and named."""

from __future__ import annotations

import filecmp
import hashlib
from collections.abc import Callable, Sequence

from app.files.dicom.frames import Frame
from app.files.dicom.pixels import decode

NAMED = 5  # copies named one by one


def without_copies(frames: Sequence[Frame], kind: Callable[[Frame], str]) -> tuple[list[Frame], tuple[str, ...]]:
    """Drop what is there twice: the same SOPInstanceUID at the same place; and what to tell about it."""
    originals: dict[object, Frame] = {}
    unique, dropped = [], []
    for frame in frames:
        key = (frame.sop_uid, frame.index, frame.position, frame.pixels.rows, frame.pixels.columns)
        if frame.sop_uid and key in originals and not kind(frame) and same_pixels(originals[key], frame):
            dropped.append(frame.path.name)
        else:
            originals.setdefault(key, frame)
            unique.append(frame)
    return unique, copy_warnings(dropped)


def copy_warnings(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    listing = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return (f"{listing}: the same image is there twice, the copy was left out.",)


def same_pixels(first: Frame, second: Frame) -> bool:
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
