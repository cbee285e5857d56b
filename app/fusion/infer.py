"""Run a fuser over slices: any size, in batches, on the device at hand, and exactly 0 where both sources are 0.

Nothing here changes torch's settings at import; `set_num_threads` is for callers that share the machine.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from app.base import memory
from app.base.errors import FusionError
from app.fusion import registry
from app.fusion.large_kernel import Kept, keeping

Slice = NDArray[np.float32]
Key = TypeVar("Key")

CPU_BATCH_S = 0.15  # work between two looks at Cancel
GPU_BATCH_S = 0.3  # a GPU is given the whole batch at once, and then answers when it is done
GPU_BATCH_PIXELS = 32 * 256 * 256
MAX_BATCH = 32
CUT = 16  # pixels
LEAST_CUT = 64  # pixels


class Stoppable(TorchFunctionMode):
    """Within it, this thread asks `check` before every call of torch, and what `check` raises ends the forward pass.

    A slow network is so left in the middle of a slice, and other threads that run the same network are not touched.
    Costs about 5 microseconds a call.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._check()
        return func(*args, **(kwargs or {}))


class NoGpuError(FusionError):
    hint = "Choose --device auto or cpu, or install NVIDIA's driver and the CUDA build of torch."

    def __init__(self) -> None:
        super().__init__("No NVIDIA GPU can be used here, so the fusion cannot run on cuda.")


class UnknownDeviceError(FusionError):
    hint = "Choose auto, cpu or cuda."

    def __init__(self, wanted: str) -> None:
        super().__init__(f"{wanted!r} is not a device.")


class SliceShapeError(FusionError):
    hint = "Resample the partner onto the MRI's grid first."

    def __init__(self, mri: tuple[int, ...], partner: tuple[int, ...]) -> None:
        super().__init__(f"A slice of the MRI is {mri} and its partner's {partner}: they must be equal and 2-D.")


class MemoryShortError(FusionError):
    hint = "Close other programs, choose a smaller network such as lightfusionnet, or a coarser grid."

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(f"One slice of {shape[-1]} x {shape[-2]} pixels does not fit into memory with this network.")


class NetworkMemoryError(FusionError):
    hint = "Close other programs, or choose a smaller network such as lightfusionnet."

    def __init__(self, name: str) -> None:
        super().__init__(f"There is not enough memory to load {name}.")


def pick_device(wanted: str) -> str:
    """ "auto", "cpu" or "cuda" as the device to use: "cpu" or "cuda"."""
    if wanted not in ("auto", "cpu", "cuda"):
        raise UnknownDeviceError(wanted)
    usable = wanted != "cpu" and torch.cuda.is_available()
    if wanted == "cuda" and not usable:
        raise NoGpuError
    return "cuda" if usable else "cpu"


def load(name: str, device: str, notes: Callable[[str], None]) -> tuple[nn.Module, str]:
    """`registry.load`, on the CPU where the GPU has no room for it, which `notes` is told; and the device it is on.

    Raises NetworkMemoryError where memory has none either, and what `registry.load` raises.
    """
    try:
        try:
            return registry.load(name, device), device
        except torch.cuda.OutOfMemoryError:
            notes("The GPU's memory has no room for the network; going on with the CPU.")
            return registry.load(name), "cpu"
    except (MemoryError, RuntimeError) as error:
        if not memory.ran_out(error):
            raise
        raise NetworkMemoryError(name) from error


def set_num_threads(count: int) -> None:
    """How many CPU threads torch may use from now on, in this process."""
    torch.set_num_threads(count)


