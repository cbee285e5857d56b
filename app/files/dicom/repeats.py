"""Several pictures of one place in one series: told apart by what their headers say, so that each volume has its own.

First by the traits that are read with every header; then by the order in time, where one pass ends before the next
begins; at last by anything else that the whole headers state. Where nothing tells, equal pictures are dropped and
different ones marked as mixed: never merged, never dropped in silence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np

from app.files.dicom.copies import copy_warnings, same_pixels
from app.files.dicom.frames import Frame
from app.files.dicom.grid import SAME_MM, NotAStack, along_normal
from app.files.dicom.traits import CLOCKS, TRAITS, Traits, sort_key, trait_words, whole_headers

MOST_TOGETHER = 3  # traits that are tried together, before all of them are
MOST_TRIED = 24  # traits of whole headers, so that thousands of private elements do not make millions of pairs
TRIGGER = "TriggerTime"
_STEADY = [key for key in TRAITS if key not in CLOCKS]


@dataclass(frozen=True)
class Part:
    """Frames that belong together; label: what sets them apart within their series; warnings: sentences."""

    frames: tuple[Frame, ...]
    label: str = ""
    warnings: tuple[str, ...] = ()
    mixed: bool = False  # positions still repeat


def told_apart(part: Part) -> list[Part]:
    """The volumes in a part whose positions repeat; the part itself where they do not."""
    places = _place_numbers(part.frames)
    if places is None:
        return [part]
    repeats = max(Counter(places).values())
    if repeats == 1:
        return [part]
    if len(places) - len(set(places)) <= max(3, len(places) // 10):  # a few: perhaps sent twice
        part = _without_equal(part)
        if not part.mixed:
            return [part]
        places = _place_numbers(part.frames) or places
    traits = [frame.traits for frame in part.frames]
    return (
        _by_traits(part, places, traits)
        or _by_passes(part, places)
        or _by_anything(part, places, whole_headers([(frame.path, frame.index) for frame in part.frames]))
        or _by_one_after_the_other(part, places, traits)
        or [_without_equal(part)]
    )


def _place_numbers(frames: Sequence[Frame]) -> list[int] | None:
    """A number for each frame, the same where frames lie at one place; None where some lie nowhere."""
    if len(frames) < 2 or any(frame.position is None for frame in frames):
        return None
    try:
        along = along_normal(frames)
    except NotAStack:
        return None
    order = np.argsort(along, kind="stable")
    numbers = np.empty(len(along), int)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(along[order]) >= SAME_MM)])
    return [int(number) for number in numbers]


def _by_traits(part: Part, places: Sequence[int], traits: Sequence[Traits]) -> list[Part]:
    """By one trait, or by the fewest that tell all repeats apart; [] where they do not."""
    repeats = max(Counter(places).values())
    limit = max(2 * repeats, len(places) // 2)  # groups: more would tear volumes to pieces
    telling = _telling(traits, places, TRAITS)
    steady = [key for key in telling if key in _STEADY]
    together = [keys for count in range(2, MOST_TOGETHER + 1) for keys in combinations(steady, count)]
    for keys in [*((key,) for key in telling), *together, tuple(steady), tuple(telling)]:
        groups = _grouped(traits, keys)
        fits = len(groups) == repeats if set(keys) & set(CLOCKS) else 1 < len(groups) <= limit
        if fits and _all_once(groups, places):
            return _parts(part, keys, groups)
    return []


def _by_passes(part: Part, places: Sequence[int]) -> list[Part]:
    """By the order in time, where each place was visits equally often: phases of the heart, whose trigger times vary
    from place to place; or passes of which one was over before the next began."""
    counts = set(Counter(places).values())
    for clock in (TRIGGER, *CLOCKS) if len(counts) == 1 else ():
        times = [sort_key(frame.traits.get(clock, ""))[0] for frame in part.frames]
        if not np.isfinite(times).all() or len(set(zip(times, places, strict=True))) < len(times):
            continue
        passes: dict[int, list[int]] = defaultdict(list)
        visits: Counter[int] = Counter()
        for n in sorted(range(len(times)), key=times.__getitem__):
            passes[visits[places[n]]].append(n)
            visits[places[n]] += 1
        if clock == TRIGGER or all(times[first[-1]] < times[second[0]] for first, second in pairwise(passes.values())):
            name = "phase" if clock == TRIGGER else "pass"
            return [_piece(part, numbers, f"{name} {n + 1} of {len(passes)}") for n, numbers in passes.items()]
    return []


def _by_anything(part: Part, places: Sequence[int], traits: Sequence[Traits]) -> list[Part]:
    """By whatever has one value for each of the repeats: that cannot be so by chance."""
    repeats = max(Counter(places).values())
    names = sorted({name for values in traits for name in values}, key=_unnamed_last)
    telling = _telling(traits, places, names)
    few = [name for name in telling if len({values.get(name, "") for values in traits}) <= repeats]
    for keys in [*((name,) for name in few), *combinations(few[:MOST_TRIED], 2)]:
        groups = _grouped(traits, keys)
        if len(groups) == repeats and _all_once(groups, places):
            return _parts(part, keys, groups)
    return []


def _by_one_after_the_other(part: Part, places: Sequence[int], traits: Sequence[Traits]) -> list[Part]:
    """By the first trait that tells some of the repeats apart, and each of those groups by what tells there."""
    keys = tuple(key for key in _telling(traits, places, TRAITS) if key in _STEADY)[:1]
    pieces = _parts(part, keys, _grouped(traits, keys)) if keys else []
    return [volume for piece in pieces for volume in told_apart(piece)]


def _unnamed_last(name: str) -> tuple[bool, str]:
    return name.startswith(("(", "dimension")), name


def _telling(
    traits: Sequence[Traits], places: Sequence[int], keys: Sequence[str] | dict[str, tuple[str, str]]
) -> list[str]:
    """The keys whose values differ somewhere between pictures of one place."""

    def tells(key: str) -> bool:
        first: dict[int, str] = {}
        return any(
            first.setdefault(place, value) != value for place, value in zip(places, _values(traits, key), strict=True)
        )

    return [key for key in keys if tells(key)]


def _values(traits: Sequence[Traits], key: str) -> Iterator[str]:
    return (values.get(key, "") for values in traits)


Groups = dict[tuple[str, ...], list[int]]


def _grouped(traits: Sequence[Traits], keys: tuple[str, ...]) -> Groups:
    groups: Groups = defaultdict(list)
    for n, values in enumerate(traits):
        groups[tuple(values.get(key, "") for key in keys)].append(n)
    return groups


def _all_once(groups: Groups, places: Sequence[int]) -> bool:
    """Whether no group holds two pictures of one place."""
    return all(len({places[n] for n in numbers}) == len(numbers) for numbers in groups.values())


def _parts(part: Part, keys: tuple[str, ...], groups: Groups) -> list[Part]:
    varying = [n for n in range(len(keys)) if len({values[n] for values in groups}) > 1]
    ordered = sorted(groups.items(), key=lambda entry: [sort_key(value) for value in entry[0]])
    return [
        _piece(part, numbers, ", ".join(trait_words(keys[n], values[n]) for n in varying))
        for values, numbers in ordered
    ]


def _piece(part: Part, numbers: Sequence[int], label: str) -> Part:
    frames = tuple(part.frames[n] for n in sorted(numbers))
    return Part(frames, ", ".join(filter(None, [part.label, label])), part.warnings)


def _without_equal(part: Part) -> Part:
    """No header tells the repeats apart: drop those with the same pixels, and mark what is left as mixed."""
    places = along_normal(part.frames)
    order = sorted(range(len(places)), key=lambda n: (places[n], part.frames[n].instance, part.frames[n].path.name))
    unique: list[int] = []
    dropped: list[str] = []
    mixed = False
    for n in order:
        same = bool(unique) and places[n] - places[unique[-1]] < SAME_MM
        if same and same_pixels(part.frames[unique[-1]], part.frames[n]):
            dropped.append(part.frames[n].path.name)
            continue
        mixed = mixed or same
        unique.append(n)
    return replace(
        part,
        frames=tuple(part.frames[n] for n in unique),
        warnings=(*part.warnings, *copy_warnings(dropped)),
        mixed=mixed,
    )
