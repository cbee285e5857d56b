"""An exported slice as a reader expects to see it: radiological convention, from the affine alone, square pixels.

Axial and coronal: patient right on the left of the picture; sagittal: anterior on the left. Anterior is up in axial
slices, superior in the others. Plain pictures stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.imaging.geometry import Geometry

_RIGHT_AND_DOWN = {  # LPS directions
    "axial": ((1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
}


@dataclass(frozen=True)
class Screen:
    """How to turn slices [j, i] of one grid for the eye.

    letters : patient sides at the left, right, top, bottom edge; empty for pictures
    spacing_mm : between rows and between columns of the turned slice
    """

    turned: bool
    flip_rows: bool
    flip_columns: bool
    letters: tuple[str, str, str, str]
    spacing_mm: tuple[float, float]

    def show(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """[j, i] or [j, i, 3] to the turned picture, a view."""
        view = pixels.swapaxes(0, 1) if self.turned else pixels
        return view[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]


def screen(grid: Geometry) -> Screen:
    """How slices of constant k of this grid are shown."""
    i_mm, j_mm, _ = grid.spacing_mm
    if not grid.in_mm:
        return Screen(False, False, False, ("", "", "", ""), (j_mm, i_mm))
    right, down = (np.array(vector, dtype=np.float64) for vector in _RIGHT_AND_DOWN[grid.plane])
    i, j = grid.direction[:, 0], grid.direction[:, 1]
    turned = abs(i @ down) + abs(j @ right) > abs(i @ right) + abs(j @ down)
    across, downward = (1, 0) if turned else (0, 1)
    flip_columns = bool(grid.direction[:, across] @ right < 0)
    flip_rows = bool(grid.direction[:, downward] @ down < 0)
    letters = (
        grid.letter(across, end=flip_columns),
        grid.letter(across, end=not flip_columns),
        grid.letter(downward, end=flip_rows),
        grid.letter(downward, end=not flip_rows),
    )
    spacing = (i_mm, j_mm) if turned else (j_mm, i_mm)
    return Screen(bool(turned), flip_rows, flip_columns, letters, spacing)