def channels_last(network: nn.Module) -> nn.Module:
    """The same network with its kernels laid out channel by channel: twice as fast on CPUs where it is depthwise."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it


def blank_air(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """The fused picture, exactly 0 where both sources are 0: nothing was there, so nothing may be shown."""
    return fused * ((mri != 0) | (partner != 0))


def fuse_batch(fuser: nn.Module, mri: Tensor, partner: Tensor) -> Tensor:
    """(B, 1, H, W) in [0, 1], any H and W -> fused, same shape, dtype and device, in [0, 1], 0 in air.

    A fuser whose layers look at the whole picture at once (`fuser.minds_air`) is given each slice by itself, cut to
    what the sources show: how much air lies around a head says nothing about it, and must not change its picture.
    """
    with torch.inference_mode():
        if not getattr(fuser, "minds_air", False):
            return blank_air(forward(fuser, mri, partner), mri, partner)
        fused = torch.zeros_like(mri)
        for index, (rows, columns) in enumerate(map(shown, mri, partner)):
            place = (slice(index, index + 1), slice(None), rows, columns)
            fused[place] = forward(fuser, mri[place], partner[place])
        return blank_air(fused, mri, partner)


def shown(mri: Tensor, partner: Tensor) -> tuple[slice, slice]:
    """Rows and columns of (1, H, W) that hold all of both sources that is not 0, in whole steps of CUT pixels where the
    picture has room for them, and at least LEAST_CUT of each."""
    seen = ((mri != 0) | (partner != 0))[0]
    return _span(seen.any(1)), _span(seen.any(0))


def _span(seen: Tensor) -> slice:
    places = seen.nonzero()
    first, last = (int(places.min()), int(places.max())) if len(places) else (0, 0)
    length = min(len(seen), max(LEAST_CUT, -(-(last + 1 - first) // CUT) * CUT))
    start = min(max(0, (first + last + 1 - length) // 2), len(seen) - length)
    return slice(start, start + length)


def forward(fuser: nn.Module, mri: Tensor, partner: Tensor) -> Tensor:
    """Where the fuser wants multiples of `fuser.multiple`, right and bottom edges are repeated and cut off again."""
    height, width = mri.shape[-2:]
    multiple = int(getattr(fuser, "multiple", 1))
    edges = (0, -width % multiple, 0, -height % multiple)
    sources = [functional.pad(source, edges, mode="replicate") if any(edges) else source for source in (mri, partner)]
    fused: Tensor = fuser(*sources)
    return fused[..., :height, :width].clamp(0, 1)


def fuse_slices(
    fuser: nn.Module,
    pairs: Iterable[tuple[Key, Slice, Slice]],
    *,
    device: str,
    notes: Callable[[str], None],
    moved: Callable[[str], None] = lambda device: None,
    batch: int | None = None,
    kept: Kept | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Key, Slice]]:
    """Fuse slice by slice, in the order given.

    pairs : (key, mri, partner), float32 [H, W] in [0, 1]; pulled only as needed, the first one alone, so that it is
        shown at once; stopping the iteration stops the work
    batch : slices at a time; None lets the measured time (CPU) or the number of pixels (GPU) decide
    kept : what large kernels keep between slices on a CPU; None keeps it for this call, from the second slice on
    notes : told once where the GPU's memory made the batches smaller or moved the work to the CPU
    moved : told the device where that happened
    check : called between the steps of the first slice, and wherever the batch before took longer than CPU_BATCH_S;
        what it raises ends the work there
    """
    source = iter(pairs)
    if device == "cpu":
        channels_last(fuser)
    size, largest, seconds = 1, batch or MAX_BATCH, math.inf
    while group := list(itertools.islice(source, size)):
        started = time.monotonic()
        with Stoppable(check) if seconds > CPU_BATCH_S else nullcontext():
            fused, used, limit = _fuse_group(fuser, group, device, notes, kept)
        if used != device:
            device = used
            moved(device)
        seconds = time.monotonic() - started
        kept = {} if kept is None else kept
        largest = min(largest, limit)
        size = min(largest, batch or _next_size(device, group[0][1].size, seconds / len(group)))
        yield from zip((key for key, _, _ in group), fused, strict=True)


def _next_size(device: str, pixels: int, seconds_per_slice: float) -> int:
    if device == "cpu":  # a slice keeps all cores busy and the cache warm; only small ones gain by going together
        return max(1, min(8, int(CPU_BATCH_S / seconds_per_slice))) if pixels < 128 * 128 else 1
    return max(1, min(GPU_BATCH_PIXELS // pixels, int(GPU_BATCH_S / seconds_per_slice)))


def _fuse_group(
    fuser: nn.Module,
    group: list[tuple[Key, Slice, Slice]],
    device: str,
    notes: Callable[[str], None],
    kept: Kept | None,
) -> tuple[list[Slice], str, int]:
    """The fused slices, the device that did them, and the largest batch that is known to fit."""
    for _, mri, partner in group:
        if mri.shape != partner.shape or mri.ndim != 2:
            raise SliceShapeError(mri.shape, partner.shape)
    limit = MAX_BATCH
    fused: list[Slice] = []
    left = group
    while left:
        _, alike = next(itertools.groupby(left, key=lambda pair: pair[1].shape))
        same = list(alike)[:limit]
        try:
            fused += _run(fuser, same, device, kept)
            left = left[len(same) :]
        except torch.cuda.OutOfMemoryError as error:
            if device == "cpu":
                raise MemoryShortError(same[0][1].shape) from error
            torch.cuda.empty_cache()
            if len(same) > 1:
                limit = math.ceil(len(same) / 2)
                notes(f"The GPU's memory holds no {len(same)} slices at once; going on with {limit}.")
            else:
                device = "cpu"
                fuser.to(device)
                notes("The GPU's memory holds not even one slice; going on with the CPU.")
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
            if not kept:
                raise MemoryShortError(same[0][1].shape) from error
            kept.clear()  # slower is better than not at all
            kept = None
    return fused, device, limit


def _run(fuser: nn.Module, group: list[tuple[Key, Slice, Slice]], device: str, kept: Kept | None) -> list[Slice]:
    mri = _stacked([mri for _, mri, _ in group], device)
    partner = _stacked([partner for _, _, partner in group], device)
    with nullcontext() if kept is None or device != "cpu" else keeping(kept):
        return list(fuse_batch(fuser, mri, partner)[:, 0].float().cpu().numpy())


def _stacked(slices: list[Slice], device: str) -> Tensor:
    return torch.from_numpy(np.stack(slices).astype(np.float32, copy=False))[:, None].to(device)
