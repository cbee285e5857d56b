"""When a PET slice was acquired, what its values are decay corrected to, and when the tracer was injected."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from app.files.dicom.pet_facts import NoSuv, PetFacts

LONGEST_HALF_LIVES = 10.0
CLOCK_SLACK_S = 1.0  # series and acquisition times are often rounded to a second
ONE_TIME = ("STATIC", "WHOLE BODY", "GATED")  # SeriesType of what shows one time only, and so has activity in it
_DAY = timedelta(days=1)


class SeriesTimes:
    """When a series was acquired as a whole, whichever volumes it is split into; worked out once, where it matters.

    Slices without a time are left out, and those that state a time zone are not compared with those that do not.
    """

    def __init__(self, whole: Sequence[PetFacts]) -> None:
        self._whole = whole
        self._known: dict[bool, tuple[PetFacts, datetime]] = {}

    def earliest(self, facts: PetFacts) -> PetFacts:
        """The slice of the series of `facts` that was acquired first."""
        return self._of_zone(facts)[0]

    def end(self, facts: PetFacts) -> datetime:
        """The end of the last frame of the series of `facts`."""
        return self._of_zone(facts)[1]

    def _of_zone(self, facts: PetFacts) -> tuple[PetFacts, datetime]:
        zone = bool(facts.timezone)
        if zone not in self._known:
            dated = [other for other in self._whole if bool(other.timezone) == zone and _is_dated(other)] or [facts]
            self._known[zone] = min(dated, key=acquired), max(map(ended, dated))
        return self._known[zone]


def _is_dated(facts: PetFacts) -> bool:
    try:
        ended(facts)
    except NoSuv:
        return False
    return True


def elapsed_s(facts: PetFacts, times: SeriesTimes) -> float:
    """Seconds from the injection to the time that this slice's values are decay corrected to.

    Less than 0 where the tracer was injected on the table, after the time that a dynamic series refers to: the dose is
    then counted back to that time as the values are.

    Raises
    ------
    NoSuv : a time is missing, or the times contradict each other
    """
    frame_start = acquired(facts)
    reference = frame_start if facts.decay_correction == "NONE" else scan_start(facts, times)
    # Frames of a dynamic series may end before the injection: there is nothing in them yet.
    end = ended(facts) if facts.series_type in ONE_TIME else times.end(facts)
    elapsed = (reference - injected(facts, reference, end)).total_seconds()
    if elapsed < 0:
        _check_injected_during_scan(facts, reference, end, elapsed)
    if elapsed > LONGEST_HALF_LIVES * float(facts.half_life_s or 0):
        raise NoSuv(f"the injection is dated {_span(elapsed)} before the scan, more than ten half-lives")
    return elapsed


def _check_injected_during_scan(facts: PetFacts, reference: datetime, end: datetime, elapsed: float) -> None:
    if reference + timedelta(seconds=-elapsed) >= end:
        raise NoSuv(f"the injection is dated {_span(-elapsed)} after the scan")
    if facts.reference_ms is None or facts.duration_ms is None or facts.decay_correction == "NONE":
        return
    # FrameReferenceTime counts from the time referred to, to some moment of the frame (C.8.9.4.1.5).
    frame_start_s = (acquired(facts) - reference).total_seconds()
    if not -CLOCK_SLACK_S <= facts.reference_ms / 1000 - frame_start_s <= facts.duration_ms / 1000 + CLOCK_SLACK_S:
        raise NoSuv(
            f"the injection is dated {_span(-elapsed)} after the time that the values refer to, and FrameReferenceTime"
            " (0054,1300) contradicts that time"
        )


def _span(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= 172800 else f"{seconds / 60:.0f} minutes"


def scan_start(facts: PetFacts, times: SeriesTimes) -> datetime:
    """The time that DecayCorrection START refers to.

    SeriesDate and Time, unless the series was written anew after the scan: then GE's own scan time (0009,100D), or the
    acquisition time, taken back to the scan's start by FrameReferenceTime (QIBA; the average count rate time).
    """
    started = moment(facts.series_date, facts.series_time, facts.timezone, "SeriesDate/SeriesTime (0008,0021/0031)")
    first = times.earliest(facts)
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


def ended(facts: PetFacts) -> datetime:
    """When this slice's frame ended; when it began, where it does not say how long it took."""
    if facts.frame_datetime:
        frame_start = _datetime(facts.frame_datetime, facts.timezone, "FrameAcquisitionDateTime (0018,9074)")
    else:
        frame_start = acquired(facts)
    return frame_start + timedelta(milliseconds=max(facts.duration_ms or 0.0, 0.0))


def injected(facts: PetFacts, reference: datetime, end: datetime) -> datetime:
    """The injection: (0018,1078), which has a date, or else (0018,1072), the last such time before `reference`.

    A time of day between `reference` and the end of the scan is that of an injection on the table where a day earlier
    is too long ago; where it is not, either could be meant.
    """
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
    latest = injection - _DAY if injection > reference else injection  # injected before midnight, scanned after
    if latest + _DAY >= end:
        return latest
    if (reference - latest).total_seconds() > LONGEST_HALF_LIVES * float(facts.half_life_s or math.inf):
        return latest + _DAY
    raise NoSuv(
        "RadiopharmaceuticalStartTime (0018,1072) has no date, and its time of day lies within the scan: the tracer may"
        " have been injected then or on the day before"
    )


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
