"""SSPFusion: an extractor that knows its own edges, and a fusion that gives each side what is unique to the other.

Q. Yang, Y. Zhang, Y. Chen, J. Zhang and S. Zhang, "SSPFusion: A semantic structure-preserving approach for
multi-modality image fusion". The paper states 12.02 M parameters and 284 G multiply-adds at 256 x 256, N = 3 scales,
and shows the layers only in figures. What it leaves open, and what was chosen:

- *Widths and depths.* 64, 128 and 256 channels, and in each of the four parts (encoder, structure decoder, fusion,
  decoder) 3, 2 and 1 residual blocks, finest scale first: 11.80 M parameters and 254 G multiply-adds. One extractor
  serves both modalities. There is no batch norm, whose statistics would differ between crops and slices; instead each
  residual branch starts at a tenth of its usual size.
- *Eq. 2* is printed with 1 on the flat side. "Unique structures" would then be flat regions, and the text calls them an
  edge map: here 1 is the edge, where the Sobel magnitude exceeds the mean of the feature (which is kept at or above 0).
- *The gradient of the binarisation.* S_k has a channel for every channel of F_k, as Eqs. 7 and 8 add the two. It is a
  sigmoid and stays soft in Eqs. 5 to 8, where the paper speaks of 0 and 1, so that the gradient passes through it. The
  target of Eq. 2 is hard and passes none: passed straight through, it taught the extractor to silence its features,
  whose edges are the easiest to predict.
- *Eqs. 7 and 8* are misprinted (only the infrared side appears in them). Read as: a side keeps its own feature except
  where the other side's structure is unique; there it takes the other's.
- *The fused picture.* The last convolution predicts the difference from the brighter source, which is what Eq. 13 asks
  the picture to be. It starts small, so that training begins at the maximum and is spent on what the maximum buries.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 128, 256)
BLOCKS = (3, 2, 1)  # residual blocks at each scale, in each of the four parts
REDUCTION = 16  # of the channel attention, as in Zhang et al. 2018


class Structures(NamedTuple):
    """What the extractor finds in one picture, finest scale first: F_k >= 0 and S_k in [0, 1], (B, C_k, H_k, W_k)."""

    features: list[Tensor]
    maps: list[Tensor]


class Explained(NamedTuple):
    """A fusion and what it rests on, for the losses."""

    fused: Tensor
    mri: Structures
    partner: Structures


def convolution(channels: int, out: int, *, stride: int = 1, gain: float = 1.0) -> nn.Conv2d:
    """3 x 3, started so that ReLUs keep the variance (He et al. 2015), times `gain`."""
    made = nn.Conv2d(channels, out, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]  # torch's stub says it may be None
    with torch.no_grad():
        made.weight.mul_(gain)
    return made


class ResidualBlock(nn.Module):
    """relu(x + two convolutions of x); (B, C, H, W) -> the same, at or above 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(channels, channels), nn.ReLU(), convolution(channels, channels, gain=0.1))

    def forward(self, features: Tensor) -> Tensor:
        return (features + self.body(features)).relu()


class ResidualChannelAttentionBlock(nn.Module):
    """RCAB (Figure 7; Zhang et al. 2018): the residual, each channel weighed by its mean; (B, C, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(channels, channels), nn.ReLU(), convolution(channels, channels, gain=0.1))
        small = channels // REDUCTION  # so few that a plain ReLU could leave them all at 0
        self.weigh = nn.Sequential(nn.Conv2d(channels, small, 1), nn.LeakyReLU(0.1), nn.Conv2d(small, channels, 1))

    def forward(self, features: Tensor) -> Tensor:
        change = self.body(features)
        return features + change * self.weigh(change.mean((2, 3), keepdim=True)).sigmoid()


class Enlarge(nn.Module):
    """3 x 3 to the finer scale's width, then bilinear x 2; (B, 2 C, H, W) -> (B, C, 2 H, 2 W)."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.narrow = convolution(channels, out)

    def forward(self, features: Tensor) -> Tensor:
        return functional.interpolate(self.narrow(features).relu(), scale_factor=2.0, mode="bilinear")


def residual_blocks(scale: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(WIDTHS[scale]) for _ in range(BLOCKS[scale])))


def attention_blocks(scale: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualChannelAttentionBlock(WIDTHS[scale]) for _ in range(BLOCKS[scale])))


