"""Which window each role is shown in: the one the reader set, else the volume's own, worked out once.

`default_window` looks at a million voxels: whoever reads a volume calls it there, in the worker, so that the first
paint finds the answer.
"""

from __future__ import annotations

import numpy as np

from app.core.volume import Volume
from app.view.memo import per_volume
from app.view.scene import Scene
from app.view.state import ViewState, Window


@per_volume
def default_window(volume: Volume) -> Window:
    """(centre, width) of a volume's first display, in its unit; remembered as long as the volume lives."""
    from app.core.values import default_display_window

    centre, width = default_display_window(volume)
    return float(centre), float(width)


def volume_of(scene: Scene, role: str) -> Volume | None:
    """role "mri" or "partner"."""
    return scene.mri if role == "mri" else scene.partner


def window_of(state: ViewState, scene: Scene, role: str) -> Window | None:
    """The window role "mri" or "partner" is shown in; None without a volume."""
    volume = volume_of(scene, role)
    chosen = state.mri_window if role == "mri" else state.partner_window
    return None if volume is None else chosen or default_window(volume)


def is_inverted(state: ViewState, volume: Volume, role: str) -> bool:
    """Whether dark and bright change places: what the header asks for, turned round by the reader's key."""
    return volume.inverted != (state.mri_inverted if role == "mri" else state.partner_inverted)


def has_whole_numbers(volume: Volume) -> bool:
    """Whether DICOM's LINEAR window applies: whole numbers as stored, as in CT and most MR; not to plain pictures."""
    return volume.geometry.in_mm and volume.stored.dtype.kind in "iu" and bool(np.all(volume.slope == 1))
