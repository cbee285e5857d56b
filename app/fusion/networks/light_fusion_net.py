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


class ChannelAttention(nn.Module):
    """The ablation "PCA -> CA": weigh whole channels by their global mean (Hu, Shen & Sun 2018).

    forward: (B, C, H, W) -> the same
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        small = channels // reduction
        self.weigh = nn.Sequential(nn.Conv2d(channels, small, 1), nn.ReLU(), nn.Conv2d(small, channels, 1))

    def forward(self, features: Tensor) -> Tensor:
        return features + features * self.weigh(features.mean((2, 3), keepdim=True)).sigmoid()


class SpatialAttention(nn.Module):
    """The ablation "PCA -> SA": weigh pixels by mean and maximum over channels (Woo et al. 2018).

    forward: (B, C, H, W) -> the same
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, features: Tensor) -> Tensor:
        pooled = torch.stack([features.mean(1), features.amax(1)], dim=1)
        return features + features * self.weigh(pooled).sigmoid()


class PlainAttention(nn.Sequential):
    """The ablation "PCA -> Conv": one 3 x 3 convolution per channel and one across channels; (B, C, H, W) -> same.

    Table 3 says a regular convolution and prints 0.002 M for the network: two regular ones would add 0.005 M to what
    the rest has, this adds 0.001 M.
    """

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

    attention, separable, width, reduction : the ablations of Tables 3 and 4; the defaults are the paper's choice. A
    width of 32 has 16,083 parameters, as pointwise convolutions square it; the paper prints 0.008 M.
    """

    def __init__(self, *, width: int = 16, reduction: int = 4, attention: str = "pca", separable: bool = True) -> None:
        super().__init__()
        if width < 2:
            raise ValueError(f"width is {width}, and the decoder halves it")
        if not 1 <= reduction <= width:
            raise ValueError(f"reduction is {reduction}, not from 1 to the width of {width}")
        if attention not in ATTENTIONS:
            raise ValueError(f"attention is {attention!r}, none of {', '.join(ATTENTIONS)}")
        self.minds_air = attention == "ca"

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
