"""A pair on one grid: where the partner lies in the MRI, and its values there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.base.errors import UsageError
from app.base.progress import Progress, silent
from app.core.volume import Volume

if TYPE_CHECKING:
    from app.registration.register import RegistrationResult


class EmptyOverlapError(UsageError):
    hint = "Register the pair first, or check that both series show the same part of the body."

    def __init__(self) -> None:
        super().__init__(
            "No voxel of the partner lies inside the MRI with this transform, so there is nothing to fuse."
        )


@dataclass(frozen=True)
class Aligned:
    """A pair on the MRI's grid.

    values : float32 [k, j, i], the partner interpolated there, in the partner's unit; 0 where `inside` is False
    inside : bool [k, j, i], where the partner has data and the MRI is not padding
    """

    mri: Volume
    partner: Volume
    registration: RegistrationResult
    values: NDArray[np.float32]
    inside: NDArray[np.bool_]


def as_headers_say(mri: Volume, partner: Volume) -> RegistrationResult:
    """Where every pair starts: at the positions of the headers, or pixel on pixel."""
    from app.registration.register import identity

    return identity(mri, partner)


def needs_registration(mri: Volume, partner: Volume, start: RegistrationResult) -> bool:
    """Whether nothing says that the start is right, and a search in space can be made.

    A pair that may already be right is never moved unasked: its registration is the reader's to ask for.
    """
    return mri.geometry.in_mm and partner.geometry.in_mm and start.method == "identity"


def register_pair(
    mri: Volume, partner: Volume, *, how: str | Path = "auto", progress: Progress = silent
) -> RegistrationResult:
    """Bring a pair together.

    how : "auto", as the headers say where anything speaks for their place (`registration.evidence`), else a rigid
        registration; "none", as the coordinates stand; or an ITK transform file
    """
    from app.registration import register as registration

    start = as_headers_say(mri, partner)
    if isinstance(how, Path):
        from app.files import tfm

        return registration.from_file(mri, partner, tfm.read_tfm(how))
    if how == "none" or not needs_registration(mri, partner, start):
        return start
    return registration.register(mri, partner, progress=progress)


def align(mri: Volume, partner: Volume, registration: RegistrationResult, progress: Progress = silent) -> Aligned:
    """Resample the partner onto the MRI's grid."""
    from app.registration.resample import resample

    onto = resample(partner, mri.geometry, registration.fixed_to_moving, progress=progress)
    inside = onto.inside if mri.valid is None else onto.inside & mri.valid
    values = onto.values if mri.valid is None else np.where(inside, onto.values, np.float32(0))
    for array in (values, inside):
        array.flags.writeable = False
    return Aligned(mri, partner, registration, values, inside)
