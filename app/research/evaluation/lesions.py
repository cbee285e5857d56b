"""Plant and delete lesions in the sources: how often does the fused picture show the one and invent the other?

    python -m app.research lesions --pairs DIR [--networks a,b] [--weights NAME=FILE] [--scalar] [--per-task N] [--json]

A lesion is a Gaussian of 3 pixels FWHM, brighter or darker than its surroundings by 10 % of their mean. Pictures are
floats in [0, 1] throughout, so that nothing is lost to rounding before the network.

`spots` says what the contrast-to-noise ratio (CNR) at a place is. Of a planted lesion, the contrast is what it adds:
that of the picture with it minus that of the same picture without it, so that anatomy, which has a CNR of its own, is
not mistaken for it. A lesion is

- *kept* where its CNR in the fused picture, of the same sign, is at least half of its CNR in the source;
- *invented* where the fused picture's CNR is above 1 and neither source has 0.5.

Lesions are planted, in the MRI and in the partner, bright and dark, where either is the brighter one, at places
drawn with a seed where neither source has 0.5 and the lesion has at least 1. *Fair* places are those where the other
source is no noisier than the lesion's own: there the plain sum of both sources keeps at least 0.7 of its CNR
(uncorrelated noise adds in squares), so what is lost was lost by the fusion. At *busy* places the other source's own
detail is stronger, and any picture that shows that detail may hide the lesion in it: told apart, for information.

Deleted are planted lesions (the picture as it was) and natural spots: places in tissue (where 10 % would be at least a
grey level) at which one source has 1 and the other not 0.5, filled with the plane of their surroundings.

Places lie at least 24 pixels apart, so that one picture carries many and none is in another's surroundings; a network
whose field of view is wider sees the others too, as it would see other anatomy. Each pair is fused twice.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from app.base.errors import InputError
from app.base.progress import Progress, silent
from app.fusion import infer
from app.research.evaluation.fusers import FuseUnit, Unit, asked_networks, asked_pairs
from app.research.evaluation.options import add_sources
from app.research.evaluation.spots import ABSENT, CORE, GREY_LEVEL, REACH, RING, THERE, Look, R, X, Y, look
from app.research.evaluation.validation import partner_of, unit
from app.research.pairs import Pair

AMPLITUDE = 0.1  # of the mean of the surroundings
KEPT = 0.5  # of the source's CNR
WHERE = ("mri", "partner")
APART = 24  # pixels

_LESION = np.exp(-4 * np.log(2) * (R / 3.0) ** 2)
_FILL = np.clip((5 - R) / 2, 0, 1)  # all of it within 3 pixels, nothing from 5 on
_CONTRAST = float((_LESION * (CORE - RING)).sum())  # of a lesion of height 1


class NowhereToPlantError(InputError):
    hint = "Give pairs of pictures of at least 16 x 16 pixels that show tissue in at least one of both sources."

    def __init__(self) -> None:
        super().__init__("In none of the pairs is there a place to plant or delete a lesion.")


@dataclass(frozen=True)
class Place:
    """source : 0 the MRI, 1 the partner; sign : 1 bright, -1 dark; other : the other source there is "brighter" or
    "darker" and "quiet" or "busy"; natural : a spot that is there and is deleted, not one to plant
    """

    y: int
    x: int
    source: int
    sign: int
    brightness: str
    texture: str
    natural: bool = False


@dataclass(frozen=True)
class Outcome:
    """A planted lesion: its CNR and contrast in the source, and in each fused picture by the network's name."""

    task: str
    pair: str
    place: Place
    cnr: float
    contrast: float
    fused_cnr: Mapping[str, float]
    fused_contrast: Mapping[str, float]

    def kept_by(self, network: str) -> bool:
        return self.fused_cnr[network] >= KEPT * self.cnr


@dataclass(frozen=True)
class Deletion:
    """A place where neither source has a lesion (any more), and what each fused picture has there."""

    task: str
    pair: str
    place: Place
    fused_cnr: Mapping[str, float]

    def invented_by(self, network: str) -> bool:
        return abs(self.fused_cnr[network]) > THERE


@dataclass
class Outcomes:
    planted: list[Outcome] = field(default_factory=list)
    deleted: list[Deletion] = field(default_factory=list)


