"""What the workers of pair_flow.py run: plain functions of volumes and a progress, which import the heavy modules."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.base.progress import Progress
from app.case.alignment import as_headers_say
from app.case.document import Case
from app.core.volume import Volume

if TYPE_CHECKING:
    from app.core.values import FusionWindow
    from app.registration.register import RegistrationResult


def reader_name() -> str:
    """Who sits here, as the computer knows them; never the patient."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no entry for this user, as in some containers
        return "unknown user"


def compare_headers(mri: Volume, partner: Volume) -> Callable[[Progress], Any]:
    def work(progress: Progress) -> tuple[RegistrationResult, FusionWindow, FusionWindow]:
        from app.core import values as pixels

        progress(0.1)
        start = as_headers_say(mri, partner)
        return start, pixels.default_fusion_window(mri), pixels.default_fusion_window(partner)

    return work


def register_from(case: Case) -> Callable[[Progress], Any]:
    mri, partner, start = case.mri, case.partner, case.registration
    assert mri is not None
    assert partner is not None
    assert start is not None
    moved = not start.by_headers

    def work(progress: Progress) -> RegistrationResult:
        from app.registration import register as registration

        return registration.register(mri, partner, start=start.fixed_to_moving if moved else None, progress=progress)

    return work
