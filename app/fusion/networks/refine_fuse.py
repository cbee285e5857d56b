"""RefineFuse: four scales of each picture; fine ones exchange detail, deep ones meaning, which is led back to the fine.

C. Song, H. Li, T. Xu, X.-J. Wu and J. Kittler, "RefineFuse: an end-to-end network for multi-scale refinement fusion of
multi-modality images" (2025), doi:10.1007/s44267-025-00087-w. SFIM, PSIM and FIM keep their names here. The paper
states 2.21 M parameters and 12.73 G multiply-adds at 256 x 256, 48.11 G at 512 x 512. What it leaves open, and what
was chosen:

- *Widths.* 64, 64, 64 and 128 channels. The two figures for compute part into 11.8 G that grows with the picture and
  0.94 G that does not, which is what five 3 x 3 projections of 64 and of 128 channels cost on a grid of 32 x 32: so
  PSIM pools to at most 32 x 32, and its query is projected from the sum of both modalities (from their concatenation,
  it would be 1.13 G). Decoders widen to 256 channels by their 1 x 1 and come back by their 3 x 3; the last one goes
  64, 64, 64, 32, 1. That makes 2,192,134 parameters, 12.98 G and 49.10 G. Counted are convolutions, not the products
  inside the attention (0.81 G at either size): with those, nothing near 0.94 G would stay fixed.
- *Small pictures.* A scale that has less than 32 x 32 pixels is not pooled, and never enlarged.
- *Attention* is scaled by the square root of the width, one head (Vaswani et al. 2017, which the paper builds on).
- *FIM's spatial map* is told in words only: here as in SFIM, from the channels' maximum and mean of the deep map. The
  bilinear enlargement that the text gives to the decoder and to FIM both is one and the same.
- *Activations.* ReLU after every convolution of encoders and decoders; none in the interaction modules.
- *Range.* Tanh ends in [-1, 1]: (1 + tanh) / 2 is the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 64, 64, 128)  # of the four scales, finest first
DECODER_WIDTH = 256
GRID = 32  # the side of what PSIM attends over, in pixels


def convolution(channels: int, out: int, *, side: int = 3, stride: int = 1) -> nn.Conv2d:
    """side x side, started so that ReLUs keep the variance (He et al. 2015)."""
    made = nn.Conv2d(channels, out, side, stride=stride, padding=side // 2)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]  # torch's stub says it may be None
    return made


def maximum_and_mean(features: Tensor) -> Tensor:
    """Pooled along the channels: (B, C, H, W) -> (B, 2, H, W)."""
    return torch.stack([features.amax(1), features.mean(1)], dim=1)


def interleaved(mri: Tensor, partner: Tensor) -> Tensor:
    """Channel by channel in turn: two (B, C, H, W) -> (B, 2 C, H, W) as mri 0, partner 0, mri 1, partner 1, ..."""
    return torch.stack([mri, partner], dim=2).flatten(1, 2)


class Encoder(nn.Module):
    """Four 3 x 3 convolutions, the first with stride 1, the others with 2.

    forward: (B, 1, H, W) -> four maps (B, WIDTHS[i], H / 2^i, W / 2^i), at or above 0
    """

    def __init__(self) -> None:
        super().__init__()
        entries = [convolution(1, WIDTHS[0])]
        entries += [convolution(WIDTHS[i - 1], WIDTHS[i], stride=2) for i in (1, 2, 3)]
        self.layers = nn.ModuleList(entries)

    def forward(self, image: Tensor) -> list[Tensor]:
        scales = [image]
        for layer in self.layers:
            scales.append(layer(scales[-1]).relu())
        return scales[1:]


class SFIM(nn.Module):
    """Superficial feature interaction: where each modality has something to say, then its channels two by two.

    forward: two (B, C, H, W) -> (B, C, H, W)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attend = nn.Conv2d(2, 2, 3, padding=1)
        self.refine = nn.Conv2d(2 * channels, channels, 3, padding=1, groups=channels)

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        pooled = maximum_and_mean(torch.cat([mri, partner], dim=1))
        map_mri, map_partner = self.attend(pooled).sigmoid().chunk(2, dim=1)  # (B, 1, H, W) each
        enhanced = mri * (1 + map_mri), partner * (1 + map_partner)  # Eq. 1: f + f map
        return self.refine(interleaved(*enhanced))  # Eq. 2


