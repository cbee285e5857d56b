"""What scanning a DICOM series notes for reading it: the stack, factors per slice, the header's display wishes."""

from __future__ import annotations

from dataclasses import dataclass

from app.files.dicom.grid import Stack


@dataclass(frozen=True)
class Details:
    """`Series.details` of a DICOM series.

    stack : where its frames lie; factors : (k,) what a slice's values are multiplied by, SUV factors among them
    window : (centre, width) that the header asks for, in stored units times slope; inverted : MONOCHROME1 and the like
    """

    stack: Stack
    factors: tuple[float, ...]
    window: tuple[float, float] | None
    inverted: bool
