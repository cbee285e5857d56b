"""Slices through a fuser: order, laziness, padding, memory that runs out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from app.base import memory
from app.fusion import infer, registry
from app.fusion.large_kernel import Kept, LargeKernelConv2d


class Noting(nn.Module):
    """The mean of both sources, noting the shapes it was given; wants multiples of 16."""

    multiple = 16

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(mri.shape))
        return (mri + partner) / 2


class Forgetful(Noting):
    """A device whose memory holds `room` slices, or none at all until the fuser has moved to the CPU."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.moves: list[str] = []

    def to(self, *args: object, **kwargs: object) -> Forgetful:  # type: ignore[override]  # notes what it was told
        self.moves += [str(one) for one in args]
        return self

    def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
        if len(mri) > self.room and "cpu" not in self.moves:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super().forward(mri, partner)


def slices(count: int, shape: tuple[int, int] = (20, 30)) -> list[tuple[str, np.ndarray, np.ndarray]]:
    draw = np.random.default_rng(0)
    return [(f"slice {i}", *draw.random((2, *shape), dtype=np.float32)) for i in range(count)]


def unheard(note: str) -> None:
    raise AssertionError(note)


def test_keys_come_back_in_order_with_their_slices():
    given = slices(7)
    fused = list(infer.fuse_slices(Noting(), given, device="cpu", notes=unheard))
    assert [key for key, _ in fused] == [key for key, _, _ in given]
    for (_, mri, partner), (_, picture) in zip(given, fused, strict=True):
        assert picture.dtype == np.float32
        np.testing.assert_allclose(picture, (mri + partner) / 2, rtol=1e-6)


def test_sizes_are_padded_to_what_the_network_wants_and_cut_back():
    fuser = Noting()
    ((_, picture),) = infer.fuse_slices(fuser, slices(1, (33, 50)), device="cpu", notes=unheard)
    assert fuser.shapes == [(1, 1, 48, 64)]
    assert picture.shape == (33, 50)


def test_the_first_slice_goes_alone_and_nothing_is_pulled_ahead_of_need():
    pulled: list[str] = []

    def telling():
        for one in slices(20):
            pulled.append(one[0])
            yield one

    fuser = Noting()
    fused = infer.fuse_slices(fuser, telling(), device="cpu", notes=unheard, batch=4)
    next(fused)
    assert pulled == ["slice 0"]
    next(fused)
    assert pulled == [f"slice {i}" for i in range(5)]
    fused.close()  # as when the reader cancels
    assert [shape[0] for shape in fuser.shapes] == [1, 4]


def test_slices_of_other_sizes_in_between_are_taken_as_they_come():
    given = [*slices(2), *slices(2, (40, 10)), *slices(1)]
    fused = list(infer.fuse_slices(Noting(), given, device="cpu", notes=unheard, batch=5))
    assert [picture.shape for _, picture in fused] == [(20, 30), (20, 30), (40, 10), (40, 10), (20, 30)]


class Deep(nn.Module):
    """Many small steps, 1 ms or more each, and a note of how many were done."""

    def __init__(self, pause_s: float = 0.001) -> None:
        super().__init__()
        self.done = 0
        self.pause_s = pause_s

    def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
        for _ in range(200):
            time.sleep(self.pause_s)
            mri = torch.maximum(mri, partner)
            self.done += 1
        return mri


class Stop(Exception):  # noqa: N818 - as Cancelled
    pass


def test_a_slow_network_stops_in_the_middle_of_a_slice():
    fuser, looks = Deep(), 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if fuser.done in (50, 300):
            raise Stop

    with pytest.raises(Stop):
        list(infer.fuse_slices(fuser, slices(3), device="cpu", notes=unheard, check=check))
    assert fuser.done == 50
    assert looks > 50
    fuser.done = 60  # the first slice ends; the second is stopped
    fused = infer.fuse_slices(fuser, slices(3), device="cpu", notes=unheard, check=check)
    assert next(fused)[0] == "slice 0"
    with pytest.raises(Stop):
        next(fused)
    assert fuser.done == 300


def test_who_stops_leaves_the_same_network_running_in_another_thread():
    fuser, begun = Deep(), threading.Event()
    results: list[object] = []

    def cancelled() -> None:
        if begun.is_set():
            raise Stop

    def run(check: Callable[[], None]) -> None:
        try:
            for key, _ in infer.fuse_slices(fuser, slices(1), device="cpu", notes=unheard, check=check):
                results.append(key)
        except Stop:
            results.append("stopped")

    first = threading.Thread(target=run, args=(cancelled,))
    second = threading.Thread(target=run, args=(lambda: begun.set() if fuser.done > 20 else None,))
    first.start()
    second.start()
    first.join()
    second.join()
    assert results == ["stopped", "slice 0"]


