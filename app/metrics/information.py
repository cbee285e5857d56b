"""What one picture tells about another, in Shannon's sense: EN, MI, and visual information fidelity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from app.metrics.image_checks import Image, Region, Undefined, picked, same_shape

_NOISE_VARIANCE = 2.0  # of the eye's internal noise, as the released implementation of VIF has it
_TINY = 1e-10
_WINDOWS = (17, 9, 5, 3)
SMALLEST_VIF = 41  # pixels a side: below it the fourth scale is smaller than its window


def entropy(fused: Image, inside: Region | None = None) -> float:
    """How many bits a pixel of the picture carries.

    Parameters
    ----------
    fused : (H, W) float64, whole numbers in 0..255; inside : (H, W) bool or None

    Returns
    -------
    float : bits, from 0 (a constant picture) to 8; higher is better

    Raises
    ------
    Undefined : the region holds no pixel

    References
    ----------
    Roberts, van Aardt & Ahmed (2008), Journal of Applied Remote Sensing 2:023522, doi:10.1117/1.2945910
    """
    values = picked(fused, inside)
    if values.size == 0:
        raise Undefined("the region holds no pixel")
    p = np.bincount(np.rint(values).astype(np.intp), minlength=256) / values.size
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum()) + 0.0  # + 0.0: a constant picture has 0, not -0


def joint_histogram(first: Image, second: Image, inside: Region | None = None) -> NDArray[np.float64]:
    """(256, 256) shares of the pixels having each pair of grey levels; they sum to 1.

    Raises ImageShapeError where the shapes differ, Undefined where the region holds no pixel.
    """
    same_shape(first, second)
    pairs = 256 * picked(first, inside).astype(np.intp) + picked(second, inside).astype(np.intp)
    if pairs.size == 0:
        raise Undefined("the region holds no pixel")
    return np.bincount(pairs, minlength=256 * 256).reshape(256, 256) / pairs.size


def mutual_information(fused: Image, source: Image, inside: Region | None = None) -> float:
    """Information about one source that survives in the fused image.

    Parameters
    ----------
    fused, source : (H, W) float64, whole numbers in 0..255; inside : (H, W) bool or None

    Returns
    -------
    float : nats, from 0 (independent) to the entropy of `source`; higher is better; others print bits (x 1.4427)

    Raises
    ------
    ImageShapeError : the shapes differ
    Undefined : the region holds no pixel

    References
    ----------
    Qu, Zhang & Yan (2002), Electronics Letters 38(7):313, doi:10.1049/el:20020212
    """
    p = joint_histogram(fused, source, inside)
    occupied = p > 0
    independent = np.multiply.outer(p.sum(1), p.sum(0))[occupied]
    p = p[occupied]
    return max(0.0, float((p * np.log(p / independent)).sum()))  # rounding may leave -1e-17


def visual_information_fidelity(source: Image, fused: Image, inside: Region | None = None) -> float:
    """Share of the information an eye gets from the source that it still gets from the fused image.

    The pixel-domain form (vifp): four scales with Gaussian windows of 17, 9, 5, 3 pixels, sigma a fifth of the window,
    noise variance 2, only whole windows, every second pixel kept after the filter of scales 2 to 4.

    Parameters
    ----------
    source, fused : (H, W) float64, whole numbers in 0..255, at least SMALLEST_VIF pixels a side
    inside : (H, W) bool or None, a window counts where all its pixels are inside

    Returns
    -------
    float : 0 (nothing survives) to 1 (identical), above 1 where contrast was added; exactly 1 where the source
        carries no information at all (0/0); higher is better

    Raises
    ------
    ImageShapeError : the shapes differ
    Undefined : the picture or the region is smaller than the windows of four scales

    References
    ----------
    Sheikh & Bovik (2006), IEEE Transactions on Image Processing 15(2):430, doi:10.1109/TIP.2005.859378
    """
    same_shape(source, fused)
    if min(source.shape) < SMALLEST_VIF:
        raise Undefined(f"four scales need pictures of at least {SMALLEST_VIF} x {SMALLEST_VIF} pixels")
    # Variances do not change with an offset; taking a middle level away keeps those of flat areas at exactly 0.
    a, f = (
        image - np.rint(picked(image, inside).mean()) if inside is None or inside.any() else image
        for image in (source, fused)
    )
    whole = inside
    preserved = available = 0.0
    for scale, size in enumerate(_WINDOWS):
        if scale:
            a, f = (_valid(image, size)[::2, ::2] for image in (a, f))
            whole = None if whole is None else _whole(whole, size)[::2, ::2]
        counted = None if whole is None else _whole(whole, size)
        if counted is not None and not counted.any():
            raise Undefined("the region is smaller than the windows of four scales")
        gain, noise, variance = _channel(a, f, size)
        fused_bits = np.log10(1 + gain**2 * variance / (noise + _NOISE_VARIANCE))
        source_bits = np.log10(1 + variance / _NOISE_VARIANCE)
        preserved += float((fused_bits if counted is None else fused_bits[counted]).sum())
        available += float((source_bits if counted is None else source_bits[counted]).sum())
    return preserved / available if available > 0 else 1.0  # nothing to see, so nothing was lost


def _channel(a: Image, f: Image, size: int) -> tuple[Image, Image, Image]:
    """Gain and noise variance of the channel f = gain * a + noise, and the variance of a, at each whole window."""
    mean_a, mean_f = _valid(a, size), _valid(f, size)
    variance_a = np.maximum(_valid(a * a, size) - mean_a**2, 0)
    variance_f = np.maximum(_valid(f * f, size) - mean_f**2, 0)
    covariance = _valid(a * f, size) - mean_a * mean_f
    gain = covariance / (variance_a + _TINY)
    noise = variance_f - gain * covariance
    flat_a, flat_f = variance_a < _TINY, variance_f < _TINY
    gain[flat_a | flat_f] = 0
    noise[flat_a] = variance_f[flat_a]
    variance_a[flat_a] = 0
    noise[flat_f] = 0
    opposed = gain < 0  # an inverted copy tells nothing in this model
    noise[opposed] = variance_f[opposed]
    gain[opposed] = 0
    return gain, np.maximum(noise, _TINY), variance_a


def _valid(image: Image, size: int) -> Image:
    """Gaussian mean over each whole window of size x size; the border where windows stick out is left off."""
    offsets = np.arange(size) - size // 2
    weights = np.exp(-(offsets**2) / (2 * (size / 5) ** 2))
    weights /= weights.sum()
    edge = size // 2
    rows = ndimage.correlate1d(image, weights, axis=0)[edge:-edge]
    return ndimage.correlate1d(rows, weights, axis=1)[:, edge:-edge]


def _whole(inside: Region, size: int) -> Region:
    """Which of the windows of `_valid` lie inside entirely."""
    edge = size // 2
    whole = ndimage.minimum_filter(inside.astype(np.uint8), size)
    return whole[edge:-edge, edge:-edge].astype(np.bool_)
