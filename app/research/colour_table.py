"""The scalar behind colours: PET and SPECT pictures are coloured by a table; a colour's place in it is the uptake."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.base.errors import InputError

Colours = NDArray[np.uint8]
LARGEST_STEP = 40  # between neighbours of a colour table, |dR| + |dG| + |dB|; the two known ones stay below 23


class ColourTableError(InputError):
    hint = "Fuse this task by luma alone, or give pictures with one continuous colour table."

    def __init__(self, fact: str) -> None:
        super().__init__(f"The colours do not form one table: {fact}.")


def colour_table(pictures: Sequence[Colours]) -> Colours:
    """The colours in use, ordered along the table they came from, (N, 3), the one nearest to black first.

    A table is a path through colour space in small steps: go on to the nearest colour not yet visited, then move
    whatever was passed over to where it lengthens the path least. ColourTableError where a wide step is left, which
    says that the pictures were interpolated, compressed, or mix two tables.
    """
    packed = np.unique(np.concatenate([_packed(rgb).ravel() for rgb in pictures]))
    if len(packed) > 1024:
        raise ColourTableError(f"there are {len(packed)} different colours")
    colours = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=2)
    order = [int(colours.sum(axis=1).argmin())]
    left = set(range(len(colours))) - set(order)
    while left:
        order.append(min(left, key=lambda colour: (apart[order[-1], colour], colour)))
        left.remove(order[-1])
    for passed_over in [after for before, after in pairwise(order) if _wide(apart, before, after)]:
        order.remove(passed_over)
        detours = [
            apart[before, passed_over] + apart[passed_over, after] - apart[before, after]
            for before, after in pairwise(order)
        ]
        at_end = apart[order[-1], passed_over]
        order.insert(int(np.argmin([*detours, at_end])) + 1, passed_over)
    for before, after in pairwise(order):
        if _wide(apart, before, after):
            raise ColourTableError(f"nothing lies between {colours[before].tolist()} and {colours[after].tolist()}")
    return colours[order].astype(np.uint8)


def _wide(apart: NDArray[np.int64], before: int, after: int) -> bool:
    return bool(apart[before, after] > LARGEST_STEP)


def _packed(rgb: Colours) -> NDArray[np.int64]:
    wide = rgb.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def scalar_of(rgb: Colours, table: Colours) -> Colours:
    """(H, W, 3) colours of the table -> (H, W) their place in it, stretched to 0..255."""
    packed = _packed(table)
    order = np.argsort(packed)
    places = order[np.searchsorted(packed[order], _packed(rgb)).clip(0, len(order) - 1)]
    if not np.array_equal(table[places], rgb):
        raise ColourTableError("a picture has a colour that the table lacks")
    return np.rint(places * (255 / max(1, len(table) - 1))).astype(np.uint8)
