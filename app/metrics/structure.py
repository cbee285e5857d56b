"""Whether shapes and edges of the sources are found again in the fused picture: CC, SCD, Qabf, SSIM."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from app.metrics.image_checks import Image, Region, Undefined, picked, same_shape, windows_inside

_SSIM_WINDOW = 7
_SSIM_C1 = (0.01 * 255) ** 2
_SSIM_C2 = (0.03 * 255) ** 2


def _inner(x: Image, y: Image) -> float:
    """The inner product of two (n,) arrays without BLAS, whose threads cost more than so short a sum."""
    return float(np.einsum("i,i->", x, y))


def correlation(first: Image, second: Image, inside: Region | None = None) -> float:
    """Pearson's correlation of two pictures.

    Parameters
    ----------
    first, second : (H, W) float64, any values (SCD correlates differences); inside : (H, W) bool or None

    Returns
    -------
    float : -1 (inverted) to 1 (equal up to brightness and contrast); higher is better

    Raises
    ------
    ImageShapeError : the shapes differ
    Undefined : one of the two is constant, or the region holds no pixel

    References
    ----------
    Ma, Ma & Li (2019), Information Fusion 45:153, doi:10.1016/j.inffus.2018.02.004
    """
    same_shape(first, second)
    x, y = picked(first, inside), picked(second, inside)
    if x.size == 0:
        raise Undefined("the region holds no pixel")
    if x.min() == x.max() or y.min() == y.max():
        raise Undefined("one of the pictures compared is constant, and a correlation divides by its spread")
    x, y = x - x.mean(), y - y.mean()
    return float(_inner(x, y) / np.sqrt(_inner(x, x) * _inner(y, y)))


def correlation_of_differences(fused: Image, mri: Image, partner: Image, inside: Region | None = None) -> float:
    """What the fusion added to each source, against the other source: corr(A, F - B) + corr(B, F - A).

    Parameters
    ----------
    fused, mri, partner : (H, W) float64, whole numbers in 0..255; inside : (H, W) bool or None

    Returns
    -------
    float : -2 to 2; higher is better

    Raises
    ------
    ImageShapeError : the shapes differ
    Undefined : a source, or what was added to it, is constant

    References
    ----------
    Aslantas & Bendes (2015), AEU International Journal of Electronics and Communications 69(12):1890,
    doi:10.1016/j.aeue.2015.09.004
    """
    same_shape(fused, mri, partner)
    return correlation(mri, fused - partner, inside) + correlation(partner, fused - mri, inside)


def edge_transfer(fused: Image, mri: Image, partner: Image, inside: Region | None = None) -> float:
    """Qabf: how well strength and direction of the sources' edges are kept, weighted by the edges' strength.

    Sobel edges by convolution with zero padding; angle atan(gy / gx), pi/2 where gx = 0; strength ratio weaker to
    stronger, and where both are equal the strength itself, so 0 for flat on flat.

    Parameters
    ----------
    fused, mri, partner : (H, W) float64, whole numbers in 0..255
    inside : (H, W) bool or None, a pixel counts where the 3 x 3 pixels of its edge are inside

    Returns
    -------
    float : 0 (no edge kept) to about 1 (all kept); higher is better

    Raises
    ------
    ImageShapeError : the shapes differ
    Undefined : neither source has an edge

    References
    ----------
    Xydeas & Petrović (2000), Electronics Letters 36(4):308, doi:10.1049/el:20000267
    """
    same_shape(fused, mri, partner)
    whole = windows_inside(inside, fused.shape, 3, 3)
    f = _edges(fused, whole)
    preserved = weight = 0.0
    for source in (mri, partner):
        s = _edges(source, whole)
        preserved += _inner(_preserved(s, f), s.strength)
        weight += float(s.strength.sum())
    if weight == 0:
        raise Undefined("neither source has an edge")
    return preserved / weight


class _Edges(NamedTuple):
    strength: Image  # (n,)
    angle: Image  # (n,), -pi/2 to pi/2


def _edges(image: Image, counted: Region | None) -> _Edges:
    padded = np.pad(image, 1)
    smooth_down = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    smooth_across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    # Signs as convolution with [-1 0 1] and [1 0 -1] (kernels [[-1 0 1] ...], [[1 2 1] [0 0 0] [-1 -2 -1]]) leaves them
    across = picked(smooth_down[:, :-2] - smooth_down[:, 2:], counted)
    down = picked(smooth_across[2:] - smooth_across[:-2], counted)
    upright = across == 0
    angle = np.arctan(down / np.where(upright, 1, across))
    angle[upright] = np.pi / 2
    return _Edges(np.hypot(across, down), angle)


def _preserved(source: _Edges, fused: _Edges) -> Image:
    low, high = np.minimum(source.strength, fused.strength), np.maximum(source.strength, fused.strength)
    equal = low == high
    strength = np.where(equal, low, low / np.where(equal, 1, high))
    angle = 1 - np.abs(source.angle - fused.angle) / (np.pi / 2)
    return 0.9994 / (1 + np.exp(-15 * (strength - 0.5))) * (0.9879 / (1 + np.exp(-22 * (angle - 0.8))))


def structural_similarity(fused: Image, source: Image, inside: Region | None = None) -> float:
    """SSIM: local agreement in brightness, contrast and shape.

    7 x 7 uniform window, sample covariance, K 0.01 and 0.03, range 255; the border of 3 is left out
    (scikit-image's default).

    Parameters
    ----------
    fused, source : (H, W) float64, whole numbers in 0..255; inside : (H, W) bool or None, a window counts where all its
        pixels are inside

    Returns
    -------
    float : -1 to 1 (identical); higher is better

    Raises
    ------
    ImageShapeError : the shapes differ
    Undefined : the picture or the region is smaller than the window

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli (2004), IEEE Transactions on Image Processing 13(4):600,
    doi:10.1109/TIP.2003.819861
    """
    same_shape(fused, source)
    if min(fused.shape) < _SSIM_WINDOW:
        raise Undefined(f"its window of {_SSIM_WINDOW} x {_SSIM_WINDOW} pixels is larger than the picture")
    mean_f, mean_s = _box(fused), _box(source)
    unbiased = _SSIM_WINDOW**2 / (_SSIM_WINDOW**2 - 1)
    variances = unbiased * (_box(fused * fused) + _box(source * source) - mean_f**2 - mean_s**2)
    covariance = unbiased * (_box(fused * source) - mean_f * mean_s)
    similarity = ((2 * mean_f * mean_s + _SSIM_C1) * (2 * covariance + _SSIM_C2)) / (
        (mean_f**2 + mean_s**2 + _SSIM_C1) * (variances + _SSIM_C2)
    )
    edge = _SSIM_WINDOW // 2
    whole = windows_inside(inside, fused.shape, _SSIM_WINDOW, _SSIM_WINDOW)
    counted = picked(similarity, None if whole is None else whole[edge:-edge, edge:-edge])
    if counted.size == 0:
        raise Undefined(f"no window of {_SSIM_WINDOW} x {_SSIM_WINDOW} pixels fits into the region")
    return float(counted.mean())


def _box(image: Image) -> Image:
    """Mean over each whole 7 x 7 window."""
    edge = _SSIM_WINDOW // 2
    return ndimage.uniform_filter(image, _SSIM_WINDOW)[edge:-edge, edge:-edge]
