"""From the activity a PET scanner stored to the standardised uptake value by body weight (SUVbw, g/mL).

SUVbw = activity [Bq/mL] x weight [g] / (dose [Bq] x 2^(-dt / half-life)), dt from injection to the time that the stored
values are decay corrected to. Follows the vendor-neutral pseudo-code of the QIBA FDG-PET/CT profile. There are no
defaults: what is missing is named, and the values stay in their own unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache

from pydicom import Dataset

from app.core.volume import Suv
from app.files.dicom.header import as_numbers, clean, item, number, private, text, texts, value_of

PHILIPS = "Philips PET Private Group"
SMALLEST_DOSE_BQ = 1e5  # below 0.1 MBq the header means another unit; the attribute is defined in Bq
ACQUIRED = "AcquisitionDateTime"
HEAVIEST_KG = 700.0
LONGEST_HALF_LIVES = 10.0
CLOCK_SLACK_S = 1.0  # series and acquisition times are often rounded to a second
UNITS = {"BQML": "Bq/mL", "CNTS": "counts", "PCNT": "%", "GML": "SUVbw"}
MAPPED = {"Bq/mL": ("BQML", ""), "counts": ("CNTS", ""), "SUVbw": ("GML", "BW"), "SUVlbm": ("GML", "LBM")}
SUV_TYPES = {"BW": "SUVbw", "": "SUVbw", "LBM": "SUVlbm", "LBMJANMA": "SUVlbm", "LBMJAMES128": "SUVlbm"}
FORMULAS = {"LBM": "James or Janmahasatian, not stated", "LBMJANMA": "Janmahasatian", "LBMJAMES128": "James"}


class NoSuv(Exception):  # noqa: N818 - an answer, not an error: the reason is shown to the reader
    """SUV cannot be computed; the message says which element is missing or contradictory."""


@dataclass(frozen=True, slots=True)
class PetFacts:
    """What one PET slice says about activity, dose and time; texts as in the header, None where no number is given."""

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


Earliest = Callable[[], PetFacts]  # the slice of the series that was acquired first


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


def suv(facts: Sequence[PetFacts]) -> tuple[str, Suv, tuple[str, ...]]:
    """The unit that values are given in, the factor to SUVbw per slice, and sentences for the reader.

    The values are to be multiplied by the factor where there is one; the unit is then SUVbw.
    """
    units = {slice_.units for slice_ in facts}
    if len(units) != 1:
        reason = f"the slices state different Units (0054,1001): {', '.join(sorted(units))}"
        return "unknown", Suv(None, reason), (f"No SUV: {reason}.",)
    code = units.pop()
    if code == "GML":
        return _stated_suv(facts)
    unit = UNITS.get(code, "unknown")
    if len({bool(slice_.timezone) for slice_ in facts}) > 1:
        reason = "some slices state a time zone (0008,0201) and some do not"
        return unit, Suv(None, reason), (f"No SUV, values are in {_unit_words(unit, code)}: {reason}.",)
    earliest = cache(lambda: min(facts, key=acquired))  # asked for only where it matters, and once
    try:
        factors = tuple(_factor(slice_, earliest) for slice_ in facts)
    except NoSuv as error:
        return unit, Suv(None, str(error)), (f"No SUV, values are in {_unit_words(unit, code)}: {error}.",)
    method = "Philips SUV scale factor (7053,1000)" if _philips_scale(facts[0]) else "QIBA: weight / decayed dose"
    return "SUVbw", Suv(factors, method), ()


def _unit_words(unit: str, code: str) -> str:
    return f"an unknown unit (Units {code or 'absent'})" if unit == "unknown" else unit


def _stated_suv(facts: Sequence[PetFacts]) -> tuple[str, Suv, tuple[str, ...]]:
    kinds = {slice_.suv_type for slice_ in facts}
    kind = kinds.pop() if len(kinds) == 1 else "several"
    unit = SUV_TYPES.get(kind, "unknown")
    if unit == "unknown":
        reason = f"Units is GML with SUVType (0054,1006) {kind}, which is neither body weight nor lean body mass"
        return unit, Suv(None, reason), (f"No SUVbw: {reason}.",)
    if unit == "SUVlbm":
        reason = f"the values are SUV by lean body mass already ({FORMULAS[kind]}); they cannot be turned into SUVbw"
        return unit, Suv(None, reason), (f"SUV by lean body mass ({FORMULAS[kind]}), not by body weight.",)
    factors = (1.0,) * len(facts)
    if kind:
        return unit, Suv(factors, "stored as SUVbw (Units GML, SUVType BW)"), ()
    note = "Units is GML and SUVType (0054,1006) is absent: taken as SUV by body weight, which DICOM says it then is."
    return unit, Suv(factors, "stored as SUV (Units GML, SUVType absent, hence body weight)"), (note,)


def _philips_scale(facts: PetFacts) -> bool:
    return facts.units == "CNTS" and (facts.philips_suv or 0) > 0


def _factor(facts: PetFacts, earliest: Earliest) -> float:
    if facts.units not in ("BQML", "CNTS"):
        raise NoSuv(f"Units (0054,1001) is {facts.units or 'absent'}, neither BQML nor CNTS nor GML")
    if not facts.corrected:
        raise NoSuv("CorrectedImage (0028,0051) is absent")
    if "ATTN" not in facts.corrected:
        raise NoSuv("the image is not attenuation corrected (CorrectedImage (0028,0051) lacks ATTN)")
    if _philips_scale(facts):
        return float(facts.philips_suv or 0)
    scale = 1.0
    if facts.units == "CNTS":
        if not (facts.philips_bqml or 0) > 0:
            raise NoSuv("the values are counts, and the Philips factors (7053,1000) and (7053,1009) are absent or 0")
        scale = float(facts.philips_bqml or 0)
    return scale * _weight_g(facts) / decayed_dose_bq(facts, earliest)


def _weight_g(facts: PetFacts) -> float:
    if not (facts.weight_kg or 0) > 0:
        raise NoSuv("PatientWeight (0010,1030) is missing or 0")
    if float(facts.weight_kg or 0) > HEAVIEST_KG:
        raise NoSuv(f"PatientWeight (0010,1030) is {facts.weight_kg:g} kg, which cannot be")
    return 1000 * float(facts.weight_kg or 0)


def decayed_dose_bq(facts: PetFacts, earliest: Earliest) -> float:
    """The dose left at the time that this slice's values are decay corrected to, Bq.

    Raises
    ------
    NoSuv : an element is missing, or the times contradict each other
    """
    if facts.tracers > 1:
        raise NoSuv("two tracers are listed (0054,0016), so that the dose is not one number")
    dose, half_life = facts.dose_bq, facts.half_life_s
    if not (dose or 0) > 0:
        raise NoSuv("RadionuclideTotalDose (0018,1074) is missing or 0")
    if float(dose or 0) < SMALLEST_DOSE_BQ:
        raise NoSuv(f"RadionuclideTotalDose (0018,1074) is {dose:g} Bq, too little: it may be meant in MBq")
    if not (half_life or 0) > 0:
        raise NoSuv("RadionuclideHalfLife (0018,1075) is missing or 0")
    correction = facts.decay_correction
    if correction not in ("START", "ADMIN", "NONE"):
        raise NoSuv(f"DecayCorrection (0054,1102) is {correction or 'absent'}, neither START nor ADMIN nor NONE")
    if correction != "NONE" and "DECY" not in facts.corrected:
        raise NoSuv(f"DecayCorrection says {correction}, but CorrectedImage (0028,0051) lacks DECY")
    if correction == "ADMIN":  # the values are those at injection: nothing to decay
        return float(dose or 0)
    reference = acquired(facts) if correction == "NONE" else scan_start(facts, earliest)
    elapsed = (reference - injected(facts, reference)).total_seconds()
    if elapsed < 0:
        raise NoSuv(f"the injection is dated {_span(-elapsed)} after the scan")
    if elapsed > LONGEST_HALF_LIVES * float(half_life or 0):
        raise NoSuv(f"the injection is dated {_span(elapsed)} before the scan, more than ten half-lives")
    return float(dose or 0) * 2 ** (-elapsed / float(half_life or 0))


def _span(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= 172800 else f"{seconds / 60:.0f} minutes"


def scan_start(facts: PetFacts, earliest: Earliest) -> datetime:
    """The time that DecayCorrection START refers to.

    SeriesDate and Time, unless the series was written anew after the scan: then GE's own scan time (0009,100D), or the
    acquisition time, taken back to the scan's start by FrameReferenceTime (QIBA; the average count rate time).
    """
    started = moment(facts.series_date, facts.series_time, facts.timezone, "SeriesDate/SeriesTime (0008,0021/0031)")
    first = earliest()
    if (started - acquired(first)).total_seconds() <= CLOCK_SLACK_S:
        return started
    if facts.ge_scan_datetime:
        return _datetime(facts.ge_scan_datetime, facts.timezone, "GE scan time (0009,100D)")
    return _back_to_start(first)


def _back_to_start(facts: PetFacts) -> datetime:
    frame_start = acquired(facts)
    if not facts.reference_ms or not facts.duration_ms or facts.reference_ms < 0 or facts.duration_ms < 0:
        return frame_start
    rate = math.log(2) / float(facts.half_life_s or math.inf)
    during = rate * facts.duration_ms / 1000
    average_s = facts.duration_ms / 2000 if during < 1e-9 else math.log(during / -math.expm1(-during)) / rate
    back_s = facts.reference_ms / 1000 - average_s
    return frame_start - timedelta(seconds=max(back_s, 0.0))


def acquired(facts: PetFacts) -> datetime:
    """When this slice's frame began: AcquisitionDateTime, or AcquisitionDate and Time."""
    if facts.acquisition_datetime:
        return _datetime(facts.acquisition_datetime, facts.timezone, "AcquisitionDateTime (0008,002A)")
    name = "AcquisitionDate/AcquisitionTime (0008,0022/0032)"
    return moment(facts.acquisition_date, facts.acquisition_time, facts.timezone, name)


