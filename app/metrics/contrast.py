"""How much the grey levels of one picture differ: SD, SF, AG. They reward noise and sharpening as much as detail."""

from __future__ import annotations

import numpy as np

from app.metrics.image_checks import Image, Region, Undefined, picked, windows_inside


def standard_deviation(fused: Image, inside: Region | None = None) -> float:
    """Spread of the grey levels.

    Parameters
    ----------
    fused : (H, W) float64, whole numbers in 0..255; inside : (H, W) bool or None

    Returns
    -------
    float : grey levels, population standard deviation, 0 for a constant picture to 127.5; higher is better

    Raises
    ------
    Undefined : the region holds no pixel

    References
    ----------
    Ma, Ma & Li (2019), Information Fusion 45:153, doi:10.1016/j.inffus.2018.02.004
    """
    values = picked(fused, inside)
    if values.size == 0:
        raise Undefined("the region holds no pixel")
    return float(values.std())


def spatial_frequency(fused: Image, inside: Region | None = None) -> float:
    """Strength of the differences between neighbours.

    Each mean is over the differences that exist; tools that divide by M N instead print about 0.2 % less.

    Parameters
    ----------
    fused : (H, W) float64, whole numbers in 0..255; inside : (H, W) bool or None, a difference counts where both
        pixels are inside

    Returns
    -------
    float : grey levels, sqrt(mean squared horizontal difference + mean squared vertical difference); higher is better

    Raises
    ------
    Undefined : no two neighbours side by side, or none above each other

    References
    ----------
    Eskicioglu & Fisher (1995), IEEE Transactions on Communications 43(12):2959, doi:10.1109/26.477498
    """
    energy = 0.0
    for axis in (1, 0):
        differences = np.diff(fused, axis=axis)
        if inside is not None:
            first, second = (inside[:, :-1], inside[:, 1:]) if axis == 1 else (inside[:-1], inside[1:])
            differences = differences[first & second]
        if differences.size == 0:
            raise Undefined(f"no two pixels are neighbours {'side by side' if axis == 1 else 'above each other'}")
        energy += float(np.mean(differences**2))
    return float(np.sqrt(energy))


def average_gradient(fused: Image, inside: Region | None = None) -> float:
    """Mean slope: sqrt((gx^2 + gy^2) / 2), central differences, one-sided at the picture's border (numpy.gradient).

    Parameters
    ----------
    fused : (H, W) float64, whole numbers in 0..255; inside : (H, W) bool or None, a pixel counts where it and the
        neighbours its differences use are inside

    Returns
    -------
    float : grey levels per pixel; higher is better

    Raises
    ------
    Undefined : the picture is less than two pixels wide or high, or no pixel counts

    References
    ----------
    Cui, Feng, Xu, Li & Chen (2015), Optics Communications 341:199, doi:10.1016/j.optcom.2014.12.032. Tools in MATLAB
    take forward differences on (M - 1)(N - 1) pixels and print about 1 % more.
    """
    if min(fused.shape) < 2:
        raise Undefined("a gradient needs at least two pixels in each direction")
    down, across = np.gradient(fused)
    slope = np.sqrt((across**2 + down**2) / 2)
    column, row = (windows_inside(inside, fused.shape, *window) for window in ((3, 1), (1, 3)))
    counted = slope if column is None or row is None else slope[column & row]
    if counted.size == 0:
        raise Undefined("no pixel of the region has all its neighbours inside")
    return float(counted.mean())
