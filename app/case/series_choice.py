"""Which series and slices a command or a call means: chosen alone only where one choice is possible, else asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.base.errors import UsageError
from app.base.progress import Progress, silent
from app.case.roles import bases_among, partners_among
from app.core.modalities import modality_of

if TYPE_CHECKING:
    from app.core.volume import Series


class NoSuchPathError(UsageError):
    hint = "Check the spelling, and that the drive is connected."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} does not exist.")


class SeriesChoiceError(UsageError):
    """Several could be meant; `numbered` are those that could, by their numbers in the list of `synoptic info`."""

    def __init__(self, path: Path, wanted: str, numbered: Mapping[int, Series], option: str) -> None:
        choices = "; ".join(
            f"{number}: {series.modality or 'no modality'} {series.description} ({series.uid})"
            for number, series in numbered.items()
        )
        super().__init__(
            f"{path} holds {len(numbered)} series that could be {wanted}.",
            hint=f"Choose one with {option} and its number, modality, description or UID "
            f"({option.strip('-').replace('-', '_')} in Python): {choices}",
        )


def pick_series(
    path: Path,
    choice: str | None,
    option: str,
    *,
    role: str = "",
    apart: Series | None = None,
    progress: Progress = silent,
) -> Series:
    """The one series at `path` that can play the role; UsageError where there is none or more than one.

    choice : its uid, its number in the list of `synoptic info`, its modality ("PT", "PET") or its description, whole or
        in part; of several that it fits, those that can play the role; None where the role alone says which
    role : "MRI", "partner" or "" for any; apart : a series that is taken already
    """
    from app.files import readers

    require_path(path)
    scan = readers.scan([path], progress)
    series = dict(enumerate((member for study in scan.studies for member in study.series), 1))
    if choice is not None:
        return _chosen(path, choice, option, series, role, apart)
    usable = _usable(series, apart)
    fitting = _fitting(usable, role)
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        raise SeriesChoiceError(path, f"the {role}" if role else "meant", fitting, option)
    if apart is not None and any(member.uid == apart.uid for member in series.values()):
        raise UsageError(
            f"{path} holds nothing but the MRI itself ({apart.description or apart.uid}), so there is no {role}.",
            hint="Name the MRI first, then another file or folder with its partner.",
        )
    reasons = [member.problem for member in series.values() if member.problem]
    reasons = reasons or [f"{skip.path}: {skip.reason}" for skip in scan.skipped]
    if usable:
        kinds = ", ".join(sorted({modality_of(member.modality).short for member in usable.values()}))
        raise UsageError(
            f"{path} holds {kinds}, but no series that could be the {role}.",
            hint="Name the MRI first, then its partner; of two pictures the visible one first, then the infrared one.",
        )
    raise UsageError(
        f"{path} holds no image that can be read. {reasons[0] if reasons else ''}".strip(),
        hint=f"`synoptic info {path}` tells why.",
    )


def _chosen(
    path: Path, choice: str, option: str, series: Mapping[int, Series], role: str, apart: Series | None
) -> Series:
    """The series that is named: the first kind of name that any of them bears counts."""
    for fits in (_is_uid, _is_number, _is_modality, _is_description, _is_in_description):
        named = {number: member for number, member in series.items() if fits(choice.strip(), number, member)}
        if not named:
            continue
        usable = _usable(named, apart) if len(named) > 1 else named
        candidates = (_fitting(usable, role) or usable) if len(usable) > 1 else usable
        if len(candidates) > 1:
            raise SeriesChoiceError(path, repr(choice), candidates, option)
        member = next(iter((candidates or named).values()))
        if member.problem:
            raise UsageError(member.problem, hint=f"Choose another series: `synoptic info {path}` lists them.")
        return member
    raise UsageError(f"{path} holds no series {choice}.", hint=f"`synoptic info {path}` lists what is there.")


def _is_uid(choice: str, number: int, series: Series) -> bool:
    return choice == series.uid


def _is_number(choice: str, number: int, series: Series) -> bool:
    return choice == str(number)


def _is_modality(choice: str, number: int, series: Series) -> bool:
    kind = modality_of(series.modality)
    return choice.upper() in {name.upper() for name in (kind.code, kind.name) if name}


def _is_description(choice: str, number: int, series: Series) -> bool:
    return bool(choice) and choice.casefold() == series.description.casefold()


def _is_in_description(choice: str, number: int, series: Series) -> bool:
    return bool(choice) and choice.casefold() in series.description.casefold()


def _usable(series: Mapping[int, Series], apart: Series | None) -> dict[int, Series]:
    """Those that can be read and are not taken."""
    return {
        number: member
        for number, member in series.items()
        if not member.problem and (apart is None or member.uid != apart.uid)
    }


def _fitting(series: Mapping[int, Series], role: str) -> dict[int, Series]:
    """Those that can play the role."""
    suited = {"MRI": bases_among, "partner": partners_among}.get(role, list)(list(series.values()))
    uids = {member.uid for member in suited}
    return {number: member for number, member in series.items() if member.uid in uids}


def series_warnings(*pair: Series) -> list[str]:
    """What was found odd in the series: whoever fuses a folder has not read `synoptic info`."""
    return [f"{series.description or series.uid}: {warning}" for series in pair for warning in series.warnings]


def require_path(path: Path) -> None:
    if not path.exists():
        raise NoSuchPathError(path)


def pick_slices(text: str, count: int) -> range:
    """ "all", "K" or "A:B" (without B) as a range within 0..count."""
    try:
        if text == "all":
            return range(count)
        if ":" in text:
            start, stop = (
                int(part) if part else default for part, default in zip(text.split(":"), (0, count), strict=True)
            )
        else:
            start, stop = int(text), int(text) + 1
    except ValueError:
        raise UsageError(f"--slices {text!r} is not all, K or A:B.", hint="For example: --slices 40:60") from None
    if 0 <= stop <= start <= count and ":" in text:
        raise UsageError(
            f"--slices {text} names no slice: slices run from A up to B, without B.", hint="For example: --slices 40:60"
        )
    if not 0 <= start < stop <= count:
        raise UsageError(
            f"--slices {text} is outside the MRI's {count} slices.", hint=f"Slices count from 0 to {count - 1}."
        )
    return range(start, stop)
