"""The list of studies: what was opened before, and what is found now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, count

from app.core.volume import Study


def joined(listed: Sequence[Study], found: Sequence[Study]) -> tuple[tuple[Study, ...], tuple[Study, ...]]:
    """The whole list, and of it the studies just found; a series that is found again replaces the one it was.

    Anonymous copies of two patients can share all their UIDs: such a series gets a uid of its own.
    """
    known = {(study.uid, study.patient): study for study in listed}
    fresh = []
    for study in found:
        place = study.uid, study.patient
        study = _named_apart(
            study, {series.uid for at, other in known.items() if at != place for series in other.series}
        )
        fresh.append(study)
        again = {series.uid for series in study.series}
        kept = tuple(series for series in known[place].series if series.uid not in again) if place in known else ()
        known[place] = replace(study, series=(*kept, *study.series))
    return tuple(known.values()), tuple(fresh)


def _named_apart(study: Study, others: set[str]) -> Study:
    """The study with a uid of its own for every series that shares one with `others`; the same again each time."""
    named = []
    for series in study.series:
        uids = chain([series.uid], (f"{series.uid}#copy{number}" for number in count(2)))
        uid = next(name for name in uids if name not in others)
        named.append(series if uid == series.uid else replace(series, uid=uid))
    return replace(study, series=tuple(named))
