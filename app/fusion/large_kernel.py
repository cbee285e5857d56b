"""Convolutions with kernels of 11 x 11 or 15 x 15, many times faster than directly.

`LargeKernelConv2d` is `nn.Conv2d`, dense or depthwise, with stride 1 and zero padding to equal size. In double
precision and on the meta device it runs as that. Elsewhere the picture is cut into overlapping square tiles
("overlap-save", Oppenheim & Schafer, Discrete-Time Signal Processing, 8.7.3), and in the frequency domain a dense
convolution is one small matrix product over the channels for each frequency, a depthwise one a product of numbers. The
transforms are matrix products too, since tiles are so small that a fast Fourier transform spends its time on moving
numbers; so any tile size does. What a kernel becomes in the frequency domain takes a quarter of a slice's time, and is
the same for each (`keeping`). Rounding errors stay near 1e-6 of the largest value; where a dense convolution's
products are of bfloat16, near 3e-3. They are under autocast to it, and out of training on processors that compute in
it. A training step of LKC-FUNet takes a fifth of the time of direct convolutions on a GPU, too.

Shapes below: F = V U frequencies of a T x T tile, U = T and V = T // 2 + 1 by symmetry; M tiles of all pictures in the
batch; complex numbers as their real and imaginary part along an axis of length 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from app.base import memory

LEFT_FREE = 2 << 30  # bytes that what is kept leaves to all else: one slice takes most of them


class LargeKernelConv2d(nn.Conv2d):
    """(B, C, H, W) -> (B, C', H, W); weights and bias as in nn.Conv2d. Depthwise: one kernel per channel, C' = C."""

    def __init__(self, channels: int, out: int, size: int, *, depthwise: bool = False) -> None:
        super().__init__(channels, out, size, padding=size // 2, groups=channels if depthwise else 1)

    def forward(self, features: Tensor) -> Tensor:
        kind = features.device.type
        if kind not in ("cpu", "cuda") or features.dtype == torch.float64 or self.kernel_size[0] < 7:
            return super().forward(features)
        rounded = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.bfloat16
        rounded |= kind == "cpu" and not self.training and computes_bfloat16()
        with torch.autocast(kind, enabled=False):
            features, weight = features.float(), self.weight.float()
            dense = self.groups == 1
            kernels = self._spectra(torch.bfloat16 if rounded and dense else torch.float32)
            tiled = _TiledConvolution if dense else _TiledDepthwise
            together: Tensor = tiled.apply(features, weight, kernels)  # type: ignore[no-untyped-call]  # torch's own is
            if self.bias is not None:
                together = together + self.bias.float()[:, None, None]
            return together.to(self.weight.dtype)

    @torch.no_grad()
    def _spectra(self, factors: torch.dtype) -> Tensor:
        """Of the kernels: (F, 2, C, C'), or (F, 2, 1, C) where they are depthwise."""
        kept = _kept.get()
        if kept is None or self.training or self.weight.is_inference():  # which is a copy for a moment, as in float16
            return self._transformed(factors)
        state = (self.weight._version, self.weight.device, factors)
        if self.weight in kept and kept[self.weight][0] == state:
            return kept[self.weight][1]
        spectra = self._transformed(factors)
        if memory.free_bytes() > LEFT_FREE:
            kept[self.weight] = state, spectra
        return spectra

    def _transformed(self, factors: torch.dtype) -> Tensor:
        return _spectra(self.weight.float().permute(3, 2, 1, 0), _side(self.kernel_size[0])).to(factors)


# By weights (tensors are equal to themselves alone as keys): what they were then, and their kernels' spectra.
Kept = dict[Tensor, tuple[tuple[Any, ...], Tensor]]
_kept: ContextVar[Kept | None] = ContextVar("kept spectra", default=None)


@contextmanager
def keeping(spectra: Kept) -> Iterator[None]:
    """Within it, out of training, kernels are brought to the frequency domain once, and kept in `spectra`, as long as
    their weights stay as they are and memory is not short. That takes 1.5 GB with LKC-FUNet, half of it in bfloat16."""
    before = _kept.set(spectra)
    try:
        yield
    finally:
        _kept.reset(before)


@cache
def computes_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16, so that it is faster there than in float32."""
    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch cannot tell
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def _step(size: int) -> int:
    """Pixels along a block's side. Larger blocks waste less of their tiles' rims, and more of a picture's."""
    return 2 * size + 2


def _side(size: int) -> int:
    return _step(size) + size - 1


class _Tiling(NamedTuple):
    """n x n' blocks of `step` pixels, each computed from a tile of `side` pixels, for kernels of `size`.

    The same for pictures of any size, so that kernels' spectra are, too.
    """

    batch: int
    height: int
    width: int
    size: int

    @property
    def step(self) -> int:
        return _step(self.size)

    @property
    def side(self) -> int:
        return _side(self.size)

    @property
    def rows(self) -> int:
        return -(-self.height // self.step)

    @property
    def columns(self) -> int:
        return -(-self.width // self.step)


def _tiling(shape: torch.Size, size: int) -> _Tiling:
    batch, _, height, width = shape
    return _Tiling(batch, height, width, size)


class _TiledConvolution(torch.autograd.Function):
    """features (B, C, H, W), weight (C', C, k, k), its spectra -> (B, C', H, W), without bias.

    Products are of the spectra's precision.
    y[i] = sum over j of x[i + j] w[j] becomes Y = X conj(W); its gradients are dX = dY W and dW = X conj(dY).
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, kernels: Tensor) -> Tensor:
        tiling = _tiling(features.shape, weight.shape[-1])
        spectra = _spectra(_tiles(features, tiling), tiling.side).to(kernels.dtype).flatten(1, 2)  # (F, 2 M, C)
        product, crossed = (_halves(torch.bmm(spectra, part)).float() for part in kernels.unbind(1))  # (F, 2, M, C')
        product[:, 0] += crossed[:, 1]
        product[:, 1] -= crossed[:, 0]
        ctx.tiling = tiling
        ctx.save_for_backward(spectra if ctx.needs_input_grad[1] else None, kernels)
        return _joined(_pictures(product, tiling.side, tiling.step), tiling)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        tiling: _Tiling = ctx.tiling
        spectra, kernels = ctx.saved_tensors
        of_result = _spectra(_blocks(gradient, tiling), tiling.side).to(kernels.dtype)  # (F, 2, M, C')
        real, imaginary = of_result.unbind(1)
        of_result = of_result.flatten(1, 2)
        of_features = of_weight = None
        if ctx.needs_input_grad[0]:
            crossed = torch.bmm(of_result, kernels.flatten(1, 2).transpose(1, 2))  # each part with each: (F, 2 M, 2 C)
            (rr, ri), (ir, ii) = (half.chunk(2, 2) for half in crossed.chunk(2, 1))
            product = torch.stack([rr - ii, ri + ir], 1).float()  # (F, 2, M, C)
            of_features = _overlapped(_pictures(product, tiling.side, tiling.side), tiling)
        if ctx.needs_input_grad[1]:
            turned = torch.cat([-imaginary, real], 1)
            product = torch.stack([torch.bmm(spectra.transpose(1, 2), part) for part in (of_result, turned)], 1).float()
            of_weight = _pictures(product, tiling.side, tiling.size).permute(3, 2, 1, 0)  # from (F, 2, C, C')
        return of_features, of_weight, None


class _TiledDepthwise(torch.autograd.Function):
    """features (B, C, H, W), weight (C, 1, k, k), its spectra -> (B, C, H, W); as above, but no sum over channels."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, kernels: Tensor) -> Tensor:
        tiling = _tiling(features.shape, weight.shape[-1])
        spectra = _spectra(_tiles(features, tiling), tiling.side)  # (F, 2, M, C)
        ctx.tiling = tiling
        ctx.save_for_backward(spectra, kernels)
        return _joined(_pictures(_times_conjugate(spectra, kernels), tiling.side, tiling.step), tiling)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        tiling: _Tiling = ctx.tiling
        spectra, kernels = ctx.saved_tensors
        of_result = _spectra(_blocks(gradient, tiling), tiling.side)
        of_features = of_weight = None
        if ctx.needs_input_grad[0]:
            turned = torch.stack([kernels[:, 0], -kernels[:, 1]], 1)
            product = _times_conjugate(of_result, turned)
            of_features = _overlapped(_pictures(product, tiling.side, tiling.side), tiling)
        if ctx.needs_input_grad[1]:
            product = _times_conjugate(spectra, of_result).sum(2, keepdim=True)
            of_weight = _pictures(product, tiling.side, tiling.size).permute(3, 2, 1, 0)
        return of_features, of_weight, None


def _halves(rows: Tensor) -> Tensor:
    """(F, 2 N, C) -> (F, 2, N, C)."""
    return rows.view(len(rows), 2, -1, rows.shape[-1])


def _times_conjugate(a: Tensor, b: Tensor) -> Tensor:
    """a conj(b) of two (F, 2, ...)."""
    (ar, ai), (br, bi) = a.unbind(1), b.unbind(1)
    return torch.stack([torch.addcmul(ar * br, ai, bi), torch.addcmul(ai * br, ar, bi, value=-1)], 1)


def _tiles(features: Tensor, tiling: _Tiling) -> Tensor:
    """(B, C, H, W) -> (T, T, M, C): x, y, tile, channel; zeros outside the picture."""
    before = tiling.size // 2
    after = [
        parts * tiling.step + tiling.size - 1 - before - length
        for parts, length in ((tiling.columns, tiling.width), (tiling.rows, tiling.height))
    ]
    padded = functional.pad(features, (before, after[0], before, after[1]))
    tiles = padded.unfold(2, tiling.side, tiling.step).unfold(3, tiling.side, tiling.step)  # B, C, rows, columns, y, x
    return tiles.permute(5, 4, 0, 2, 3, 1).flatten(2, 4)


def _blocks(features: Tensor, tiling: _Tiling) -> Tensor:
    """(B, C, H, W) -> (S, S, M, C): x, y, block, channel; S the step; zeros outside the picture."""
    right = tiling.columns * tiling.step - tiling.width
    below = tiling.rows * tiling.step - tiling.height
    padded = functional.pad(features, (0, right, 0, below))
    blocks = padded.reshape(*features.shape[:2], tiling.rows, tiling.step, tiling.columns, tiling.step)
    return blocks.permute(5, 3, 0, 2, 4, 1).flatten(2, 4)


def _by_place(tiles: Tensor, tiling: _Tiling) -> Tensor:
    """(n, n, M, C) -> (n, n, B, rows, columns, C)."""
    return tiles.view(*tiles.shape[:2], tiling.batch, tiling.rows, tiling.columns, tiles.shape[-1])


def _joined(blocks: Tensor, tiling: _Tiling) -> Tensor:
    """(S, S, M, C) -> (B, C, H, W), in channels-last memory."""
    apart = _by_place(blocks, tiling).permute(2, 3, 1, 4, 0, 5)
    whole = apart.flatten(3, 4).flatten(1, 2)[:, : tiling.height, : tiling.width]  # B, H, W, C
    return whole.permute(0, 3, 1, 2)


def _overlapped(tiles: Tensor, tiling: _Tiling) -> Tensor:
    """(T, T, M, C) -> (B, C, H, W): tiles are added where they overlap."""
    apart = _by_place(tiles, tiling).permute(2, 3, 4, 1, 0, 5)
    over = tiling.size - 1
    height, width = (parts * tiling.step + over for parts in (tiling.rows, tiling.columns))
    whole = tiles.new_zeros(tiling.batch, height, width, tiles.shape[-1])
    for row in range(tiling.rows):
        for column in range(tiling.columns):
            y, x = row * tiling.step, column * tiling.step
            whole[:, y : y + tiling.side, x : x + tiling.side] += apart[:, row, column]
    before = tiling.size // 2
    return whole[:, before : before + tiling.height, before : before + tiling.width].permute(0, 3, 1, 2)


def _spectra(pictures: Tensor, side: int) -> Tensor:
    """(n, n, M, C) real, zero up to side x side -> (F, 2, M, C)."""
    length, _, count, channels = pictures.shape
    along, across = _transforms(length, side, pictures.dtype, pictures.device)
    half = (along @ pictures.reshape(length, -1)).view(across.shape[0], 2 * length, -1)  # V, (2, y), M C
    return torch.matmul(across, half).view(-1, 2, count, channels)


def _pictures(spectra: Tensor, side: int, length: int) -> Tensor:
    """(F, 2, M, C) -> the first `length` x `length` pixels of each side x side picture: (n, n, M, C)."""
    _, _, count, channels = spectra.shape
    across, along = _inverse_transforms(length, side, spectra.dtype, spectra.device)
    half = torch.matmul(across, spectra.reshape(side // 2 + 1, 2 * side, -1))  # V, (2, y), M C
    return (along @ half.view(along.shape[1], -1)).view(length, length, count, channels)


@lru_cache(maxsize=32)
def _transforms(length: int, side: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """x -> (V, 2), as (2 V, n); and (2, y) -> (U, 2), as (1, 2 U, 2 n), to be used for each v."""
    cosine, sine = _circle(side, side // 2 + 1, length)
    along = torch.stack([cosine, -sine], 1).reshape(-1, length)
    cosine, sine = _circle(side, side, length)
    real, imaginary = torch.stack([cosine, sine], 1), torch.stack([-sine, cosine], 1)  # U, from (real, imaginary), y
    across = torch.stack([real, imaginary], 1).reshape(2 * side, 2 * length)
    return along.to(device, dtype), across.to(device, dtype).expand(side // 2 + 1, -1, -1)


@lru_cache(maxsize=32)
def _inverse_transforms(length: int, side: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """(U, 2) -> (2, y), as (V, 2 n, 2 U); and (V, 2) -> x, as (n, 2 V), where each v but the ends counts twice."""
    cosine, sine = (part.T for part in _circle(side, side, length))
    real, imaginary = torch.stack([cosine, -sine], 2), torch.stack([sine, cosine], 2)  # y, U, from (real, imaginary)
    across = torch.stack([real, imaginary]).reshape(2 * length, 2 * side) / side
    waves = side // 2 + 1
    cosine, sine = (part.T for part in _circle(side, waves, length))
    times = torch.full((waves,), 2.0, dtype=torch.float64)
    times[0] = 1
    if side % 2 == 0:
        times[-1] = 1
    along = torch.stack([cosine * times, -sine * times], 2).reshape(length, -1) / side
    return across.to(device, dtype).expand(waves, -1, -1), along.to(device, dtype)


def _circle(side: int, waves: int, length: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of 2 pi w n / side, (waves, length) float64; the angle's multiple is reduced as an integer."""
    turns = torch.outer(torch.arange(waves), torch.arange(length)) % side
    angle = turns.double() * (2 * torch.pi / side)
    return angle.cos(), angle.sin()