class PSIM(nn.Module):
    """Profound semantic interaction: what both modalities ask together, each answers from everywhere.

    forward: two (B, C, H, W) -> (B, C, H, W)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels, 3, padding=1)
        self.keys = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.values = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.merge = nn.Conv2d(2 * channels, channels, 3, padding=1)

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        height, width = mri.shape[-2:]
        grid = min(GRID, height), min(GRID, width)
        small = [functional.adaptive_avg_pool2d(source, grid) for source in (mri, partner)]
        query = tokens(self.query(small[0] + small[1]))  # Eq. 3
        answered = []
        for side, own, project_key, project_value in zip(small, (mri, partner), self.keys, self.values, strict=True):
            key, value = tokens(project_key(side)), tokens(project_value(side))  # Eq. 3
            context = functional.scaled_dot_product_attention(query, key, value)  # Eq. 4, times the values
            context = context[:, 0].transpose(1, 2).reshape(len(own), -1, *grid)  # (B, C, *grid)
            answered.append(own + functional.interpolate(context, (height, width), mode="bilinear"))
        return self.merge(torch.cat(answered, dim=1))


def tokens(features: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, 1, H W, C): one head of attention, a token per pixel."""
    return features.flatten(2).transpose(1, 2).unsqueeze(1)


class FIM(nn.Module):
    """Feature interaction: the deep map says which channels and which places of the shallow one count.

    forward: deep, shallow (B, C, H, W) -> (B, C, H, W)
    """

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, deep: Tensor, shallow: Tensor) -> Tensor:
        of_deep, of_shallow = (level.mean((2, 3), keepdim=True).sigmoid() for level in (deep, shallow))  # (B, C, 1, 1)
        places = self.attend(maximum_and_mean(deep)).sigmoid()  # (B, 1, H, W)
        return shallow * (of_deep * of_shallow) * places + deep  # Eq. 5


class Decoder(nn.Sequential):
    """1 x 1, 3 x 3, bilinear x 2; (B, C, H, W) -> (B, C', 2 H, 2 W), at or above 0."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(
            convolution(channels, DECODER_WIDTH, side=1),
            nn.ReLU(),
            convolution(DECODER_WIDTH, out),
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="bilinear"),
        )


class LastDecoder(nn.Sequential):
    """Four 3 x 3 convolutions, the last with Tanh; (B, C, H, W) -> (B, 1, H, W) in [-1, 1]."""

    def __init__(self, channels: int) -> None:
        last = convolution(channels // 2, 1)
        with torch.no_grad():
            last.weight.mul_(0.1)  # begins in the middle of Tanh, not at its flat ends
        super().__init__(
            convolution(channels, channels),
            nn.ReLU(),
            convolution(channels, channels),
            nn.ReLU(),
            convolution(channels, channels // 2),
            nn.ReLU(),
            last,
            nn.Tanh(),
        )


class RefineFuse(nn.Module):
    """Fuse an MRI with its partner, or a visible picture with an infrared one.

    forward: mri, partner (B, 1, H, W) -> fused (B, 1, H, W); floats in [0, 1], H and W multiples of 8
    """

    multiple = 8
    minds_air = True  # PSIM and FIM weigh by means over the whole picture

    def __init__(self) -> None:
        super().__init__()
        self.mri = Encoder()
        self.partner = Encoder()
        self.superficial = nn.ModuleList(SFIM(width) for width in WIDTHS[:2])
        self.profound = nn.ModuleList(PSIM(width) for width in WIDTHS[2:])
        self.interact = nn.ModuleList(FIM() for _ in range(3))
        self.decoders = nn.ModuleList(Decoder(WIDTHS[i + 1], WIDTHS[i]) for i in range(3))
        self.last = LastDecoder(WIDTHS[0])

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        modules = [*self.superficial, *self.profound]
        *shallow, x = (meet(*both) for meet, *both in zip(modules, self.mri(mri), self.partner(partner), strict=True))
        for i in (2, 1, 0):
            x = self.interact[i](self.decoders[i](x), shallow[i])
        return (1 + self.last(x)) / 2