def choose(sources: Sequence[Unit], draw: np.random.Generator) -> list[Place]:
    """Places to plant lesions and natural spots to delete: each kind in turn, the rarest first, fair ones before busy.

    sources : mri and partner
    """
    looks = [look(source) for source in sources]
    turns: list[list[list[Place]]] = [[], [], []]  # fair, natural, busy: kinds, each with its places in random order
    for source in (0, 1):
        own, other = looks[source], looks[1 - source]
        absent = [np.abs(source.cnr) < ABSENT for source in looks]
        height = AMPLITUDE * own.mean
        shows = absent[0] & absent[1] & (_CONTRAST * height >= THERE * own.noise)
        spot = absent[1 - source] & (np.abs(own.cnr) >= THERE) & (_CONTRAST * height >= GREY_LEVEL)  # not in air
        spot &= np.abs(own.contrast) == ndimage.maximum_filter(np.abs(own.contrast), 7)
        for sign in (1, -1):
            towards = sources[source] if sign > 0 else -sources[source]
            room = ndimage.maximum_filter(towards, 3) + height <= (sign > 0)  # it is not clipped
            for brighter in (True, False):
                lit = (other.mean > own.mean) == brighter
                natural = spot & lit & (np.sign(own.contrast) == sign)
                busy = other.noise > own.noise
                for turn, where in enumerate((shows & room & lit & ~busy, natural, shows & room & lit & busy)):
                    points = draw.permutation(np.argwhere(_inside(where)))
                    kind = (source, sign, "brighter" if brighter else "darker", "busy" if turn == 2 else "quiet")
                    turns[turn].append([Place(int(y), int(x), *kind, natural=turn == 1) for y, x in points])
    chosen: list[Place] = []
    for kinds in turns:
        kinds.sort(key=len)
        while any(kinds):
            for kind_left in kinds:
                while kind_left:
                    place = kind_left.pop()
                    if all(np.hypot(place.y - earlier.y, place.x - earlier.x) >= APART for earlier in chosen):
                        chosen.append(place)
                        break
    return chosen