def test_a_quick_network_is_looked_at_only_once(monkeypatch):
    monkeypatch.setattr(infer, "CPU_BATCH_S", 60)  # quick on any machine
    looks: list[int] = []
    fuser = Noting()
    list(
        infer.fuse_slices(fuser, slices(30), device="cpu", notes=unheard, check=lambda: looks.append(len(fuser.shapes)))
    )
    assert set(looks) == {0, 1}  # before and after its first pass; not in those that followed
    assert len(fuser.shapes) > 2


def test_being_stoppable_changes_no_picture():
    fuser = registry.load("lightfusionnet")
    ((_, alone),) = infer.fuse_slices(fuser, slices(1), device="cpu", notes=unheard)
    mri, partner = (torch.from_numpy(one)[None, None] for one in slices(1)[0][1:])
    np.testing.assert_array_equal(alone, infer.fuse_batch(fuser, mri, partner)[0, 0].numpy())


class Large(nn.Module):
    """One large kernel over the MRI, noting how often it is transformed."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = LargeKernelConv2d(1, 1, 11).eval()
        self.transformed = 0
        transform = self.layer._transformed

        def noting(factors: torch.dtype) -> torch.Tensor:
            self.transformed += 1
            return transform(factors)

        self.layer._transformed = noting  # type: ignore[method-assign]  # counts

    def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
        together: torch.Tensor = self.layer(mri)
        return together


def test_large_kernels_are_kept_from_the_second_slice_on_and_change_no_picture():
    torch.manual_seed(0)
    fuser = Large()
    given = [*slices(3, (64, 80)), *slices(3, (96, 64))]
    apart = [next(infer.fuse_slices(fuser, [one], device="cpu", batch=1, notes=unheard))[1] for one in given]
    assert fuser.transformed == 6
    together = [one for _, one in infer.fuse_slices(fuser, given, device="cpu", batch=1, notes=unheard)]
    assert fuser.transformed == 8  # the first, which may be the only one, keeps nothing
    for one, other in zip(apart, together, strict=True):
        assert np.array_equal(one, other)
    kept: Kept = {}
    for one in given:
        list(infer.fuse_slices(fuser, [one], device="cpu", notes=unheard, kept=kept))
    assert fuser.transformed == 9


@pytest.mark.parametrize("free_gb", [1, 3])
def test_kernels_are_kept_only_where_memory_is_left_beside_them(monkeypatch, free_gb):
    monkeypatch.setattr(memory, "free_bytes", lambda: free_gb << 30)
    kept: Kept = {}
    list(infer.fuse_slices(Large(), slices(3), device="cpu", batch=1, notes=unheard, kept=kept))
    assert len(kept) == (free_gb == 3)


def test_what_is_kept_is_given_up_where_a_slice_needs_the_memory():
    class Hungry(Large):
        """Has room for a slice, but not beside a kept kernel."""

        def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
            together = super().forward(mri, partner)
            if kept:
                raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. can't allocate memory")
            return together

    kept: Kept = {}
    (given,) = slices(1)
    fuser = Hungry()
    (alone,) = infer.fuse_slices(fuser, [given], device="cpu", notes=unheard)
    (beside,) = infer.fuse_slices(fuser, [given], device="cpu", notes=unheard, kept=kept)
    assert not kept
    assert np.array_equal(alone[1], beside[1])


class Homeless(nn.Module):
    """A network for which no `rooms` but these have memory."""

    def __init__(self, *rooms: str) -> None:
        super().__init__()
        self.rooms = rooms

    def to(self, device: str) -> Homeless:  # type: ignore[override]  # refuses
        if device not in self.rooms:
            raise torch.cuda.OutOfMemoryError("full") if device == "cuda" else RuntimeError("can't allocate memory")
        return self


def test_a_network_that_the_gpu_has_no_room_for_runs_on_the_cpu_and_says_so(monkeypatch):
    monkeypatch.setattr(registry, "_load", lambda spec, folder: network)
    monkeypatch.setattr(registry, "_ready", {})
    notes: list[str] = []
    network = Homeless("cpu")
    assert infer.load("average", "cuda", notes.append) == (network, "cpu")
    assert notes == ["The GPU's memory has no room for the network; going on with the CPU."]
    network.rooms = ()
    for device in ("cpu", "cuda"):
        with pytest.raises(infer.NetworkMemoryError, match=r"^There is not enough memory to load average\.$"):
            infer.load("average", device, notes.append)


def test_air_stays_exactly_zero_whatever_the_network_says():
    class Glowing(nn.Module):
        def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
            return torch.full_like(mri, 1.7)

    mri, partner = np.zeros((2, 16, 16), np.float32)
    mri[3, 4], partner[5, 6] = 0.001, 1
    ((_, picture),) = infer.fuse_slices(Glowing(), [(0, mri, partner)], device="cpu", notes=unheard)
    assert picture[3, 4] == picture[5, 6] == 1  # clipped
    assert np.count_nonzero(picture) == 2


def test_memory_that_runs_out_halves_the_batch_and_says_so(monkeypatch):
    monkeypatch.setattr(infer, "_stacked", lambda slices, device: torch.from_numpy(np.stack(slices))[:, None])
    notes: list[str] = []
    fuser = Forgetful(room=3)
    given = slices(17)
    fused = list(infer.fuse_slices(fuser, given, device="cuda", notes=notes.append, batch=8))
    assert [key for key, _ in fused] == [key for key, _, _ in given]
    assert [shape[0] for shape in fuser.shapes] == [1, 2, 2, 2, 2, 2, 2, 2, 2]
    assert fuser.moves == []
    assert len(notes) == 2
    assert "8 slices" in notes[0]
    assert "going on with 2" in notes[1]


def test_memory_that_holds_no_slice_moves_to_the_cpu_and_says_so(monkeypatch):
    monkeypatch.setattr(infer, "_stacked", lambda slices, device: torch.from_numpy(np.stack(slices))[:, None])
    notes: list[str] = []
    fuser = Forgetful(room=0)
    moves: list[str] = []
    fused = list(infer.fuse_slices(fuser, slices(5), device="cuda", notes=notes.append, moved=moves.append))
    assert len(fused) == 5
    assert moves == ["cpu"]
    assert fuser.moves == ["cpu"]
    assert len(notes) == 1
    assert "CPU" in notes[0]


def test_a_cpu_without_memory_is_told_in_one_sentence():
    class Hungry(nn.Module):
        def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
            return torch.empty(2**50)

    with pytest.raises(infer.MemoryShortError, match="30 x 20"):
        list(infer.fuse_slices(Hungry(), slices(1), device="cpu", notes=unheard))


def test_a_bug_in_a_network_is_not_taken_for_want_of_memory():
    class Wrong(nn.Module):
        def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
            return mri @ partner

    with pytest.raises(RuntimeError, match="size"):
        list(infer.fuse_slices(Wrong(), slices(1), device="cpu", notes=unheard))


def test_slices_that_differ_in_shape_are_refused():
    with pytest.raises(infer.SliceShapeError, match=r"\(4, 5\).*\(5, 4\)"):
        list(infer.fuse_slices(Noting(), [(0, np.ones((4, 5)), np.ones((5, 4)))], device="cpu", notes=unheard))


def test_devices_are_picked_or_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert infer.pick_device("auto") == infer.pick_device("cpu") == "cpu"
    with pytest.raises(infer.NoGpuError):
        infer.pick_device("cuda")
    with pytest.raises(infer.UnknownDeviceError, match="tpu"):
        infer.pick_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert infer.pick_device("auto") == infer.pick_device("cuda") == "cuda"
    assert infer.pick_device("cpu") == "cpu"


def head(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An MRI of 70 x 91 pixels and a partner that reaches 10 rows further down; (1, 1, H, W), air around."""
    draw = torch.Generator().manual_seed(0)
    mri, partner = torch.zeros((2, 1, 1, height, width))
    mri[..., 20:90, 30:121] = torch.rand((70, 91), generator=draw) + 0.01
    partner[..., 30:100, 40:121] = torch.rand((70, 81), generator=draw) + 0.01
    return mri.clamp(max=1), partner.clamp(max=1)


