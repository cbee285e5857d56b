"""Lines where a picture has no data of the partner, so that no data never looks like no uptake.

They belong to the pixels and not to the marks: which pixels have no data is known in the picture's own grid alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.view.colours import Pixels
from app.view.memo import Memo
from app.view.picture import PartnerSlice

_STEP = 7  # pixels between two lines
_GROUND = np.uint32(0xFF101010)  # where there is no MRI either
_HALF, _LIFT = np.uint32(0x007F7F7F), np.uint32(0xFF383838)  # grey, so that a grey picture stays one


def hatched(pixels: Pixels, partner: PartnerSlice, beneath: Pixels | None, memo: Memo) -> tuple[Pixels, bool]:
    """The pixels, with lines wherever the partner has no data; and whether there is such a place.

    beneath : what is shown between the lines, the MRI; None for a dark ground
    """
    outside: NDArray[np.intp] = memo.get(partner, ("outside",), lambda: np.flatnonzero(~partner.inside))
    if not outside.size:
        return pixels, False
    lines: NDArray[np.intp] = memo.get(partner, ("lines",), lambda: _on_lines(partner.inside))
    pixels = pixels.copy()  # they may be remembered without lines
    flat = pixels.reshape(-1)
    flat[outside] = _GROUND if beneath is None else beneath.reshape(-1)[outside]
    flat[lines] = (flat[lines] >> np.uint32(1) & _HALF) + _LIFT
    return pixels, True


def _on_lines(inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The flat indices of pixels that are not inside and lie on a diagonal line."""
    rows, columns = inside.shape
    lines = _all_lines(rows, columns)
    return lines[~inside.reshape(-1)[lines]]


@lru_cache(maxsize=8)
def _all_lines(rows: int, columns: int) -> NDArray[np.intp]:
    row, column = np.ogrid[:rows, :columns]
    return np.flatnonzero((row + column) % _STEP == 0)
