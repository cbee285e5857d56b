"""What a fused picture keeps of its sources, with a gradient: the terms that losses are added up from.

Pictures are (B, 1, H, W) in [0, 1]; a term is a scalar and lower is better, unless stated.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

Terms = dict[str, Tensor]  # by name, each already weighted

_SOBEL = torch.tensor([[[[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]]])


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel derivatives along x and y, edges repeated; (B, 1, H, W) each."""
    kernel = _SOBEL.to(image)
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    return functional.conv2d(padded, kernel), functional.conv2d(padded, kernel.transpose(2, 3))


def sobel_magnitude(image: Tensor) -> Tensor:
    """(B, 1, H, W); the root is kept off 0, where it has no derivative."""
    x, y = sobel(image)
    return (x.square() + y.square() + 1e-8).sqrt()


def maximum_intensity(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """Mean distance to the brighter source (LightFusionNet, Eq. 1)."""
    return (fused - torch.maximum(mri, partner)).abs().mean()


def maximum_brightness(fused: Tensor, mri: Tensor, partner: Tensor, window: int = 11) -> Tensor:
    """Mean distance between the local means, window x window, of the fused picture and of the brighter source."""
    difference = fused - torch.maximum(mri, partner)
    local = functional.avg_pool2d(difference, window, stride=1, padding=window // 2, count_include_pad=False)
    return local.abs().mean()


def maximum_gradient(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """Mean distance of the Sobel magnitude to the stronger source's (LightFusionNet, Eq. 2)."""
    strongest = torch.maximum(sobel_magnitude(mri), sobel_magnitude(partner))
    return (sobel_magnitude(fused) - strongest).abs().mean()


def stronger_gradient(fused: Tensor, mri: Tensor, partner: Tensor, gain: float = 1.0) -> Tensor:
    """Mean distance of the gradient, direction included, to `gain` times that of the source whose edge is stronger.

    Magnitudes alone (`maximum_gradient`) are content with an edge of inverted sign, such as a dark sulcus drawn bright
    under uptake; the vector is not.
    """
    (fx, fy), (mx, my), (px, py) = (sobel(image) for image in (fused, mri, partner))
    from_mri = mx.square() + my.square() >= px.square() + py.square()
    x, y = torch.where(from_mri, mx, px), torch.where(from_mri, my, py)
    return ((fx - gain * x).abs() + (fy - gain * y).abs()).mean() / 2


def ssim(x: Tensor, y: Tensor, window: int = 7) -> Tensor:
    """SSIM with a uniform window and sample covariances, as in METRICS; mean over the valid region, higher is better.

    LightFusionNet prints C1 = 0.01 and C2 = 0.03 (Eq. 3); as in Wang et al. 2004 they are squared here.
    """
    mean_x, mean_y = (functional.avg_pool2d(image, window, stride=1) for image in (x, y))
    sample = window**2 / (window**2 - 1)
    variance_x, variance_y, covariance = (
        sample * (functional.avg_pool2d(product, window, stride=1) - means)
        for product, means in ((x * x, mean_x * mean_x), (y * y, mean_y * mean_y), (x * y, mean_x * mean_y))
    )
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    return (luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)).mean()


def lost_structure(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """1 - the mean SSIM with both sources."""
    return 1 - (ssim(fused, mri) + ssim(fused, partner)) / 2


def lost_information(fused: Tensor, mri: Tensor, partner: Tensor, noise: float = 2 / 255**2) -> Tensor:
    """1 - the mean over both sources of pixel-domain VIF, two scales, uniform windows (after Sheikh & Bovik 2006)."""
    return 1 - (_vif(mri, fused, noise) + _vif(partner, fused, noise)) / 2


def _vif(source: Tensor, fused: Tensor, noise: float) -> Tensor:
    kept, there = source.new_zeros(()), source.new_zeros(())
    for window in (5, 3):
        mean_s, mean_f = (functional.avg_pool2d(image, window, stride=1) for image in (source, fused))
        var_s = (functional.avg_pool2d(source * source, window, stride=1) - mean_s.square()).clamp(min=0)
        var_f = (functional.avg_pool2d(fused * fused, window, stride=1) - mean_f.square()).clamp(min=0)
        shared = functional.avg_pool2d(source * fused, window, stride=1) - mean_s * mean_f
        gain = shared.clamp(min=0) / (var_s + 1e-6)
        rest = (var_f - gain * shared).clamp(min=1e-6)
        kept = kept + torch.log1p(gain.square() * var_s / (rest + noise)).sum()
        there = there + torch.log1p(var_s / noise).sum()
        source, fused = functional.avg_pool2d(source, 2), functional.avg_pool2d(fused, 2)
    return kept / (there + 1e-6)


def lost_bits(fused: Tensor, mri: Tensor, partner: Tensor, bins: int = 64) -> Tensor:
    """What the sources' grey values tell and the fused picture's do not, in bits: H(mri) - MI(fused, mri), and the
    same of the partner, added; per picture, and then the mean (MI as fusion measures it: Qu et al. 2002).

    A grey value counts in the two bins it lies between, so that there is a gradient; what that blurs is never found, so
    that a copy of a source still misses about a bit.
    """
    ours, *theirs = (_in_bins(image, bins) for image in (fused.clamp(0, 1), mri, partner))
    lost = [_entropy(source.mean(1)) - _mutual_information(ours, source) for source in theirs]
    return torch.stack(lost).sum(0).mean()


def _in_bins(image: Tensor, bins: int) -> Tensor:
    """(B, 1, H, W) in [0, 1] -> (B, H W, bins), 1 over all bins of a pixel."""
    places = image.flatten(1)[..., None] * (bins - 1)
    return (1 - (places - torch.arange(bins).to(image)).abs()).clamp(min=0)


def _mutual_information(a: Tensor, b: Tensor) -> Tensor:
    """Of two (B, N, bins), in bits: (B,)."""
    joint = a.transpose(1, 2) @ b / a.shape[1]
    return _entropy(joint.sum(2)) + _entropy(joint.sum(1)) - _entropy(joint.flatten(1))


def _entropy(shares: Tensor) -> Tensor:
    """(B, N) that add up to 1 -> bits, (B,)."""
    return -(shares * (shares + 1e-9).log2()).sum(1)


def lost_edges(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """1 - Qabf, per picture, and then the mean, with the constants of METRICS (Xydeas & Petrovic 2000).

    The angle is between the edges' lines, which the tangents' difference that the measure takes jumps away from at
    upright edges; and flat on flat, which has no weight, may count as it likes.
    """
    fx, fy = sobel(fused)
    ours = sobel_magnitude(fused)
    kept, there = (torch.zeros(len(fused)).to(fused) for _ in range(2))
    for source in (mri, partner):
        sx, sy = sobel(source)
        theirs = sobel_magnitude(source)
        strength = torch.minimum(ours, theirs) / torch.maximum(ours, theirs)
        angle = torch.atan2((fx * sy - fy * sx).abs(), (fx * sx + fy * sy).abs() + 1e-6)
        alike = 1 - angle / (math.pi / 2)
        share = 0.9994 * torch.sigmoid(15 * (strength - 0.5)) * 0.9879 * torch.sigmoid(22 * (alike - 0.8))
        kept, there = kept + (share * theirs).sum((1, 2, 3)), there + theirs.sum((1, 2, 3))
    return 1 - (kept / (there + 1e-6)).mean()


def lost_differences(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """2 - SCD, per picture: what the fused one adds to a source should be the other source (Aslantas & Bendes 2015)."""
    return 2 - (_correlation(mri, fused - partner) + _correlation(partner, fused - mri)).mean()


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    x, y = (image.flatten(1) - image.flatten(1).mean(1, keepdim=True) for image in (x, y))
    return (x * y).sum(1) / (x.square().sum(1) * y.square().sum(1) + 1e-8).sqrt()
