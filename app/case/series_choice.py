"""Which series and slices a command or a call means: chosen alone only where one choice is possible, else asked for."""

from __future__ import annotations

from collections.abc import Sequence
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
    def __init__(self, path: Path, wanted: str, choices: Sequence[Series], option: str) -> None:
        listed = "; ".join(f"{one.uid} ({one.modality or 'no modality'} {one.description})".strip() for one in choices)
        super().__init__(
            f"{path} holds {len(choices)} series that could be {wanted}.",
            hint=f"Choose one with {option} UID ({option.strip('-').replace('-', '_')} in Python): {listed}",
        )


def pick_series(
    path: Path,
    uid: str | None,
    option: str,
    *,
    role: str = "",
    apart: Series | None = None,
    progress: Progress = silent,
) -> Series:
    """The one series at `path` that can play the role; UsageError where there is none or more than one.

    role : "MRI", "partner" or "" for any; apart : a series that is taken already
    """
    from app.files import readers

    require_path(path)
    scan = readers.scan([path], progress)
    found = [one for study in scan.studies for one in study.series]
    if uid is not None:
        named = [one for one in found if one.uid == uid]
        if not named:
            raise UsageError(f"{path} holds no series {uid}.", hint=f"`synoptic info {path}` lists what is there.")
        if named[0].problem:
            raise UsageError(named[0].problem, hint=f"Choose another series: `synoptic info {path}` lists them.")
        return named[0]
    usable = [one for one in found if not one.problem and (apart is None or one.uid != apart.uid)]
    fitting = {"MRI": bases_among, "partner": partners_among}.get(role, list)(usable)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise SeriesChoiceError(path, f"the {role}" if role else "meant", fitting, option)
    if apart is not None and any(one.uid == apart.uid for one in found):
        raise UsageError(
            f"{path} holds nothing but the MRI itself ({apart.description or apart.uid}), so there is no {role}.",
            hint="Name the MRI first, then another file or folder with its partner.",
        )
    reasons = [one.problem for one in found if one.problem] or [f"{one.path}: {one.reason}" for one in scan.skipped]
    if usable:
        kinds = ", ".join(sorted({modality_of(one.modality).short for one in usable}))
        raise UsageError(
            f"{path} holds {kinds}, but no series that could be the {role}.",
            hint="Name the MRI first, then its partner; of two pictures the visible one first, then the infrared one.",
        )
    raise UsageError(
        f"{path} holds no image that can be read. {reasons[0] if reasons else ''}".strip(),
        hint=f"`synoptic info {path}` tells why.",
    )


def series_warnings(*pair: Series) -> list[str]:
    """What was found odd in the series: whoever fuses a folder has not read `synoptic info`."""
    return [f"{one.description or one.uid}: {warning}" for one in pair for warning in one.warnings]


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
