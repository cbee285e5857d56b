"""The use cases, free of Qt: open a study, bring a pair together, fuse it. Command line and window both call these.

A pair goes `readers.read` -> `registration` -> `align` -> `fuse_pair`; every step takes `progress`, which may cancel.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.base.errors import UsageError
from app.base.progress import Progress, nested, silent, spoken
from app.core.modalities import MODALITIES, modality_of
from app.core.values import Clipped, FusionWindow, clipped_percent, default_fusion_window, to_unit
from app.core.volume import Series, Study, Volume

if TYPE_CHECKING:
    from app.files.readers import Scan
    from app.fusion.spec import NetworkSpec
    from app.metrics.catalogue import MetricReading
    from app.registration.register import RegistrationResult

_WORTH_TELLING_S = 5.0  # of work left; less is over before it is read


class DifferentPatientsError(UsageError):
    hint = "Check the two series. If they are of one patient all the same, say --different-patients or confirm it."

    def __init__(self, contradictions: Sequence[str]) -> None:
        super().__init__(f"The two series name different patients: {', '.join(contradictions)} contradict each other.")


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


@dataclass(frozen=True)
class FusionRequest:
    """What is asked for; two equal requests on one pair give the same picture."""

    network: str
    mri_window: FusionWindow
    partner_window: FusionWindow
    device: str = "auto"


@dataclass(frozen=True)
class FusionStack:
    """Fused slices along the MRI's k, as they arrive.

    fused : float32 [k, j, i] in [0, 1], luma; 0 where not `aligned.inside` and in slices not done
    done : bool [k]; a True is set only after its slice is complete, so another thread may read while this one writes
    clipped_percent : of the (MRI, partner) voxels inside, how many lie below and above their fusion window
    device : "cpu" or "cuda", where the last of them was fused
    slice_s : mean seconds for a slice so far, without loading the network; from the second slice on without the first,
        in which torch warms up; 0 before any
    elapsed_s : seconds for all of it; 0 before the end, and where it was stopped in between
    notes : what the reader must know about how it was computed (a smaller batch, the CPU instead of the GPU, ...)
    key : names pair, transform, windows, network and weights; the picture changes only when the key does
    """

    aligned: Aligned
    request: FusionRequest
    fused: NDArray[np.float32]
    done: NDArray[np.bool_]
    weights_sha256: str
    device: str
    key: str
    clipped_percent: tuple[Clipped, Clipped]
    elapsed_s: float = 0.0
    slice_s: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        return bool(self.done.all())

    def eight_bit(self, k: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """Slice k as the metrics want it: fused, MRI and partner, uint8 [j, i], all in their fusion windows."""
        partner = np.where(self.aligned.inside[k], to_unit(self.aligned.values[k], self.request.partner_window), 0)
        mri = to_unit(self.aligned.mri.values(k), self.request.mri_window)
        fused, mri8, partner8 = (np.rint(unit * 255).astype(np.uint8) for unit in (self.fused[k], mri, partner))
        return fused, mri8, partner8

    def metrics(self, k: int, names: Sequence[str] | None = None) -> tuple[MetricReading, ...]:
        """The metrics of slice k inside the partner's field of view."""
        from app.metrics.catalogue import evaluate

        return evaluate(*self.eight_bit(k), names=names, inside=self.aligned.inside[k])


def open_study(paths: Sequence[Path], progress: Progress = silent) -> Scan:
    """Headers of everything under `paths`; see `readers.scan`."""
    from app.files import readers

    return readers.scan(paths, progress)


