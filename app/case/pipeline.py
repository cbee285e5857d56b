"""The use cases whole, from files to a result, free of Qt: what the command line calls, and a notebook.

    fusion = fuse_files("mri", "pet", network="lightfusionnet")
    export.write(fusion.stack, "out", formats=("png",))

The window takes the same steps one by one, since a reader looks at each: `open_study`, `roles.guess_roles`,
`read_pair`, `alignment`, `fusing`. Writing pictures is `app.export`'s, which stands above this package; whatever can be
refused before anybody waits is asked through `check`. Every step takes `progress`, which may cancel.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.base.progress import Progress, nested, silent
from app.case.alignment import align, register_pair
from app.case.fusing import FusionStack, default_request, fuse_pair, mean_metrics
from app.case.roles import check_patients
from app.case.series_choice import pick_series, pick_slices, require_path, series_warnings
from app.core.volume import Series, Volume

if TYPE_CHECKING:
    from app.files.readers import Scan
    from app.registration.register import RegistrationResult

AnyPath = str | os.PathLike[str]
Check = Callable[[Series, Series, Sequence[int]], None]
"""Called with the MRI, its partner and the slices asked for, before anything is read: may raise to refuse."""


@dataclass(frozen=True)
class Fusion:
    """What `fuse_files` gives.

    stack : the fused slices with all they were made from; slices : those that were asked for
    metrics : each metric's mean over them, None where it is defined on none; empty where they were not asked for
    warnings : what was odd in the series, in their alignment and in how the network ran
    elapsed_s : seconds for all of it, reading included
    """

    stack: FusionStack
    slices: tuple[int, ...]
    metrics: dict[str, float | None]
    warnings: tuple[str, ...]
    elapsed_s: float

    @property
    def registration(self) -> RegistrationResult:
        return self.stack.aligned.registration


@dataclass(frozen=True)
class Registration:
    """What `register_files` gives: the result, and what was odd in the series and in their alignment."""

    result: RegistrationResult
    warnings: tuple[str, ...]


def open_study(paths: Sequence[Path], progress: Progress = silent) -> Scan:
    """Headers of everything under `paths`; see `readers.scan`."""
    from app.files import readers

    return readers.scan(paths, progress)


def read_pair(mri: Series, partner: Series, progress: Progress = silent) -> tuple[Volume, Volume]:
    from app.files import readers

    return readers.read(mri, nested(progress, 0, 0.5)), readers.read(partner, nested(progress, 0.5, 1))


def fuse_files(
    mri: AnyPath,
    partner: AnyPath,
    *,
    network: str = "lightfusionnet",
    transform: AnyPath = "auto",
    slices: str | Sequence[int] = "all",
    device: str = "auto",
    mri_series: str | None = None,
    partner_series: str | None = None,
    different_patients: bool = False,
    measure: bool = True,
    check: Check | None = None,
    progress: Progress = silent,
) -> Fusion:
    """An MRI and its CT, PET or SPECT (or a visible and an infrared picture), from files or folders to a fusion.

    network : a name of `app.fusion.registry`
    transform : "auto", the header where the frames of reference agree, else a rigid registration; "none", as the
        coordinates stand; or an ITK transform file
    slices : along the MRI's k, from 0: "all", "K", "A:B" (without B), or their numbers
    mri_series, partner_series : number in the list of `synoptic info`, modality, description or uid, where a folder
        holds several that could be meant
    different_patients : go on although the headers contradict each other
    measure : the metrics, too, which take longer than a small network does

    Raises UsageError where no series, or more than one, could be meant, and DifferentPatientsError; WeightsError where
    the network cannot be used; what reading, registration and fusion raise.
    """
    from app.fusion import registry

    registry.check(network)  # a misspelt name, or altered weights, are told before any work
    how = transform if transform in ("auto", "none") else Path(transform)
    if isinstance(how, Path):
        require_path(how)
    fixed = pick_series(Path(mri), mri_series, "--mri-series", role="MRI", progress=nested(progress, 0, 0.03))
    moving = pick_series(Path(partner), partner_series, "--partner-series", role="partner", apart=fixed)
    if not different_patients:
        check_patients(fixed, moving)
    wanted = _slices(slices, fixed.size[2])
    if check is not None:
        check(fixed, moving, wanted)
    started = time.monotonic()
    volumes = read_pair(fixed, moving, nested(progress, 0.03, 0.15))
    wanted = _slices(slices, volumes[0].geometry.size[2])  # a gap filled in may have added slices
    registration = register_pair(*volumes, how=how, progress=nested(progress, 0.15, 0.4))
    aligned = align(*volumes, registration, nested(progress, 0.4, 0.5))
    request = default_request(aligned, network, device)
    stack = fuse_pair(aligned, request, slices=wanted, progress=nested(progress, 0.5, 0.75))
    metrics = mean_metrics(stack, wanted, nested(progress, 0.75, 1)) if measure else {}
    warnings = (*series_warnings(fixed, moving), *registration.warnings, *stack.notes)
    return Fusion(stack, wanted, metrics, warnings, time.monotonic() - started)


def register_files(
    fixed: AnyPath,
    moving: AnyPath,
    *,
    out: AnyPath | None = None,
    fixed_series: str | None = None,
    moving_series: str | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Registration:
    """Two series, from files or folders, to the rigid transform between them.

    out : an ITK transform file to write it to, about the fixed image's centre; refused at once where it exists and
        `overwrite` is not given
    """
    from app.files import tfm
    from app.registration.register import register

    target = None if out is None else Path(out)
    if target is not None:
        tfm.check_target(target, overwrite=overwrite)
    first = pick_series(Path(fixed), fixed_series, "--fixed-series", progress=nested(progress, 0, 0.05))
    second = pick_series(Path(moving), moving_series, "--moving-series", progress=nested(progress, 0.05, 0.1))
    volumes = read_pair(first, second, nested(progress, 0.1, 0.3))
    result = register(*volumes, progress=nested(progress, 0.3, 1))
    if target is not None:
        tfm.write_tfm(target, result.fixed_to_moving, volumes[0].geometry.centre_mm, overwrite=overwrite)
    return Registration(result, (*series_warnings(first, second), *result.warnings))


def _slices(wanted: str | Sequence[int], count: int) -> tuple[int, ...]:
    return tuple(pick_slices(wanted, count)) if isinstance(wanted, str) else tuple(sorted(set(wanted)))