class StructuralFeatureExtractor(nn.Module):
    """SFE (Figure 4): an encoder for the features, and a decoder without skips that predicts where their edges lie.

    forward: (B, 1, H, W) in [0, 1] -> Structures; H and W multiples of 4
    """

    def __init__(self) -> None:
        super().__init__()
        entries = [convolution(1, WIDTHS[0])]
        entries += [convolution(WIDTHS[k - 1], WIDTHS[k], stride=2) for k in (1, 2)]
        self.entries = nn.ModuleList(entries)
        self.encoder = nn.ModuleList(residual_blocks(k) for k in range(3))
        self.enlarge = nn.ModuleList(Enlarge(WIDTHS[k + 1], WIDTHS[k]) for k in range(2))
        self.decoder = nn.ModuleList(residual_blocks(k) for k in range(3))
        self.heads = nn.ModuleList(convolution(WIDTHS[k], WIDTHS[k], gain=0.1) for k in range(3))

    def forward(self, image: Tensor) -> Structures:
        features: list[Tensor] = []
        x = image
        for entry, blocks in zip(self.entries, self.encoder, strict=True):
            x = blocks(entry(x).relu())
            features.append(x)  # F_k, Eq. 1
        maps: list[Tensor] = []
        for k in (2, 1, 0):
            x = self.decoder[k](x if k == 2 else self.enlarge[k](x))
            maps.insert(0, self.heads[k](x).sigmoid())  # S_k
        return Structures(features, maps)


def enhance(
    structure_mri: Tensor, structure_partner: Tensor, feature_mri: Tensor, feature_partner: Tensor
) -> tuple[Tensor, Tensor]:
    """Each side's structures with what is unique to the other (Eqs. 5 to 8); all shapes alike."""
    unique_mri = structure_mri * (1 - structure_partner)  # Eqs. 5 and 6, second summand
    unique_partner = structure_partner * (1 - structure_mri)  # first summand
    mri = structure_mri + (1 - unique_partner) * feature_mri + unique_partner * feature_partner  # Eq. 7
    partner = structure_partner + unique_mri * feature_mri + (1 - unique_mri) * feature_partner  # Eq. 8
    return mri, partner


class StructurePreservingFusion(nn.Module):
    """SPF at one scale (Figures 6 and 7): enhance both sides, attend to each with the same blocks, merge.

    forward: two sides' (S_k, F_k), each (B, C, H, W) -> (B, C, H, W)
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.attend = attention_blocks(scale)
        self.merge = convolution(2 * WIDTHS[scale], WIDTHS[scale])

    def forward(
        self, structure_mri: Tensor, structure_partner: Tensor, feature_mri: Tensor, feature_partner: Tensor
    ) -> Tensor:
        both = torch.cat(enhance(structure_mri, structure_partner, feature_mri, feature_partner))  # (2 B, C, H, W)
        return self.merge(torch.cat(self.attend(both).chunk(2), dim=1)).relu()


class WithinUnit(torch.autograd.Function):
    """Clamp to [0, 1] with the gradient that leads back inside, so that no pixel is lost at black or white."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor) -> Tensor:
        ctx.save_for_backward(picture)
        return picture.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (picture,) = ctx.saved_tensors
        return gradient.masked_fill(((picture < 0) & (gradient > 0)) | ((picture > 1) & (gradient < 0)), 0)


class SSPFusion(nn.Module):
    """Fuse an MRI with its partner.

    forward: mri, partner (B, 1, H, W) -> fused (B, 1, H, W); floats in [0, 1], H and W multiples of 4. With
    `explain=True` it returns Explained, for the losses.
    """

    multiple = 4
    minds_air = True  # channels are weighed by their means over the whole picture

    def __init__(self) -> None:
        super().__init__()
        self.extractor = StructuralFeatureExtractor()
        self.fusion = nn.ModuleList(StructurePreservingFusion(k) for k in range(3))
        self.enlarge = nn.ModuleList(Enlarge(WIDTHS[k + 1], WIDTHS[k]) for k in range(2))
        self.skip = nn.ModuleList(convolution(2 * WIDTHS[k], WIDTHS[k]) for k in range(2))
        self.decoder = nn.ModuleList(attention_blocks(k) for k in range(3))
        self.picture = convolution(WIDTHS[0], 1, gain=0.01)

    def forward(self, mri: Tensor, partner: Tensor, *, explain: bool = False) -> Tensor | Explained:
        explained = self.extractor(torch.cat([mri, partner]))  # one extractor, both modalities as one batch
        features = [level.chunk(2) for level in explained.features]
        maps = [level.chunk(2) for level in explained.maps]
        fused = [fuse(*maps[k], *features[k]) for k, fuse in enumerate(self.fusion)]
        x = self.decoder[2](fused[2])
        for k in (1, 0):
            x = self.skip[k](torch.cat([self.enlarge[k](x), fused[k]], dim=1)).relu()
            x = self.decoder[k](x)
        within = torch.maximum(mri, partner) + self.picture(x)
        picture: Tensor = WithinUnit.apply(within)  # type: ignore[no-untyped-call]  # torch leaves `apply` untyped
        if not explain:
            return picture
        sides = (Structures([level[side] for level in features], [level[side] for level in maps]) for side in (0, 1))
        return Explained(picture, *sides)
