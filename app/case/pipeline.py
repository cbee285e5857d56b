"""The use cases, free of Qt: open a study, bring a pair together, fuse it. Command line and window both call these.

A pair goes `readers.read` -> `registration` -> `align` -> `fuse_pair`; every step takes `progress`, which may cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.base.progress import Progress, nested, silent
from app.case.alignment import Aligned, align, register_pair
from app.case.fusing import FusionRequest, FusionStack, default_request, fuse_pair, mean_metrics
from app.case.roles import DifferentPatientsError, check_patients, guess_roles
from app.core.volume import Series, Volume

if TYPE_CHECKING:
    from app.files.readers import Scan

__all__ = [
    "Aligned",
    "DifferentPatientsError",
    "FusionRequest",
    "FusionStack",
    "align",
    "check_patients",
    "default_request",
    "fuse_pair",
    "guess_roles",
    "mean_metrics",
    "open_study",
    "read_pair",
    "register_pair",
]


def open_study(paths: Sequence[Path], progress: Progress = silent) -> Scan:
    """Headers of everything under `paths`; see `readers.scan`."""
    from app.files import readers

    return readers.scan(paths, progress)


def read_pair(mri: Series, partner: Series, progress: Progress = silent) -> tuple[Volume, Volume]:
    from app.files import readers

    return readers.read(mri, nested(progress, 0, 0.5)), readers.read(partner, nested(progress, 0.5, 1))
