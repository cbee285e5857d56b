"""What scanning a format gives back, and made-up identifiers for files that bring none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from app.core.volume import Series


@dataclass(frozen=True)
class Skipped:
    """A file that is not shown, and why: `reason` continues the sentence "NAME: ..."."""

    path: Path
    reason: str


@dataclass(frozen=True)
class ScanResult:
    """The series in some files; studies: description and date by StudyInstanceUID, where the format knows them."""

    series: tuple[Series, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    studies: dict[str, tuple[str, str]] = field(default_factory=dict)


def made_up_uid(path: Path) -> str:
    """A stable identifier from a file's name and content: the same wherever the file lies.

    The whole content, since two uncompressed volumes can share header and first slices of air.
    """
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").digest()
    digest = hashlib.sha256(path.name.encode("utf-8", "surrogateescape") + b"\0" + content).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big')}"
