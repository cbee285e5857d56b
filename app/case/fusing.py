"""A pair fused slice by slice by a network or a classical method, and what is measured of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.base.progress import Progress, silent, spoken
from app.case.alignment import Aligned, EmptyOverlapError
from app.core.values import Clipped, FusionWindow, clipped_percent, default_fusion_window, to_unit

if TYPE_CHECKING:
    from app.fusion.spec import NetworkSpec
    from app.metrics.catalogue import MetricReading

_WORTH_TELLING_S = 5.0  # of work left; less is over before it is read


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


def default_request(aligned: Aligned, network: str, device: str = "auto") -> FusionRequest:
    """A request with the fusion windows that this study's two volumes always get."""
    return FusionRequest(network, default_fusion_window(aligned.mri), default_fusion_window(aligned.partner), device)


class PairFuser:
    """One run over the slices of a pair: what is done, what is left, how long it takes. `fuse_pair` is its front."""

    def __init__(self, aligned: Aligned, request: FusionRequest, progress: Progress) -> None:
        """Load the network, which may take seconds, and measure what the fusion windows clip."""
        from app.fusion import infer, registry

        if not aligned.inside.any():
            raise EmptyOverlapError
        self._began = time.monotonic()
        self._aligned, self._request, self._progress = aligned, request, progress
        spec = registry.find(request.network)
        progress(0, f"loading {spec.title}")
        self._notes = _strange(spec, aligned)
        self._fuser, device = infer.load(spec.name, infer.pick_device(request.device), self._notes.append)
        self._fused = np.zeros(aligned.values.shape, np.float32)
        self._done = np.zeros(len(self._fused), np.bool_)
        sha256 = registry.weights_sha256(spec)
        clipped = (
            clipped_percent(aligned.mri.values(), request.mri_window, aligned.inside),
            clipped_percent(aligned.values, request.partner_window, aligned.inside),
        )
        self.stack = FusionStack(
            aligned,
            request,
            _read_only(self._fused),
            _read_only(self._done),
            sha256,
            device,
            _key(aligned, request, sha256),
            clipped,
            notes=tuple(self._notes),
        )

    def run(
        self,
        slices: Sequence[int] | None,
        earlier: FusionStack | None,
        wanted: Callable[[], int] | None,
        on_slice: Callable[[FusionStack, int], None] | None,
        expected_s: float,
    ) -> FusionStack:
        """Fuse what is asked for; see `fuse_pair`."""
        from app.fusion import infer

        if earlier is not None and earlier.key == self.stack.key:
            self._fused[:], self._done[:] = earlier.fused, earlier.done
        self._requested = list(range(len(self._fused))) if slices is None else sorted(set(slices))
        self._waiting = {k for k in self._requested if not self._done[k]}
        reused = len(self._requested) - len(self._waiting)
        if reused and earlier is not None:
            self._notes = list(earlier.notes)
        self._slice_in_view, self._expected_s = wanted, expected_s
        self._last = begun = time.monotonic()
        self._report()
        fusing = infer.fuse_slices(
            self._fuser,
            self._nearest_first(),
            device=self.stack.device,
            notes=self._notes.append,
            moved=self._moved,
            check=self._report,
        )
        for count, (k, picture) in enumerate(fusing):
            self._last = time.monotonic()
            self._fused[k] = np.where(self._aligned.inside[k], picture, 0)
            self._done[k] = True
            slice_s = (self._last - begun) / max(count, 1)
            self.stack = replace(self.stack, slice_s=slice_s, notes=tuple(self._notes))
            begun = begun if count else self._last  # torch warms up in the first
            self._waiting.discard(k)
            if on_slice:
                on_slice(self.stack, k)
            self._report()
        elapsed_s = 0.0 if reused else time.monotonic() - self._began
        return replace(self.stack, elapsed_s=elapsed_s, notes=tuple(self._notes))

    def _nearest_first(self) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.float32]]]:
        aligned, request = self._aligned, self._request
        waiting = set(self._waiting)
        while waiting:
            centre = self._slice_in_view() if self._slice_in_view else self._requested[0]
            k = min(waiting, key=lambda index: (abs(index - centre), index))
            waiting.discard(k)
            mri = to_unit(aligned.mri.values(k), request.mri_window)
            partner = to_unit(aligned.values[k], request.partner_window)
            yield k, np.where(aligned.inside[k], mri, 0), np.where(aligned.inside[k], partner, 0)

    def _moved(self, device: str) -> None:
        """The network went on elsewhere, such as from a full GPU to the CPU."""
        self.stack = replace(self.stack, device=device)

    def _report(self) -> None:
        slice_s = self.stack.slice_s or self._expected_s
        count, remaining = len(self._requested), len(self._waiting)
        remaining_s = max(slice_s, time.monotonic() - self._last) * remaining if slice_s else 0
        wait = f", about {spoken(remaining_s)} left" if remaining_s > _WORTH_TELLING_S else ""
        self._progress((count - remaining) / count, f"{count - remaining} of {count} slices{wait}")


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
    return PairFuser(aligned, request, progress).run(slices, earlier, wanted, on_slice, expected_s)


def mean_metrics(stack: FusionStack, slices: Sequence[int], progress: Progress = silent) -> dict[str, float | None]:
    """Each metric's mean over the slices where it is defined; None where it is defined in none."""
    readings: dict[str, list[float]] = {}
    for count, k in enumerate(slices, 1):
        for reading in stack.metrics(k) if stack.aligned.inside[k].any() else ():
            readings.setdefault(reading.metric.name, []).append(reading.value)
        progress(count / len(slices), f"measuring slice {count} of {len(slices)}")
    defined = {name: [value for value in values if np.isfinite(value)] for name, values in readings.items()}
    return {name: float(np.mean(values)) if values else None for name, values in defined.items()}


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
    question = (
        aligned.mri.series.uid,
        aligned.partner.series.uid,
        aligned.registration.fixed_to_moving.tolist(),
        request,
        sha256,
    )
    return hashlib.sha256(repr(question).encode()).hexdigest()