def injected(facts: PetFacts, reference: datetime) -> datetime:
    """The injection: (0018,1078), which has a date, or else (0018,1072), the last such time before `reference`."""
    if facts.injection_datetime:
        injection = _datetime(facts.injection_datetime, facts.timezone, "RadiopharmaceuticalStartDateTime (0018,1078)")
        if (injection.tzinfo is None) == (reference.tzinfo is None):
            return injection
        if not facts.injection_time:
            raise NoSuv(
                "RadiopharmaceuticalStartDateTime (0018,1078) states a time zone, but the scan's times do not"
                " (TimezoneOffsetFromUTC (0008,0201) is absent)"
            )
    if not facts.injection_time:
        raise NoSuv("the injection time (0018,1078) or (0018,1072) is missing")
    clock = _clock(facts.injection_time, "RadiopharmaceuticalStartTime (0018,1072)")
    midnight = reference.replace(hour=0, minute=0, second=0, microsecond=0)
    injection = midnight + clock
    # injected before midnight, scanned after
    return injection - timedelta(days=1) if injection > reference else injection


def moment(date: str, time: str, offset: str, name: str) -> datetime:
    """A DA and a TM as one time; aware where TimezoneOffsetFromUTC is given."""
    if not date or not time:
        raise NoSuv(f"{name} is missing")
    digits = date.replace(".", "")  # ACR-NEMA wrote 1999.12.31
    return _with_zone(_day(digits, name) + _clock(time, name), offset, name)


