"""How long work reports: a plain callable that may raise Cancelled to stop the work where it stands."""

from __future__ import annotations

from typing import Protocol


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """Raised from inside a Progress call when the user cancelled; unwinds the work, and is never swallowed."""


class Progress(Protocol):
    """Called with a fraction in [0, 1] and a short message, often enough that Cancel answers within 0.3 s."""

    def __call__(self, fraction: float, message: str = "") -> None: ...


def silent(fraction: float, message: str = "") -> None:
    """Report to no one."""


def nested(progress: Progress, start: float, stop: float) -> Progress:
    """A Progress for a part of the work: its 0..1 becomes start..stop of the whole."""

    def part(fraction: float, message: str = "") -> None:
        progress(start + fraction * (stop - start), message)

    return part


def spoken(seconds: float) -> str:
    """A duration for people, of two figures at most: "under 1 ms", "8 ms", "1.4 s", "40 s", "9 min", "2.5 h"."""
    return _counted(seconds) or "under 1 ms"


def roughly(seconds: float) -> str:
    """The same where it is an estimate: "about 8 ms", and still "under 1 ms"."""
    counted = _counted(seconds)
    return f"about {counted}" if counted else spoken(seconds)


def _counted(seconds: float) -> str:
    """A number of two figures and its unit; "" where that is less than one millisecond."""
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 0.001)):
        count = float(f"{seconds / size:.2g}")
        if count >= (2 if unit in ("h", "min") else 1):
            return f"{count:g} {unit}" if count < 10 and unit in ("h", "s") else f"{count:.0f} {unit}"
    return ""
