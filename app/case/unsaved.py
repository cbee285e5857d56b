"""What the reader has made that stands in no file, and would be lost with the case."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from app.case.document import Case
from app.case.links import Link


@dataclass(frozen=True)
class Unsaved:
    """How many regions, and how many alignments that the reader has confirmed or made by hand."""

    regions: int = 0
    alignments: int = 0

    def __bool__(self) -> bool:
        return bool(self.regions or self.alignments)


def unsaved(case: Case, saved: Collection[bytes]) -> Unsaved:
    """What of a case is in no file; saved : the transforms that were written, as the bytes of their 4x4."""
    alignments = [link for link in case.links if _by_the_reader(link)]
    lost = [link for link in alignments if link.registration.fixed_to_moving.tobytes() not in saved]
    return Unsaved(len(case.regions), len(lost))


def _by_the_reader(link: Link) -> bool:
    """Whether the reader's work is in it: what headers or a file say can be had again, and so can a search."""
    registration = link.registration
    return registration.method == "manual" or (
        link.confirmed and registration.method != "file" and not registration.by_headers
    )
