"""Six degrees by keys: which way in the patient an arrow moves or turns the partner, given the plane looked at.

Arrows follow the screen in radiological convention (patient right on screen left, sagittal with anterior on screen
left), so a key always moves the picture the way it points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.transforms import nudged_matrix

STEPS = (0.1, 0.5, 1.0, 5.0)  # mm, and degrees

_RIGHT_UP_BACK = {  # LPS unit vectors: to the right of the screen, to its top, and away from the reader
    "axial": ((1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "coronal": ((1, 0, 0), (0, 0, 1), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, 1), (-1, 0, 0)),
}


def nudged(
    fixed_to_moving: NDArray[np.float64],
    plane: str,
    centre_mm: NDArray[np.float64],
    *,
    move: tuple[float, float, float] = (0, 0, 0),
    turn: tuple[float, float, float] = (0, 0, 0),
) -> NDArray[np.float64]:
    """The 4x4 after one nudge.

    plane : "axial", "coronal" or "sagittal", the plane looked at
    move : mm to the right of the screen, to its top, away from the reader
    turn : degrees about the same three axes through centre_mm (LPS), right-handed: a turn about the third, which
        points away from the reader, is clockwise on the screen
    """
    axes = np.array(_RIGHT_UP_BACK[plane], dtype=np.float64)
    return nudged_matrix(fixed_to_moving, np.asarray(turn) @ axes, np.asarray(move) @ axes, centre_mm)
