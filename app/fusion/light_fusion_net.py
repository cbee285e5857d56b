"""LightFusionNet: two depthwise-separable encoders, an attention on surprise, their mean, a decoder.

A. Sagar, "LightFusionNet: Lightweight Dual-Stream Network with Predictive Context Attention for Efficient Medical
Image Fusion". The paper states 0.004 M parameters and 0.29 G multiply-adds at 256 x 256, C = 16, R = 4, and leaves the
layers open. Chosen here, so that both come out: encoders 1 -> 16 -> 16, the second dilated, and a decoder
16 -> 16 -> 8 -> 1: 4,467 parameters and 0.285 G, all at full resolution.

Two things the paper leaves to the reader:

- *Prediction.* "Local spatial context is used to predict the expected feature": a prediction that saw the feature
  itself would learn to copy it, and nothing would surprise. Two plain 3 x 3 convolutions do see it (one step out, one
  step back). Here the first has no centre tap and a dilation of 2, so its taps lie two pixels away and the second
  cannot come back: the prediction at a pixel is free of the feature at that pixel.
- *Air.* A sigmoid never reaches 0, so `infer` sets pixels to 0 where both sources are 0, for every network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.fusion.blocks import ChannelAttention, DepthwiseSeparable, SpatialAttention


class BlindConvolution(nn.Module):
    """A 3 x 3 convolution with dilation 2 and no centre tap; (B, C, H, W) -> (B, C', H, W)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        whole = nn.Conv2d(channels, out, 3)  # for its usual initialisation
        self.ring = nn.Parameter(whole.weight.detach().flatten(2)[..., [0, 1, 2, 3, 5, 6, 7, 8]].clone())
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, features: Tensor) -> Tensor:
        before, after = self.ring[..., :4], self.ring[..., 4:]
        kernel = torch.cat([before, torch.zeros_like(before[..., :1]), after], dim=2)
        kernel = kernel.reshape(*kernel.shape[:2], 3, 3)
        return functional.conv2d(features, kernel, self.bias, padding=2, dilation=2)


class PredictiveContextAttention(nn.Module):
    """Predict each feature from its surroundings and amplify what the prediction missed (Figure 2 B).

    forward: (B, C, H, W) -> the same; the bottleneck is C / R wide.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.context = BlindConvolution(channels, channels // reduction)
        self.predict = nn.Conv2d(channels // reduction, channels, 3, padding=1)
        self.weigh = nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        expected = self.predict(self.context(features).relu())
        surprise = (features - expected).abs()
        return features + features * self.weigh(surprise).sigmoid()


class PlainAttention(nn.Sequential):
    """The ablation "PCA -> Conv" of Table 3: one 3 x 3 convolution per channel and one across channels."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__(DepthwiseSeparable(channels, channels))


ATTENTIONS = {
    "pca": PredictiveContextAttention,
    "ca": ChannelAttention,
    "sa": SpatialAttention,
    "conv": PlainAttention,
}


class LightFusionNet(nn.Module):
    """Fuse an MRI with its partner.

    forward: mri, partner (B, 1, H, W) -> fused (B, 1, H, W); floats in [0, 1], any H and W.

    attention, separable, width, reduction : the ablations of Tables 3 and 4; the defaults are the paper's choice
    """

    def __init__(self, *, width: int = 16, reduction: int = 4, attention: str = "pca", separable: bool = True) -> None:
        super().__init__()
        if not 1 <= reduction <= width:
            raise ValueError(f"reduction is {reduction}, not from 1 to the width of {width}")

        def stream() -> nn.Sequential:
            return nn.Sequential(
                DepthwiseSeparable(1, width, separable=separable),
                DepthwiseSeparable(width, width, dilation=2, separable=separable),
                ATTENTIONS[attention](width, reduction),
            )

        self.mri = stream()
        self.partner = stream()
        self.decoder = nn.Sequential(
            DepthwiseSeparable(width, width, separable=separable),
            DepthwiseSeparable(width, width // 2, separable=separable),
            nn.Conv2d(width // 2, 1, 1),
            nn.Sigmoid(),
        )

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        together = (self.mri(mri) + self.partner(partner)) / 2  # "element-wise averaging", no parameters
        return self.decoder(together)
