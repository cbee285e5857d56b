"""OKLab: a colour as lightness and two axes, in which equal distances look about equally far apart.

Ottosson 2020, https://bottosson.github.io/posts/oklab, with its matrices from linear sRGB; CSS Color Module Level 4
takes it over, and calls a distance of 0.02 a just noticeable difference (section 13.2.1). Lightness is 0 for black and
1 for white. The other two axes in polar form are chroma, 0 for every grey, and hue: 29 degrees is red, 110 yellow,
142 green, 264 blue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Lab = NDArray[np.float64]  # (..., 3): lightness, a, b

JUST_NOTICEABLE = 0.02

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_CONES = np.linalg.inv(_TO_CONES)
_FROM_LAB = np.linalg.inv(_TO_LAB)
_MOST_CHROMA = 0.4  # no sRGB colour has as much: magenta, 0.323, comes nearest
_HALVINGS = 12  # to a ten thousandth
_HOLLOW = 0.001  # of linear light: sRGB's edge is hollow by so much near blue, where it would end too soon


def from_srgb(rgb: NDArray[np.uint8]) -> Lab:
    """uint8 (..., 3) sRGB to OKLab."""
    return from_linear(_LINEAR[rgb])


def to_srgb(lab: ArrayLike) -> NDArray[np.uint8]:
    """OKLab (..., 3) to uint8 sRGB, rounded; what sRGB cannot show is clipped, channel by channel."""
    cones = np.asarray(lab, dtype=np.float64) @ _FROM_LAB.T
    linear = np.clip(cones**3 @ _FROM_CONES.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)


def linear_srgb(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """uint8 (..., 3) sRGB to light, 0 to 1 in each channel (IEC 61966-2-1)."""
    return _LINEAR[rgb]


def from_linear(light: NDArray[np.float64]) -> Lab:
    """Linear sRGB (..., 3) to OKLab."""
    return np.cbrt(light @ _TO_CONES.T) @ _TO_LAB.T


def largest_chroma(lightness: ArrayLike, hue: ArrayLike) -> NDArray[np.float64]:
    """The most chroma that sRGB can show at a lightness in [0, 1] and a hue in radians; both are broadcast.

    Along a hue each channel of linear sRGB is a cubic polynomial in chroma, so halving the interval costs no colour
    conversions. Exact to 0.0001, from below.
    """
    light, angle = np.asarray(lightness, dtype=np.float64), np.asarray(hue, dtype=np.float64)
    cones = np.stack([np.cos(angle), np.sin(angle)], axis=-1) @ _FROM_LAB[:, 1:].T  # what chroma adds, (..., 3)
    channels = []
    for weights in _FROM_CONES:
        linear, square, cube = (cones**power @ weights for power in (1, 2, 3))
        channels.append((light**3, 3 * light**2 * linear, 3 * light * square, cube + 0 * light))
    low = np.zeros(np.broadcast_shapes(light.shape, angle.shape))
    step = _MOST_CHROMA
    for _ in range(_HALVINGS):
        step /= 2
        chroma = low + step
        displayable = np.ones(low.shape, dtype=np.bool_)
        for constant, linear, square, cube in channels:
            value = ((cube * chroma + square) * chroma + linear) * chroma + constant
            displayable &= (value >= -_HOLLOW) & (value <= 1 + _HOLLOW)
        low += step * displayable
    return low


def _decoded() -> NDArray[np.float64]:
    level = np.arange(256) / 255
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


_LINEAR = _decoded()