def guess_roles(studies: Sequence[Study]) -> tuple[Series | None, Series | None]:
    """A good first choice of (MRI, partner); None where nothing suits.

    The MRI with the most slices among those that have a partner, and a PET, CT or SPECT of the same patient. A PET
    without attenuation correction is taken only where no corrected one is there (OHIF/Viewers#2898). Without an MRI, a
    CT or a visible picture takes its place; an infrared picture is a partner, one of the same name before others. Two
    series of unstated modality are taken in the order given.
    """
    series = [one for study in studies for one in study.series if not one.problem]
    ranks = [rank for one in series if (rank := modality_of(one.modality).base_rank) is not None]
    bases = [one for one in series if ranks and modality_of(one.modality).base_rank == min(ranks)]
    if not bases:
        return None, (series[0] if series else None)

    def partner_of(base: Series) -> Series | None:
        others = [one for one in series if one.uid != base.uid and (len(series) == 2 or _one_patient(base, one))]
        others = [one for one in others if not base.patient.differs_from(one.patient)]
        suited = [one for one in others if modality_of(one.modality).partner_rank is not None]
        suited = suited or [one for one in others if not one.modality] or others
        return min(suited, key=lambda one: _preference(base, one), default=None)

    # max keeps the first of equals
    base = max(bases, key=lambda one: (partner_of(one) is not None, one.size[2] if one.modality else 0))
    return base, partner_of(base)


def _one_patient(base: Series, other: Series) -> bool:
    """Whether something says that both are of one patient: the study or folder, or the name and ID both state."""
    return base.study_uid == other.study_uid or (base.patient.known and other.patient.known)


def _preference(base: Series, partner: Series) -> tuple[bool, int, bool, int, bool]:
    """Lower is better."""
    rank = modality_of(partner.modality).partner_rank
    named_alike = partner.description == base.description
    return (
        partner.attenuation_corrected is False,
        len(MODALITIES) if rank is None else rank,
        partner.study_uid != base.study_uid,
        -partner.size[2],
        not named_alike,
    )


def check_patients(mri: Series, partner: Series) -> None:
    """Raise DifferentPatientsError where the two headers contradict each other."""
    contradictions = mri.patient.differs_from(partner.patient)
    if contradictions:
        raise DifferentPatientsError(contradictions)


def register_pair(
    mri: Volume, partner: Volume, *, how: str | Path = "auto", progress: Progress = silent
) -> RegistrationResult:
    """Bring a pair together.

    how : "auto", the header where the frames of reference agree, else a rigid registration; "none", as the
        coordinates stand; or an ITK transform file
    """
    from app.files import tfm
    from app.registration import register as registration

    as_it_stands = registration.identity(mri, partner)
    if isinstance(how, Path):
        return replace(registration.nudged(as_it_stands, tfm.read_tfm(how)), method="file")
    in_mm = mri.geometry.in_mm and partner.geometry.in_mm
    if how == "none" or as_it_stands.verdict.value == "header-aligned" or not in_mm:
        return as_it_stands
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


def default_request(aligned: Aligned, network: str, device: str = "auto") -> FusionRequest:
    """A request with the fusion windows that this study's two volumes always get."""
    return FusionRequest(network, default_fusion_window(aligned.mri), default_fusion_window(aligned.partner), device)