def _inside(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the places whose lesion or surroundings would leave the picture."""
    inside = np.zeros_like(where)
    inside[REACH:-REACH, REACH:-REACH] = where[REACH:-REACH, REACH:-REACH]
    return inside


def changed(sources: Sequence[Unit], places: Sequence[Place], amplitude: float = AMPLITUDE) -> list[Unit]:
    """mri and partner with the lesions planted, of that share of their surroundings, and the natural spots deleted."""
    looks = [look(source) for source in sources]
    after = [source.copy() for source in sources]
    for place in places:
        patch = after[place.source][
            place.y - REACH : place.y + REACH + 1, place.x - REACH : place.x + REACH + 1
        ]  # a view
        if place.natural:
            plane = (patch * RING).sum()
            for step in (Y, X):
                plane = plane + step * (patch * RING * step).sum() / (RING * step**2).sum()
            patch += _FILL * (plane - patch)
        else:
            patch += place.sign * amplitude * looks[place.source].mean[place.y, place.x] * _LESION
        np.clip(patch, 0, 1, out=patch)
    return after


def examine(
    pairs: Sequence[Pair],
    fusers: Mapping[str, FuseUnit],
    *,
    scalar: bool = False,
    seed: int = 0,
    progress: Progress = silent,
) -> Outcomes:
    """Plant, delete, fuse and measure; the pixel maximum is always among the networks, as "maximum"."""
    outcomes = Outcomes()
    fusers = {"maximum": np.maximum} | dict(fusers)
    for done, pair in enumerate(pairs):
        before = [unit(picture).astype(np.float64) for picture in (pair.mri, partner_of(pair, scalar))]
        places = choose(before, np.random.default_rng([seed, zlib.crc32(f"{pair.task}/{pair.name}".encode())]))
        after = changed(before, places)
        source_looks = [(look(was), look(now)) for was, now in zip(before, after, strict=True)]
        fused_looks: dict[str, tuple[Look[Unit], Look[Unit]]] = {}
        for number, (name, fuse) in enumerate(fusers.items()):
            share = (done + number / len(fusers)) / len(pairs)
            report = partial(progress, share, f"{name}, {pair.task} {pair.name}")
            report()
            with infer.Stoppable(report):
                fused_looks[name] = look(fuse(*before)), look(fuse(*after))
        for place in places:
            at = place.y, place.x
            if not place.natural:
                contrast, cnr = added(source_looks[place.source], place)
                in_fused = {name: added(looks, place) for name, looks in fused_looks.items()}
                fused_contrast = {name: gained for name, (gained, _) in in_fused.items()}
                fused_cnr = {name: ratio for name, (_, ratio) in in_fused.items()}
                outcomes.planted.append(Outcome(pair.task, pair.name, place, cnr, contrast, fused_cnr, fused_contrast))
            without = int(place.natural)  # a planted lesion is not there before, a natural spot not after
            if all(abs(looks[without].cnr[at]) < ABSENT for looks in source_looks):
                left = {name: float(looks[without].cnr[at]) for name, looks in fused_looks.items()}
                outcomes.deleted.append(Deletion(pair.task, pair.name, place, left))
    return outcomes


def added(looks: tuple[Look[Unit], Look[Unit]], place: Place) -> tuple[float, float]:
    """Contrast and CNR that a planted lesion adds to a picture, positive where they have the lesion's sign."""
    was, now = looks
    at = place.y, place.x
    contrast = place.sign * float(now.contrast[at] - was.contrast[at])
    return contrast, contrast / float(was.noise[at])


def summary(outcomes: Outcomes) -> dict[str, dict[str, dict[str, Any]]]:
    """By task and network: {"fair", "mri", "partner", "busy": counts of planted lesions, "deleted", "invented"}.

    "mri" and "partner" split the fair ones by where they were planted. Counts are "planted", "kept", "lost_by_maximum",
    "kept_of_these", and of these "contrast", the median share of the lesion's contrast that the fused picture has.
    """
    counts: dict[str, dict[str, dict[str, Any]]] = {}
    for task in dict.fromkeys(deletion.task for deletion in outcomes.deleted):
        planted = [outcome for outcome in outcomes.planted if outcome.task == task]
        deleted = [deletion for deletion in outcomes.deleted if deletion.task == task]
        fair = [outcome for outcome in planted if outcome.place.texture == "quiet"]
        groups = {
            "fair": fair,
            WHERE[0]: [outcome for outcome in fair if outcome.place.source == 0],
            WHERE[1]: [outcome for outcome in fair if outcome.place.source == 1],
            "busy": [outcome for outcome in planted if outcome.place.texture == "busy"],
        }
        counts[task] = {
            name: {group: _counts(members, name) for group, members in groups.items()}
            | {"deleted": len(deleted), "invented": sum(deletion.invented_by(name) for deletion in deleted)}
            for name in deleted[0].fused_cnr
        }
    return counts


def _counts(planted: Sequence[Outcome], network: str) -> dict[str, float | None]:
    lost = [outcome for outcome in planted if not outcome.kept_by("maximum")]
    shares = [outcome.fused_contrast[network] / outcome.contrast for outcome in lost]
    return {
        "planted": len(planted),
        "kept": sum(outcome.kept_by(network) for outcome in planted),
        "lost_by_maximum": len(lost),
        "kept_of_these": sum(outcome.kept_by(network) for outcome in lost),
        "contrast": float(np.median(shares)) if shares else None,
    }


def as_text(counts: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Markdown, in brackets the median share of the contrast that arrives."""
    lines: list[str] = []
    for task, table in counts.items():
        columns = (task, "kept", "of lost by maximum", "in the MRI", "in the partner", "busy: kept", "invented")
        lines += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for name, of in table.items():
            kept, busy = (f"{of[group]['kept']} of {of[group]['planted']}" for group in ("fair", "busy"))
            saved = [f"{of[group]['kept_of_these']} of {of[group]['lost_by_maximum']}" for group in ("fair", *WHERE)]
            medians = [of[group]["contrast"] for group in WHERE]
            shares = ["", *("" if median is None else f" ({median:.2f})" for median in medians)]
            cells = (name, kept, *map("".join, zip(saved, shares, strict=True)), busy)
            lines.append(f"| {' | '.join(cells)} | {of['invented']} of {of['deleted']} |")
        lines.append("")
    return "\n".join(lines)


arguments = add_sources


def run(args: argparse.Namespace, progress: Progress) -> None:
    pairs, fusers = asked_pairs(args), asked_networks(args)
    counts = summary(examine(pairs, fusers, scalar=args.scalar, seed=args.seed, progress=progress))
    if not counts:
        raise NowhereToPlantError
    print(json.dumps(counts, indent=2) if args.json else as_text(counts))
