"""Losses of fusion networks. Everything is (B, 1, H, W) in [0, 1] -> a scalar, lower is better, unless stated.

What `train` minimises is an objective: a function (network, mri, partner) -> its terms by name, each already weighted.
It runs the network itself, so that it may ask for more than the fused picture; `train` adds the terms up and writes
each to the curve. Most objectives only look at the picture: they are a `Loss` of (fused, mri, partner), and `of_fused`
runs the network for them. `objectives` lists them all. Where an example brings the picture to follow (`examples`), that
comes last.

The network that `train` passes can only be called. Under bf16 it answers in bfloat16 and everything after it is
float32 arithmetic, so an objective begins with `.float()`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.base.errors import FusionError
from app.fusion import infer

Terms = dict[str, Tensor]
Loss = Callable[..., Terms]  # fused, mri, partner; and the picture to follow, where the loss is a distance to it
Objective = Callable[..., Terms]  # network, mri, partner; and that picture


class DivergedError(FusionError):
    hint = "Begin again in another folder, with a lower --learning-rate, or a fit with lower weights of its loss."

    def __init__(self, step: int, loss: float) -> None:
        super().__init__(f"The training diverged: the loss of step {step} is {loss}.")


def total(terms: Terms, step: int) -> Tensor:
    """The sum, which must be finite: DivergedError of that step where it is not."""
    loss = torch.stack(list(terms.values())).sum()
    if not math.isfinite(loss.item()):
        raise DivergedError(step, loss.item())
    return loss


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


def sum_of_derivatives(image: Tensor) -> Tensor:
    """|gx| + |gy| of Sobel, (B, 1, H, W)."""
    x, y = sobel(image)
    return x.abs() + y.abs()


def maximum_intensity(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """Mean distance to the brighter source (LightFusionNet, Eq. 1)."""
    return (fused - torch.maximum(mri, partner)).abs().mean()


def maximum_brightness(fused: Tensor, mri: Tensor, partner: Tensor, window: int = 11) -> Tensor:
    """Mean distance between the local means, window x window, of the fused picture and of the brighter source."""
    fused_mean, brighter_mean = (
        functional.avg_pool2d(one, window, stride=1, padding=window // 2, count_include_pad=False)
        for one in (fused, torch.maximum(mri, partner))
    )
    return (fused_mean - brighter_mean).abs().mean()


def maximum_gradient(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """Mean distance of the Sobel magnitude to the stronger source's (LightFusionNet, Eq. 2)."""
    strongest = torch.maximum(sobel_magnitude(mri), sobel_magnitude(partner))
    return (sobel_magnitude(fused) - strongest).abs().mean()


def ssim(x: Tensor, y: Tensor, window: int = 7) -> Tensor:
    """SSIM with a uniform window and sample covariances, as in METRICS; mean over the valid region, higher is better.

    LightFusionNet prints C1 = 0.01 and C2 = 0.03 (Eq. 3); as in Wang et al. 2004 they are squared here.
    """
    mean_x, mean_y = (functional.avg_pool2d(one, window, stride=1) for one in (x, y))
    sample = window**2 / (window**2 - 1)
    variance_x, variance_y, covariance = (
        sample * (functional.avg_pool2d(product, window, stride=1) - means)
        for product, means in ((x * x, mean_x * mean_x), (y * y, mean_y * mean_y), (x * y, mean_x * mean_y))
    )
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    return (luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)).mean()


def stronger_gradient(fused: Tensor, mri: Tensor, partner: Tensor, gain: float = 1.0) -> Tensor:
    """Mean distance of the gradient, direction included, to `gain` times that of the source whose edge is stronger.

    Magnitudes alone (`maximum_gradient`) are content with an edge of inverted sign, such as a dark sulcus drawn bright
    under uptake; the vector is not.
    """
    (fx, fy), (mx, my), (px, py) = (sobel(one) for one in (fused, mri, partner))
    from_mri = mx.square() + my.square() >= px.square() + py.square()
    x, y = torch.where(from_mri, mx, px), torch.where(from_mri, my, py)
    return ((fx - gain * x).abs() + (fy - gain * y).abs()).mean() / 2