def fuse_pair(
    aligned: Aligned,
    request: FusionRequest,
    *,
    slices: Sequence[int] | None = None,
    earlier: FusionStack | None = None,
    wanted: Callable[[], int] | None = None,
    on_slice: Callable[[FusionStack, int], None] | None = None,
    expected_s: float = 0.0,
    progress: Progress = silent,
) -> FusionStack:
    """Fuse a pair slice by slice, the wanted slice first and then those nearest to it.

    slices : indices along the MRI's k; None for all
    earlier : a stack that was stopped; its slices are kept where it was asked for the same picture
    wanted : asked before every batch, so that a reader who scrolls is served where they look
    on_slice : called in this thread with the stack and the index of each slice as it is done
    expected_s : what a slice is thought to take, so that the time left can be told before the first is done
    progress : may cancel in the middle of a slice, too
    """
    from app.fusion import infer, registry

    if not aligned.inside.any():
        raise EmptyOverlapError
    started = time.monotonic()
    spec = registry.find(request.network)
    progress(0, f"loading {spec.title}")
    device = infer.pick_device(request.device)
    said = _strange(spec, aligned)
    fuser, device = infer.load(spec.name, device, said.append)
    fused = np.zeros(aligned.values.shape, np.float32)
    done = np.zeros(len(fused), np.bool_)
    sha256 = registry.weights_sha256(spec)
    key = _key(aligned, request, sha256)
    if earlier is not None and earlier.key == key:
        fused[:], done[:] = earlier.fused, earlier.done
    stack = FusionStack(
        aligned,
        request,
        _read_only(fused),
        _read_only(done),
        sha256,
        device,
        key,
        (
            clipped_percent(aligned.mri.values(), request.mri_window, aligned.inside),
            clipped_percent(aligned.values, request.partner_window, aligned.inside),
        ),
        notes=tuple(said),
    )
    asked = list(range(len(fused))) if slices is None else sorted(set(slices))
    left = {k for k in asked if not done[k]}
    kept = len(asked) - len(left)
    notes = list(earlier.notes) if kept and earlier else said

    def nearest_first() -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        while left:
            centre = wanted() if wanted else asked[0]
            k = min(left, key=lambda one: (abs(one - centre), one))
            left.discard(k)
            mri = to_unit(aligned.mri.values(k), request.mri_window)
            partner = to_unit(aligned.values[k], request.partner_window)
            yield k, np.where(aligned.inside[k], mri, 0), np.where(aligned.inside[k], partner, 0)

    count, since = 0, time.monotonic()

    def report() -> None:
        known_s = stack.slice_s or expected_s
        left_s = max(known_s, time.monotonic() - since) * (len(asked) - kept - count) if known_s else 0
        wait = f", about {spoken(left_s)} left" if left_s > _WORTH_TELLING_S else ""
        progress((kept + count) / len(asked), f"{kept + count} of {len(asked)} slices{wait}")

    def moved(to: str) -> None:
        nonlocal device
        device = to

    report()
    begun = since
    fusing = infer.fuse_slices(fuser, nearest_first(), device=device, notes=notes.append, moved=moved, check=report)
    for k, picture in fusing:
        since = time.monotonic()
        fused[k] = np.where(aligned.inside[k], picture, 0)
        done[k] = True
        stack = replace(stack, device=device, slice_s=(since - begun) / max(count, 1), notes=tuple(notes))
        begun = begun if count else since
        count += 1
        if on_slice:
            on_slice(stack, k)
        report()
    elapsed_s = 0.0 if kept else time.monotonic() - started
    return replace(stack, elapsed_s=elapsed_s, notes=tuple(notes))


def mean_metrics(stack: FusionStack, slices: Sequence[int], progress: Progress = silent) -> dict[str, float | None]:
    """Each metric's mean over the slices where it is defined; None where it is defined in none."""
    readings: dict[str, list[float]] = {}
    for count, k in enumerate(slices, 1):
        for reading in stack.metrics(k) if stack.aligned.inside[k].any() else ():
            readings.setdefault(reading.metric.name, []).append(reading.value)
        progress(count / len(slices), f"measuring slice {count} of {len(slices)}")
    defined = {name: [value for value in values if np.isfinite(value)] for name, values in readings.items()}
    return {name: float(np.mean(values)) if values else None for name, values in defined.items()}


def read_pair(mri: Series, partner: Series, progress: Progress = silent) -> tuple[Volume, Volume]:
    from app.files import readers

    return readers.read(mri, nested(progress, 0, 0.5)), readers.read(partner, nested(progress, 0.5, 1))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _strange(spec: NetworkSpec, aligned: Aligned) -> list[str]:
    """A sentence where a network is to fuse what it was never shown; none where the files do not say what they are."""
    from app.fusion import cards
    from app.fusion.spec import concerns

    modalities = (aligned.mri.modality, aligned.partner.modality)
    strange = cards.never_shown(spec, concerns(spec, modalities, body_part=aligned.mri.series.body_part))
    return [strange] if strange else []


def _key(aligned: Aligned, request: FusionRequest, sha256: str) -> str:
    told = (
        aligned.mri.series.uid,
        aligned.partner.series.uid,
        aligned.registration.fixed_to_moving.tolist(),
        request,
        sha256,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()
