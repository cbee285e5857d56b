"""What is loaded and worked out: volumes, alignment, fusion; a frozen value, replaced whole by `Scene.having`.

`having` keeps the promise that no picture outlives what it was made from: a new volume drops the registration, the
aligned partner and the fused stack; a new transform the last two; a new network or fusion window the stack. Every such
change gets a new `generation`: a worker notes the number it started from, and its answer counts only while
`scene.generation` is still that number.

Progress of running work is not held here but in `TaskRunner.running` (ui/task.py): a tick must not repaint images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.geometry import Geometry
from app.core.volume import Series, Study, Volume

if TYPE_CHECKING:  # these bring SimpleITK or torch with them
    from app.case.alignment import Aligned
    from app.case.fusing import FusionStack
    from app.core.values import FusionWindow
    from app.registration.register import RegistrationResult

_DROPS: dict[str, tuple[str, ...]] = {  # what falls when a field changes
    "mri": ("registration", "aligned", "stack", "mri_fusion_window", "different_patients_confirmed"),
    "partner": ("registration", "aligned", "stack", "partner_fusion_window", "different_patients_confirmed"),
    "registration": ("aligned", "stack"),
    "aligned": ("stack",),
    "network": ("stack",),
    "device": ("stack",),
    "mri_fusion_window": ("stack",),
    "partner_fusion_window": ("stack",),
}
_BLANK: dict[str, Any] = {"different_patients_confirmed": False}  # all other fields fall to None


@dataclass(frozen=True, eq=False)
class Scene:
    """All that the window shows; compared by identity.

    generation : grows with every change that makes running work out of date
    studies, skipped : what the readers found (`Scan.studies`, `Scan.skipped`)
    mri, partner : the two roles; either may be missing
    registration : fixed is the MRI; None until there is at least a header or an identity to start from
    aligned : the partner on the MRI's grid under exactly `registration`
    stack : the network's fusion of exactly `aligned`; filled in place while a worker runs, see `FusionStack.done`
    mri_fusion_window, partner_fusion_window : what is fused as 0..1; None until read
    network, device : what the next fusion uses
    different_patients_confirmed : the reader has accepted a pair whose headers name two patients
    """

    generation: int = 0
    studies: tuple[Study, ...] = ()
    skipped: tuple[Any, ...] = ()
    mri: Volume | None = None
    partner: Volume | None = None
    registration: RegistrationResult | None = None
    aligned: Aligned | None = None
    stack: FusionStack | None = None
    mri_fusion_window: FusionWindow | None = None
    partner_fusion_window: FusionWindow | None = None
    network: str = "average"
    device: str = "auto"
    different_patients_confirmed: bool = False

    def having(self, **changes: Any) -> Scene:
        """This scene with some fields replaced, and all that rested on them gone.

        A field given beside the one it rests on is kept: having(registration=r, aligned=a) drops only the stack.
        """
        new = {name: value for name, value in changes.items() if not _same(getattr(self, name), value)}
        if not new:
            return self
        for name in [name for name in new if name in _DROPS]:
            for fallen in _DROPS[name]:
                if fallen not in changes:
                    new[fallen] = _BLANK.get(fallen)
        outdated = set(new) & (set(_DROPS) - {"aligned"})  # an alignment that arrives answers the current question
        return replace(self, **new, generation=self.generation + bool(outdated))

    @property
    def grid(self) -> Geometry | None:
        """The grid all panes share: the MRI's, or the partner's own where it is alone."""
        volume = self.mri or self.partner
        return None if volume is None else volume.geometry

    @property
    def different_patients(self) -> tuple[str, ...]:
        """The header fields in which the two roles name different patients; () where nothing speaks against one."""
        if self.mri is None or self.partner is None:
            return ()
        return tuple(self.mri.series.patient.differs_from(self.partner.series.patient))

    @property
    def stopped(self) -> bool:
        """Two different patients, not confirmed: nothing of both may be shown together, fused or exported."""
        return bool(self.different_patients) and not self.different_patients_confirmed

    @property
    def fixed_to_moving(self) -> np.ndarray[Any, np.dtype[np.float64]] | None:
        """4x4, LPS mm of the MRI to LPS mm of the partner; the identity for one volume alone; None when unknown."""
        if self.registration is not None:
            return self.registration.fixed_to_moving
        return np.eye(4) if self.mri is None and self.partner is not None else None

    def series(self, uid: str) -> Series | None:
        """The series with this uid in the list, or None."""
        return next((s for study in self.studies for s in study.series if s.uid == uid), None)


def _same(old: Any, new: Any) -> bool:
    if old is new:
        return True
    simple = (str, bool, int, float)
    return isinstance(old, simple) and isinstance(new, simple) and old == new