def followed_gradient(fused: Tensor, mri: Tensor, partner: Tensor, gain: float = 1.0, floor: float = 0.1) -> Tensor:
    """As `stronger_gradient`, but the square of the distance as a share of the edge: strength x (relative error)^2.

    Where a network cannot tell yet whose edge to follow, the least absolute distance is that of the likelier answer,
    and it stays at the brighter source for good; the least square lies between both, and moves as it learns.
    """
    (fx, fy), (mx, my), (px, py) = (sobel(one) for one in (fused, mri, partner))
    from_mri = mx.square() + my.square() >= px.square() + py.square()
    x, y = gain * torch.where(from_mri, mx, px), gain * torch.where(from_mri, my, py)
    strength = (x.square() + y.square()).sqrt() + floor
    return (((fx - x).square() + (fy - y).square()) / strength).mean()


def lost_information(fused: Tensor, mri: Tensor, partner: Tensor, noise: float = 2 / 255**2) -> Tensor:
    """1 - the mean over both sources of pixel-domain VIF, two scales, uniform windows (after Sheikh & Bovik 2006)."""
    return 1 - (_vif(mri, fused, noise) + _vif(partner, fused, noise)) / 2


def _vif(source: Tensor, fused: Tensor, noise: float) -> Tensor:
    kept, there = source.new_zeros(()), source.new_zeros(())
    for window in (5, 3):
        mean_s, mean_f = (functional.avg_pool2d(one, window, stride=1) for one in (source, fused))
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
    ours, *theirs = (_in_bins(one, bins) for one in (fused.clamp(0, 1), mri, partner))
    return torch.stack([_entropy(one.mean(1)) - _mutual_information(ours, one) for one in theirs]).sum(0).mean()


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
    kept, asked = (torch.zeros(len(fused)).to(fused) for _ in range(2))
    for source in (mri, partner):
        sx, sy = sobel(source)
        theirs = sobel_magnitude(source)
        strength = torch.minimum(ours, theirs) / torch.maximum(ours, theirs)
        angle = torch.atan2((fx * sy - fy * sx).abs(), (fx * sx + fy * sy).abs() + 1e-6)
        alike = 1 - angle / (math.pi / 2)
        found = 0.9994 * torch.sigmoid(15 * (strength - 0.5)) * 0.9879 * torch.sigmoid(22 * (alike - 0.8))
        kept, asked = kept + (found * theirs).sum((1, 2, 3)), asked + theirs.sum((1, 2, 3))
    return 1 - (kept / (asked + 1e-6)).mean()