def test_what_the_sources_show_is_cut_out_whole_in_steps():
    rows, columns = infer.shown(*(one[0] for one in head(256, 256)))
    assert (rows.stop - rows.start, columns.stop - columns.start) == (80, 96)
    assert (rows.start, rows.stop) == (20, 100)
    assert columns.start <= 30
    assert columns.stop >= 121


@pytest.mark.parametrize("place", [(0, 0), (199, 3), (100, 299)])
def test_a_spot_is_cut_out_with_its_surroundings_and_never_beyond_the_picture(place):
    mri = torch.zeros((1, 200, 300))
    mri[(0, *place)] = 1
    cut = infer.shown(mri, torch.zeros_like(mri))
    for at, length, side in zip(place, (200, 300), cut, strict=True):
        assert side.stop - side.start == infer.LEAST_CUT
        assert 0 <= side.start <= at < side.stop <= length


def test_empty_slices_are_cut_too_and_small_ones_are_left_whole():
    assert infer.shown(torch.zeros((1, 300, 40)), torch.zeros((1, 300, 40))) == (slice(0, 64), slice(0, 40))


class MindsAir(nn.Module):
    """Divides by the picture's mean, as an instance norm does."""

    minds_air = True

    def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
        both = (mri + partner) / 4
        return both / (both.mean() * 10)


def test_how_much_air_lies_around_a_head_does_not_change_its_picture():
    mri, partner = head(128, 144)
    close = infer.fuse_batch(MindsAir(), mri, partner)
    assert 0.05 < close[mri > 0].mean() < 0.95
    far = [functional.pad(one, (32, 80, 16, 48)) for one in (mri, partner)]
    around = infer.fuse_batch(MindsAir(), *far)
    torch.testing.assert_close(around[..., 16:144, 32:176], close, rtol=0, atol=0)
    assert not around[..., :16, :].any()
    together = infer.fuse_batch(MindsAir(), torch.cat([far[0], far[0] / 2]), torch.cat([far[1], far[1]]))
    torch.testing.assert_close(together[:1], around, rtol=0, atol=0)
