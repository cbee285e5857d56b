"""What is known of a network before it is loaded: its name, how it is made, and what pictures it was trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from app.base.errors import FusionError
from app.core.modalities import MODALITIES, is_head, modality_of

Code = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
PlaneName = Literal["axial", "coronal", "sagittal"]


@dataclass(frozen=True)
class TrainedOn:
    """The pictures that a network has seen. Planes and body parts that are empty limit nothing.

    modalities : DICOM codes of both sources; XC and TG of visible and infrared pictures
    planes : of the slices: axial, coronal, sagittal
    body_parts : as DICOM's BodyPartExamined (0018,0015) names them; HEAD stands for all words that mean a head
    """

    modalities: frozenset[Code]
    planes: frozenset[PlaneName] = frozenset()
    body_parts: frozenset[str] = frozenset()

    @property
    def of_patients(self) -> bool:
        """Whether it has seen any medical picture."""
        return are_of_patients(self.modalities)


def are_of_patients(modalities: Iterable[str]) -> bool:
    """Whether any of these DICOM codes is one of medical images."""
    return any(modality_of(code).medical for code in modalities)


HEADS = TrainedOn(frozenset({"MR", "CT", "PT", "NM"}), planes=frozenset({"axial"}), body_parts=frozenset({"HEAD"}))
STREETS = TrainedOn(frozenset(code for code, kind in MODALITIES.items() if not kind.medical))


@dataclass(frozen=True)
class Package:
    """An installed package that brings a network, and the folder in which its manifest and weights lie."""

    name: str
    version: str
    folder: Path = Path()

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class NetworkSpec:
    """One way to fuse: `factory(**arguments)` in `module` makes it, with the arguments in the manifest.

    trained_on : None where nothing was learned, and so nothing is strange
    package : who brings it, where that is not Synoptic
    problem : why it cannot be used, where that is known without its weights
    """

    name: str
    title: str
    module: str
    factory: str
    trained_on: TrainedOn | None
    package: Package | None = None
    problem: FusionError | None = None

    @property
    def classical(self) -> bool:
        """Needs no weights."""
        return self.trained_on is None


@dataclass(frozen=True)
class Concerns:
    """What a network is to fuse and was never shown; empty where it was, and where the files do not say.

    modalities : those it never saw; plane, body_part : given, where it never saw such
    """

    modalities: frozenset[str] = frozenset()
    plane: str = ""
    body_part: str = ""


def concerns(spec: NetworkSpec, modalities: Iterable[str], plane: str = "", body_part: str = "") -> Concerns:
    """How a pair differs from what the network was trained on.

    modalities : of both sources; plane : of the slices that are fused; body_part : as the header has it; "" unknown
    """
    seen = spec.trained_on
    if seen is None:
        return Concerns()
    strange = frozenset(modalities) - {""} - seen.modalities
    part = body_part.strip()
    known_part = not part or not seen.body_parts or any(_names(part, word) for word in seen.body_parts)
    known_plane = not seen.planes or plane in ("", *seen.planes)
    return Concerns(strange, "" if known_plane else plane, "" if known_part else part)


def _names(body_part: str, word: str) -> bool:
    return (word == "HEAD" and is_head(body_part)) or word in body_part.upper()