def lost_differences(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """2 - SCD, per picture: what the fused one adds to a source should be the other source (Aslantas & Bendes 2015)."""
    return 2 - (_correlation(mri, fused - partner) + _correlation(partner, fused - mri)).mean()


def _correlation(x: Tensor, y: Tensor) -> Tensor:
    x, y = (one.flatten(1) - one.flatten(1).mean(1, keepdim=True) for one in (x, y))
    return (x * y).sum(1) / (x.square().sum(1) * y.square().sum(1) + 1e-8).sqrt()


def lightfusionnet_published(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    """The weights that Table 5 measured: intensity 100, gradient 50, SSIM 20."""
    return _lightfusionnet(fused, mri, partner, intensity=100, gradient=50, similarity=20)


def lightfusionnet_equation_5(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    """The weights that Eq. 5 prints: intensity 20, gradient 100, SSIM 50."""
    return _lightfusionnet(fused, mri, partner, intensity=20, gradient=100, similarity=50)


def _lightfusionnet(
    fused: Tensor, mri: Tensor, partner: Tensor, *, intensity: float, gradient: float, similarity: float
) -> Terms:
    return {
        "intensity": intensity * maximum_intensity(fused, mri, partner),
        "gradient": gradient * maximum_gradient(fused, mri, partner),
        "ssim": similarity * (1 - (ssim(fused, mri) + ssim(fused, partner)) / 2),
    }


def lkcfunet_published(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    """Eq. 8 to 11, all weights 1; the gradient is |gx| + |gy|, as its authors' release has it."""
    strengths = [sum_of_derivatives(one) for one in (fused, mri, partner)]
    return {
        "ssim": 1 - (ssim(fused, mri) + ssim(fused, partner)) / 2,
        "intensity": maximum_intensity(fused, mri, partner),
        "gradient": (strengths[0] - torch.maximum(strengths[1], strengths[2])).abs().mean(),
    }


def faithful(
    fused: Tensor,
    mri: Tensor,
    partner: Tensor,
    *,
    intensity: float = 0.3,
    similarity: float = 0.3,
    information: float = 0.4,
    differences: float = 0.15,
    gain: float = 1.0,
    bits: float = 0.0,
    edges: float = 0.0,
    followed: float = 0.0,
) -> Terms:
    """Ours: broad brightness of the maximum, edges of the stronger source, and what fidelity measures ask of both.

    Pixel by pixel the maximum drowns the MRI's detail under bright uptake or bone; left out altogether, the partner's
    broad uptake goes missing, and no measure of edges minds. So the maximum counts mostly through its local mean. The
    weights were chosen on the validation pairs (see the model cards); `gain` asks for edges steeper than the sources',
    `bits` for grey values that tell theirs, `edges` for edges that Qabf finds again, `followed` for edges of the
    stronger source where it is the darker one, too.
    """
    terms = {
        "intensity": intensity * maximum_intensity(fused, mri, partner),
        "brightness": 2.0 * maximum_brightness(fused, mri, partner),
        "gradient": 2.0 * stronger_gradient(fused, mri, partner, gain),
        "ssim": similarity * (1 - (ssim(fused, mri) + ssim(fused, partner)) / 2),
        "information": information * lost_information(fused, mri, partner),
        "differences": differences * lost_differences(fused, mri, partner),
    }
    if bits:
        terms["bits"] = bits * lost_bits(fused, mri, partner)
    if edges:
        terms["edges"] = edges * lost_edges(fused, mri, partner)
    if followed:
        terms["followed"] = followed * followed_gradient(fused, mri, partner, gain)
    return terms


def of_fused(loss: Loss) -> Objective:
    """The objective that looks at the fused picture alone, air blanked as `infer` does it."""

    def objective(network: nn.Module, mri: Tensor, partner: Tensor, *target: Tensor) -> Terms:
        return loss(infer.blank_air(network(mri, partner).float(), mri, partner), mri, partner, *target)

    return objective


_ALL_ROUND = partial(faithful, gain=1.1, information=4.0, followed=1.0)
OF_FUSED: dict[str, Loss] = {
    "lightfusionnet-published": lightfusionnet_published,
    "lightfusionnet-equation-5": lightfusionnet_equation_5,
    "lkcfunet-published": lkcfunet_published,
    "faithful": faithful,
    "lively": partial(faithful, gain=1.25, similarity=0.6, information=1.0, bits=0.05),
    "edged": partial(faithful, gain=1.25, similarity=0.6, information=1.0, bits=0.05, edges=1.0, followed=3.0),
    "telling": partial(faithful, gain=1.1, similarity=0.6, information=1.0, bits=0.1),
    "alike": partial(faithful, similarity=14.0, information=1.0, differences=0.0, bits=0.7, edges=0.3),
    "all-round": partial(_ALL_ROUND, similarity=40.0, differences=0.7, bits=1.0, edges=3.0),
    "all-round-edged": partial(_ALL_ROUND, similarity=40.0, differences=0.7, bits=1.4, edges=12.0),
    "all-round-alike": partial(_ALL_ROUND, similarity=50.0, differences=0.7, bits=1.5, edges=14.0),
    "all-round-told": partial(_ALL_ROUND, similarity=50.0, differences=1.0, bits=2.1, edges=14.0),
}
