"""Building blocks of LightFusionNet, published and ablated; shapes are (B, C, H, W) throughout."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DepthwiseSeparable(nn.Sequential):
    """A 3 x 3 convolution per channel, then 1 x 1 across channels, batch norm and ReLU (Chollet 2017, Xception).

    It costs 9 C + C C' multiply-adds a pixel where the dense convolution (`separable=False`) costs 9 C C'.
    `dilation` widens the field of view without a stride, so H and W stay as they are.
    """

    def __init__(self, channels: int, out: int, *, dilation: int = 1, separable: bool = True) -> None:
        wide, groups = (channels, channels) if separable else (out, 1)  # no biases: batch norm brings them
        spatial = nn.Conv2d(channels, wide, 3, padding=dilation, dilation=dilation, groups=groups, bias=False)
        pointwise = [nn.Conv2d(channels, out, 1, bias=False)] if separable else []
        super().__init__(spatial, *pointwise, nn.BatchNorm2d(out), nn.ReLU())


class ChannelAttention(nn.Module):
    """Weigh whole channels by their global mean (Hu, Shen & Sun 2018); (B, C, H, W) -> the same."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        small = channels // reduction
        self.weigh = nn.Sequential(nn.Conv2d(channels, small, 1), nn.ReLU(), nn.Conv2d(small, channels, 1))

    def forward(self, features: Tensor) -> Tensor:
        return features + features * self.weigh(features.mean((2, 3), keepdim=True)).sigmoid()


class SpatialAttention(nn.Module):
    """Weigh pixels by the mean and maximum over channels (Woo et al. 2018); (B, C, H, W) -> the same."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, features: Tensor) -> Tensor:
        told = torch.stack([features.mean(1), features.amax(1)], dim=1)
        return features + features * self.weigh(told).sigmoid()