def _day(digits: str, name: str) -> datetime:
    try:
        day = datetime.strptime(digits[:8], "%Y%m%d")
    except ValueError as error:
        raise NoSuv(f"{name} has no valid date") from error
    if day.year < 1850:  # de-identification moves dates, but no dataset is that old
        raise NoSuv(f"{name} has no valid date")
    return day


def _clock(time: str, name: str) -> timedelta:
    match = re.fullmatch(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(\.\d*)?)?)?", time.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3]) if match else (99, 0, 0)
    if match is None or hours > 23 or minutes > 59 or seconds > 60:
        raise NoSuv(f"{name} is no valid time")
    fraction = float(f"0{match.group(4)}0") if match.group(4) else 0.0
    return timedelta(hours=hours, minutes=minutes, seconds=seconds + fraction)


def _datetime(value: str, offset: str, name: str) -> datetime:
    """A DT; its own &ZZXX suffix goes before TimezoneOffsetFromUTC."""
    match = re.fullmatch(r"(\d{8})(\d{2,6}(?:\.\d*)?)([+-]\d{4})?", value.strip())
    if match is None:
        raise NoSuv(f"{name} is no full date and time")
    return _with_zone(_day(match.group(1), name) + _clock(match.group(2), name), match.group(3) or offset, name)


def _with_zone(local: datetime, offset: str, name: str) -> datetime:
    if not offset:
        return local
    match = re.fullmatch(r"([+-])(\d\d)(\d\d)", offset.strip())
    if match is None or int(match.group(2)) > 14:
        raise NoSuv(f"the time zone {offset[:8]!r} of {name} is not valid")
    minutes = (60 * int(match.group(2)) + int(match.group(3))) * (-1 if match.group(1) == "-" else 1)
    return local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
