"""Which window each role is shown in: the one the reader set, else the volume's own, worked out once.

`default_window` looks at a million voxels: whoever reads a volume calls it there, in the worker, so that the first
paint finds the answer.
"""

from __future__ import annotations

import numpy as np

from app.case.document import Case
from app.case.layers import Layer
from app.core.volume import Volume
from app.view.memo import per_volume
from app.view.state import Window

_DRAGGED: dict[str, tuple[str, str]] = {
    "mri": ("mri", "mri"),
    "partner": ("partner", "partner"),
    "overlay": ("partner", "mri"),
    "fusion": ("partner", "mri"),
}


@per_volume
def default_window(volume: Volume) -> Window:
    """(centre, width) of a volume's first display, in its unit; remembered as long as the volume lives."""
    from app.core.values import default_display_window

    centre, width = default_display_window(volume)
    return float(centre), float(width)


def volume_of(case: Case, role: str) -> Volume | None:
    """role "mri" or "partner"."""
    return case.mri if role == "mri" else case.partner


def window_of(case: Case, role: str) -> Window | None:
    """The window role "mri" or "partner" is shown in; None without a volume."""
    layer = case.of_role(role)
    return None if layer is None else shown_window(layer)


def shown_window(layer: Layer) -> Window:
    """The window that the reader chose for a layer, or the volume's own."""
    return layer.window or default_window(layer.volume)


def windowed_roles(kind: str) -> tuple[str | None, str | None]:
    """Whose window a drag over a picture of this kind changes, without and with Ctrl; see `Picture.kind`."""
    return _DRAGGED.get(kind, (None, None))


def is_inverted(case: Case, role: str) -> bool:
    """Whether dark and bright change places: what the header asks for, turned round by the reader's key."""
    layer = case.of_role(role)
    return layer is not None and layer.volume.inverted != layer.inverted


def has_whole_numbers(volume: Volume) -> bool:
    """Whether DICOM's LINEAR window applies: whole numbers as stored, as in CT and most MR; not to plain pictures."""
    return volume.geometry.in_mm and volume.stored.dtype.kind in "iu" and bool(np.all(volume.slope == 1))
