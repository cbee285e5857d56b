"""Four fusions without weights: honest baselines, and fallbacks where no network can run.

Each is an nn.Module with the contract of `registry`: mri, partner (B, 1, H, W) in [0, 1] -> fused, the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Average(nn.Module):
    """The mean of both: keeps everything at half its contrast."""

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        return (mri + partner) / 2


class Maximum(nn.Module):
    """The brighter of both: buries MRI detail under bright bone or uptake, and is a hard baseline all the same."""

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        return torch.maximum(mri, partner)


class LaplacianPyramid(nn.Module):
    """Per scale the detail that is stronger, and the mean of what remains (Burt & Adelson 1983; Burt 1984).

    levels : detail scales; fewer where the picture is too small to be halved that often. Result clipped to [0, 1].
    """

    blur: Tensor

    def __init__(self, levels: int = 4) -> None:
        super().__init__()
        self.levels = levels
        step = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16  # their generating kernel, a = 0.375
        self.register_buffer("blur", torch.outer(step, step)[None, None], persistent=False)

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        details, rest = self._analyse(torch.cat([mri, partner]))
        a, b = rest.chunk(2)
        fused = self._rest(a, b)
        for detail in reversed(details):
            a, b = detail.chunk(2)
            fused = self._expand(fused, detail.shape[-2:]) + torch.where(self._strength(a) >= self._strength(b), a, b)
        return fused.clamp(0, 1)

    def _rest(self, a: Tensor, b: Tensor) -> Tensor:
        return (a + b) / 2

    def _strength(self, detail: Tensor) -> Tensor:
        return detail.abs()

    def _analyse(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        details: list[Tensor] = []
        while len(details) < self.levels and min(image.shape[-2:]) >= 4:  # a 5-tap mirror needs 3 pixels
            smaller = functional.conv2d(self._mirrored(image), self.blur, stride=2)
            details.append(image - self._expand(smaller, image.shape[-2:]))
            image = smaller
        return details, image

    def _expand(self, image: Tensor, size: torch.Size) -> Tensor:
        grown = functional.interpolate(image, scale_factor=2, mode="nearest")[..., : size[0], : size[1]]
        return functional.conv2d(self._mirrored(grown), self.blur)

    def _mirrored(self, image: Tensor) -> Tensor:
        return functional.pad(image, (2, 2, 2, 2), mode="reflect")


class SalientPyramid(LaplacianPyramid):
    """Three scales of the pyramid, each detail from where its neighbourhood is livelier, over the brighter rest.

    Energy in 5 x 5 instead of the single value is the salience of Burt & Kolczynski, "Enhanced image capture through
    fusion", ICCV 1993, without their averaging of alike neighbourhoods. The brighter rest, as bone and uptake want it,
    three scales and 5 x 5 were chosen on the validation pairs, where the rank sum beats that of guided filtering (Li,
    Kang & Hu 2013, doi:10.1109/TIP.2013.2244222) in each medical task.
    """

    def __init__(self, levels: int = 3) -> None:
        super().__init__(levels)

    def _rest(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.maximum(a, b)

    def _strength(self, detail: Tensor) -> Tensor:
        return functional.avg_pool2d(detail.square(), 5, stride=1, padding=2)
