"""What is read from disk: patient, study, series and volume, all frozen, their arrays read-only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.geometry import Geometry
from app.core.person_name import names_contradict

UNITS = ("HU", "SUVbw", "SUVlbm", "Bq/mL", "counts", "%", "a.u.", "unknown")


@dataclass(frozen=True)
class Patient:
    """Who was imaged, as the header says; empty strings where it does not. Never written to a log."""

    id: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""

    def __repr__(self) -> str:
        return "Patient(...)"

    @property
    def known(self) -> bool:
        return bool(self.id or self.name)

    def differs_from(self, other: Patient) -> list[str]:
        """The fields that both state and that contradict each other: [] when nothing speaks against one patient.

        Names are compared group by group (see `person_name`); two that share no script contradict each other unless
        both files state the same patient ID.
        """
        labels = {"id": "patient ID", "name": "name", "birth_date": "birth date", "sex": "sex"}
        pairs = {
            key: (getattr(self, key).strip(" ^").casefold(), getattr(other, key).strip(" ^").casefold())
            for key in labels
        }
        contradictions = {key: bool(a and b and a != b) for key, (a, b) in pairs.items()}
        if contradictions["name"]:
            answer = names_contradict(self.name, other.name)
            contradictions["name"] = not (self.id and pairs["id"][0] == pairs["id"][1]) if answer is None else answer
        return [label for key, label in labels.items() if contradictions[key]]

    def is_same_as(self, other: Patient) -> bool:
        """Whether both state the same, whichever way the name is written."""
        identities = [(bool(person.name), person.id, person.birth_date, person.sex) for person in (self, other)]
        return identities[0] == identities[1] and not self.differs_from(other)


@dataclass(frozen=True)
class Suv:
    """How stored activity becomes SUVbw: factor in g/mL per unit after rescale, per slice; or None and the reason."""

    factor: tuple[float, ...] | None
    reason: str


@dataclass(frozen=True)
class Series:
    """One stack of slices on one grid, known from headers alone.

    uid : SeriesInstanceUID (a made-up but stable one for files without); "#2", "#3" follow where one series was split
    modality : DICOM code (MR, CT, PT, NM; XC and TG of visible and infrared pictures), or "" where nothing states it
    paths : in the order of `sources` of the volume; a multi-frame file stands once
    size, spacing_mm : along i, j, k; spacing_mm is None for pictures
    orientation : three letters, where i, j, k grow to; "" for pictures
    unit : the unit `readers.read` will give the values: one of UNITS, or that of a real world value mapping
    acquired : slices really imaged, where that is less than size[2] because gaps were interpolated; else 0
    problem : why it cannot be read as a volume; "" where it can
    reader : the entry of READERS that claims it; details: what that reader noted for itself while scanning
    """

    uid: str
    modality: str
    description: str
    paths: tuple[Path, ...]
    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float] | None
    orientation: str
    unit: str
    reader: str
    patient: Patient = Patient()
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    number: int = 0
    body_part: str = ""
    attenuation_corrected: bool | None = None
    suv: Suv | None = None
    warnings: tuple[str, ...] = ()
    problem: str = ""
    acquired: int = 0
    details: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Study:
    patient: Patient
    uid: str
    series: tuple[Series, ...]
    description: str = ""
    date: str = ""


@dataclass(frozen=True)
class Volume:
    """Stored values as they came, and how to read them.

    stored : [k, j, i], native type, read-only
    slope, intercept : (k,) float64; value = stored * slope + intercept, in `unit`
    valid : bool [k, j, i], False for padding; None where every voxel counts
    interpolated : (k,) bool, slices that were computed between two acquired ones
    sources : (k,) the file of each slice, None for interpolated ones
    source_frames : (k,) which frame of that file it is, from 1; None where the file holds one picture, () where all do
    window : (centre, width) that the header proposes for display, in `unit`, or None
    inverted : the header asks for an inverted presentation (MONOCHROME1, PresentationLUTShape INVERSE); values stay
    rgb : uint8 [k, j, i, 3] for a colour picture, whose `stored` is then its luma; else None
    """

    stored: NDArray[Any]
    slope: NDArray[np.float64]
    intercept: NDArray[np.float64]
    geometry: Geometry
    modality: str
    unit: str
    series: Series
    valid: NDArray[np.bool_] | None = None
    interpolated: NDArray[np.bool_] | None = None
    sources: tuple[Path | None, ...] = ()
    source_frames: tuple[int | None, ...] = ()
    window: tuple[float, float] | None = None
    inverted: bool = False
    rgb: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        if self.stored.shape != self.geometry.shape:
            raise ValueError(f"array {self.stored.shape} does not fit the grid {self.geometry.shape}")
        if self.unit not in UNITS and self.unit != self.series.unit:  # a real world value mapping may give any
            raise ValueError(f"unknown unit {self.unit!r}")
        slices = self.geometry.size[2]
        for name in ("slope", "intercept"):
            per_slice = np.broadcast_to(np.asarray(getattr(self, name), dtype=np.float64), (slices,)).copy()
            object.__setattr__(self, name, per_slice)
        for array in (self.stored, self.slope, self.intercept, self.valid, self.interpolated, self.rgb):
            if array is not None:
                array.flags.writeable = False

    def values(self, k: int | None = None) -> NDArray[np.float32]:
        """Slice k as float32 [j, i] in `unit`; without k the whole volume [k, j, i], made anew on each call."""
        if k is not None:
            return (self.stored[k] * self.slope[k] + self.intercept[k]).astype(np.float32)
        values = self.stored.astype(np.float32)
        values *= self.slope.astype(np.float32)[:, None, None]
        values += self.intercept.astype(np.float32)[:, None, None]
        return values

    def value_at(self, lps_mm: NDArray[np.float64]) -> float | None:
        """The value of the native voxel that holds the point, in `unit`; None outside the grid or on padding."""
        i, j, k = (int(n) for n in np.floor(self.geometry.to_index(lps_mm) + 0.5))
        inside = all(0 <= n < size for n, size in zip((i, j, k), self.geometry.size, strict=True))
        if not inside or (self.valid is not None and not self.valid[k, j, i]):
            return None
        return float(self.stored[k, j, i] * self.slope[k] + self.intercept[k])
