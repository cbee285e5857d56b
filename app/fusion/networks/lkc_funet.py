"""LKC-FUNet: a U-Net of large dense kernels, instance norm first and group norm after, and attentive skips.

D. He et al., "Rethinking Normalization Strategies and Convolutional Kernels for Multimodal Image Fusion". The paper
states 41.17 M parameters and 4050 GFLOP at 256 x 256 (two per multiply-add). What it leaves open was chosen so that
both come out: three scales of 128 channels with kernels of 15, 11 and 5 (four are printed), `init` 32 wide, depthwise
blocks 192 wide inside: 41.18 M parameters and 4046 GFLOP.

Three readings of the text: "11 x 1 convolution" is "a 1 x 1"; the weights of Eq. 2 are one map for each path, since
they decide "at each pixel"; and Eq. 7 recalibrates the encoder's map as printed (the authors' release passes the
decoder's there; `recalibrates` tries it).

One thing is ours, and off unless asked for: with `from_maximum` the last convolution predicts the difference from the
brighter source, which is what Eq. 10 asks the picture to be. It starts small, so that training begins at the maximum
and is spent on what the maximum buries: a processor without a GPU reaches a good picture in hours then, not days.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.fusion.large_kernel import LargeKernelConv2d

WIDTH = 128
FIRST = 32  # channels of `init`
INSIDE = 192  # channels inside an LKDCBlock
KERNELS = (15, 11, 5)  # one for each scale
GROUPS = 32  # of the group norm in an LKCBlock; an LKDCBlock has 1 (Table 3)

Norm = Callable[[int, int], nn.Module]  # channels, groups -> a layer of them
NORMS: dict[str, tuple[Norm, Norm]] = {}  # Table 2: the norm of the InitBlock, and of all else


def _instance(channels: int, groups: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True)


def _group(channels: int, groups: int) -> nn.Module:
    return nn.GroupNorm(min(groups, channels // 4), channels)  # one channel a group would be instance norm


def _batch(channels: int, groups: int) -> nn.Module:
    return nn.BatchNorm2d(channels)


def _layer(channels: int, groups: int) -> nn.Module:
    return nn.GroupNorm(1, channels)


def _none(channels: int, groups: int) -> nn.Module:
    return nn.Identity()


NORMS |= {
    "IN+GN": (_instance, _group),
    "BN+GN": (_batch, _group),
    "IN": (_instance, _instance),
    "GN": (_group, _group),
    "BN": (_batch, _batch),
    "LN": (_layer, _layer),
    "none": (_none, _none),
}


class LKCBlock(nn.Module):
    """Twice norm, ReLU, dense k x k, and a residual; (B, C, H, W) -> (B, 128, H, W). Dropout before the second."""

    def __init__(self, channels: int, kernel: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        self.first = nn.Sequential(norm(channels, GROUPS), nn.ReLU(), LargeKernelConv2d(channels, WIDTH, kernel))
        self.second = nn.Sequential(
            norm(WIDTH, GROUPS), nn.ReLU(), nn.Dropout(dropout), LargeKernelConv2d(WIDTH, WIDTH, kernel)
        )
        self.residual = nn.Conv2d(channels, WIDTH, 1) if channels != WIDTH else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        return self.second(self.first(features)) + self.residual(features)


class LKDCBlock(nn.Module):
    """Widen, one k x k kernel per channel, narrow, and a residual that is now and then all there is in training."""

    def __init__(self, kernel: int, norm: Norm, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.branch = nn.Sequential(
            norm(WIDTH, 1),
            nn.Conv2d(WIDTH, INSIDE, 1),
            norm(INSIDE, 1),
            nn.ReLU(),
            LargeKernelConv2d(INSIDE, INSIDE, kernel, depthwise=True),
            norm(INSIDE, 1),
            nn.ReLU(),
            nn.Conv2d(INSIDE, WIDTH, 1),
            norm(WIDTH, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        branch = self.branch(features)
        if self.training and self.drop_path > 0:  # stochastic depth (Huang et al. 2016), each picture for itself
            kept = torch.rand(len(branch), 1, 1, 1, device=branch.device) >= self.drop_path
            branch = branch * kept / (1 - self.drop_path)
        return features + branch


class MPAFM(nn.Module):
    """Multipath adaptive fusion: encoder and decoder map (B, 128, H, W) each -> (B, 256, H, W).

    recalibrates : "encoder", as Eq. 7 prints, or "decoder"
    """

    def __init__(self, recalibrates: str) -> None:
        super().__init__()
        if recalibrates not in ("encoder", "decoder"):
            raise ValueError(f"recalibrates is {recalibrates!r}, neither 'encoder' nor 'decoder'")
        self.recalibrates = recalibrates
        self.channel = nn.Sequential(nn.Conv2d(WIDTH, WIDTH // 8, 1), nn.ReLU(), nn.Conv2d(WIDTH // 8, WIDTH, 1))
        self.spatial = nn.Sequential(nn.Conv2d(2, 1, 1), nn.BatchNorm2d(1))
        self.steady = nn.BatchNorm2d(WIDTH)
        self.select = nn.Conv2d(WIDTH, 2, 1)
        self.attend = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 1), nn.BatchNorm2d(WIDTH), nn.Sigmoid())
        self.widen = nn.Conv2d(WIDTH, 2 * WIDTH, 1)

    def forward(self, e: Tensor, d: Tensor) -> Tensor:
        pooled = torch.stack([d.mean(1), d.amax(1)], 1)
        before = self.steady(self.channel(e.mean((2, 3), keepdim=True)) + self.spatial(pooled))  # Eq. 1
        w1, w2 = self.select(before).softmax(1).chunk(2, 1)  # Eq. 2
        e_near, d_near = w1 * e + e, w2 * d + d  # Eq. 3, 4
        f = e_near.sigmoid() * d_near + d_near.sigmoid() * e_near  # Eq. 5
        recalibrated = e if self.recalibrates == "encoder" else d
        return self.widen(self.attend(f) * recalibrated)  # Eq. 6, 7


class PlainSkip(nn.Module):
    """The ablation without MPAFM: both maps, one after the other."""

    def forward(self, e: Tensor, d: Tensor) -> Tensor:
        return torch.cat([e, d], 1)


class LKCFUNet(nn.Module):
    """Fuse an MRI with its partner.

    forward: mri, partner (B, 1, H, W) -> fused (B, 1, H, W); floats in [0, 1], H and W multiples of 4. In training the
    result is not clipped, so that the gradient reaches what lies outside.

    norm : a key of NORMS; large_kernels : False takes 3 x 3 throughout; mpafm : False joins encoder and decoder maps
    as they are (Table 2). dropout, drop_path : how often a feature, or a whole LKDCBlock, is left out in training.
    from_maximum : predict the difference from the brighter source. In float16 it takes, gives and stores numbers, and
    computes in float32: no norm bounds the maps that residuals and MPAFM add to, and they outgrow 65504 in training.
    """

    multiple = 4  # two halvings
    minds_air = True  # instance and group norm take their means over the whole picture

    def __init__(
        self,
        *,
        norm: str = "IN+GN",
        large_kernels: bool = True,
        mpafm: bool = True,
        recalibrates: str = "encoder",
        dropout: float = 0.2,
        drop_path: float = 0.2,
        from_maximum: bool = False,
    ) -> None:
        super().__init__()
        self.from_maximum = from_maximum
        if norm not in NORMS:
            raise ValueError(f"norm is {norm!r}, none of {', '.join(NORMS)}")
        first_norm, norm_of = NORMS[norm]
        kernels = KERNELS if large_kernels else (3,) * len(KERNELS)

        def dense(channels: int, kernel: int) -> LKCBlock:
            return LKCBlock(channels, kernel, norm_of, dropout)

        def depthwise(kernel: int) -> LKDCBlock:
            return LKDCBlock(kernel, norm_of, drop_path)

        self.init = nn.Conv2d(2, FIRST, 3, padding=1)
        self.init_block = nn.Sequential(
            first_norm(FIRST, GROUPS), nn.ReLU(), LargeKernelConv2d(FIRST, WIDTH, kernels[0])
        )
        self.encoder = nn.ModuleList(nn.Sequential(dense(WIDTH, kernel), depthwise(kernel)) for kernel in kernels)
        self.down = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1) for _ in kernels[1:])
        self.bottom = nn.Sequential(depthwise(kernels[-1]), depthwise(kernels[-1]))
        self.skip = nn.ModuleList(MPAFM(recalibrates) if mpafm else PlainSkip() for _ in kernels)
        self.decoder = nn.ModuleList(  # the finest first, as the encoder
            nn.Sequential(dense(2 * WIDTH, kernel), depthwise(kernel), *([depthwise(kernel)] if scale else []))
            for scale, kernel in enumerate(kernels)
        )
        self.up = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in kernels[1:])
        self.last: LKCBlock = dense(WIDTH + FIRST, kernels[0])
        picture = nn.Conv2d(WIDTH, 1, 3, padding=1)
        if from_maximum:
            with torch.no_grad():
                picture.weight.mul_(0.01)
        self.head = nn.Sequential(norm_of(WIDTH, GROUPS), nn.ReLU(), picture)

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        if mri.dtype == torch.float16:
            tensors = {name: tensor.float() for name, tensor in self.state_dict().items()}
            computed: Tensor = torch.func.functional_call(self, tensors, (mri.float(), partner.float()))
            return computed.half()
        fused = self.head(self.last(self.features(mri, partner)))
        if self.from_maximum:
            fused = torch.maximum(mri, partner) + fused
        return fused if self.training else fused.clamp(0, 1)

    def features(self, mri: Tensor, partner: Tensor) -> Tensor:
        """What the last block is given: (B, 160, H, W), from the finest decoder, and `init`'s."""
        first = self.init(torch.cat([mri, partner], 1))
        features = self.init_block(first)
        encoded = []
        for scale, block in enumerate(self.encoder):
            features = block(self.down[scale - 1](features) if scale else features)
            encoded.append(features)
        features = self.bottom(features)
        for scale in reversed(range(len(encoded))):
            features = self.decoder[scale](self.skip[scale](encoded[scale], features))
            if scale:
                features = self.up[scale - 1](functional.interpolate(features, scale_factor=2, mode="nearest"))
        return torch.cat([features, first], 1)
