"""What the headers of PET slices say about activity, dose and time: what `suv` computes with and `pet_times` dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom import Dataset

from app.files.dicom.header import as_numbers, clean, item, number, private, text, texts, value_of

PHILIPS = "Philips PET Private Group"
ACQUIRED = "AcquisitionDateTime"
MAPPED = {"Bq/mL": ("BQML", ""), "counts": ("CNTS", ""), "SUVbw": ("GML", "BW"), "SUVlbm": ("GML", "LBM")}


class NoSuv(Exception):  # noqa: N818 - an answer, not an error: the reason is shown to the reader
    """SUV cannot be computed; the message says which element is missing or contradictory."""


@dataclass(frozen=True, slots=True)
class PetFacts:
    """What one PET slice says about activity, dose and time; texts as in the header, None where no number is given.

    acquisition_datetime : for an enhanced file the time that its values are decay corrected to; frame_datetime : when
    the frame itself began, where a frame states that; series_type : DYNAMIC, STATIC ...; "" where not stated
    """

    units: str
    suv_type: str
    corrected: tuple[str, ...]
    decay_correction: str
    weight_kg: float | None
    tracers: int
    dose_bq: float | None
    half_life_s: float | None
    injection_datetime: str
    injection_time: str
    series_date: str
    series_time: str
    acquisition_date: str
    acquisition_time: str
    acquisition_datetime: str
    reference_ms: float | None
    duration_ms: float | None
    timezone: str
    ge_scan_datetime: str
    philips_suv: float | None
    philips_bqml: float | None
    series_type: str = ""
    frame_datetime: str = ""


def pet_facts(data: Dataset) -> PetFacts:
    """The elements of one header that decide SUV: PS3.3 C.8.9.1, C.8.9.2, and the private ones of Philips and GE."""
    tracers = value_of(data, "RadiopharmaceuticalInformationSequence")
    tracer = item(data, "RadiopharmaceuticalInformationSequence") or Dataset()
    return PetFacts(
        units=text(data, "Units").upper(),
        suv_type=text(data, "SUVType").upper(),
        corrected=tuple(part.upper() for part in texts(data, "CorrectedImage")),
        decay_correction=text(data, "DecayCorrection").upper(),
        weight_kg=number(data, "PatientWeight"),
        tracers=len(tracers) if tracers and not isinstance(tracers, bytes | str) else 0,
        dose_bq=number(tracer, "RadionuclideTotalDose"),
        half_life_s=number(tracer, "RadionuclideHalfLife"),
        injection_datetime=text(tracer, "RadiopharmaceuticalStartDateTime"),
        injection_time=text(tracer, "RadiopharmaceuticalStartTime"),
        series_date=text(data, "SeriesDate"),
        series_time=text(data, "SeriesTime"),
        acquisition_date=text(data, "AcquisitionDate"),
        acquisition_time=text(data, "AcquisitionTime"),
        acquisition_datetime=text(data, ACQUIRED),
        reference_ms=number(data, "FrameReferenceTime"),
        duration_ms=number(data, "ActualFrameDuration"),
        # A zone stated with the acquisition is the one that the other times, which state none, are in.
        timezone=text(data, "TimezoneOffsetFromUTC") or "".join(re.findall(r"[+-]\d{4}$", text(data, ACQUIRED))),
        ge_scan_datetime=clean(private(data, "GEMS_PETD_01", 0x0D)),
        philips_suv=_first(private(data, PHILIPS, 0x00)),
        philips_bqml=_first(private(data, PHILIPS, 0x09)),
        series_type=(texts(data, "SeriesType") or ("",))[0].upper(),
    )


def enhanced_pet_facts(data: Dataset, plain: PetFacts) -> PetFacts:
    """The same facts where an Enhanced PET file states them."""
    corrected = {"AttenuationCorrected": "ATTN", "DecayCorrected": "DECY"}
    reference = text(data, "DecayCorrectionDateTime")
    return replace(
        plain,
        corrected=tuple(code for keyword, code in corrected.items() if text(data, keyword).upper() == "YES"),
        decay_correction="START" if reference else "",
        series_date=reference[:8],
        series_time=reference[8:],
        acquisition_datetime=reference,
    )


def with_frame_times(facts: PetFacts, content: Dataset | None) -> PetFacts:
    """The facts of one frame of an enhanced file, with when it began and how long it took (FrameContentSequence)."""
    if content is None:
        return facts
    return replace(
        facts,
        frame_datetime=text(content, "FrameAcquisitionDateTime"),
        duration_ms=number(content, "FrameAcquisitionDuration"),
    )


def in_mapped_unit(facts: PetFacts, unit: str, code: str) -> PetFacts | None:
    """The facts where a real world value mapping gives the unit; None where that is none of activity or uptake."""
    if unit not in MAPPED:
        return None
    units, suv_type = MAPPED[unit]
    formula = next((name for name in ("JANMA", "JAMES128") if name in code.upper()), "")
    return replace(facts, units=units, suv_type=suv_type + formula)


def _first(value: object) -> float | None:
    values = as_numbers(value)
    return values[0] if values else None


def attenuation_corrected(facts: Sequence[PetFacts]) -> bool | None:
    """Whether every slice names ATTN among its corrections; None where CorrectedImage is absent."""
    if not any(slice_.corrected for slice_ in facts):
        return None
    return all("ATTN" in slice_.corrected for slice_ in facts)
