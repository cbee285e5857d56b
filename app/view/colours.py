"""Grey levels and colours by table: everything a pane shows is looked up, so that scrolling and sliding stay fast.

A pixel is one uint32, 0xffRRGGBB, what QImage.Format_RGB32 holds; `rgb` unpacks it. A slice is first brought to 8-bit
levels (one table per window), then two slices' levels together index one table of 65 536 colours: a slider that moves
makes a new small table and looks up again, whatever the mix costs to define.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.palettes import palette

Levels = NDArray[np.uint8]
Pixels = NDArray[np.uint32]  # [row, column], or a table of them

_OPAQUE = np.uint32(0xFF000000)
_ODD = np.uint32(0x00FF00FF)  # red and blue: two channels at once, each with 8 bits of room above it


def levels(values: NDArray[Any], window: tuple[float, float], *, linear: bool = False) -> Levels:
    """Values of any type to 0..255 through a (centre, width) window; not-a-number becomes 0.

    linear : DICOM's LINEAR (PS3.3 C.11.2.1.2.1), for whole numbers; else LINEAR_EXACT (C.11.2.1.3.2)
    """
    centre, width = window
    factor, offset = _ramp(centre, width, linear)
    dtype = np.float64 if values.dtype.itemsize > 4 else np.float32
    with np.errstate(over="ignore"):  # a value too large for its type is infinite, and shown white
        out = np.multiply(values, factor, dtype=dtype)
        out += offset
    np.fmax(out, 0, out=out)  # fmax and not maximum: not-a-number becomes 0 too
    np.minimum(out, 255, out=out)
    return out.astype(np.uint8)


def _ramp(centre: float, width: float, linear: bool) -> tuple[float, float]:
    """factor, offset with level = floor(value * factor + offset), clipped to 0..255: rounding included."""
    if linear and width > 1:
        factor = 255 / (width - 1)
        return factor, 127.5 + 0.5 - factor * (centre - 0.5)
    factor = 255 / max(width, 1e-9)
    return factor, 127.5 + 0.5 - factor * centre


@lru_cache(maxsize=16)
def level_table(kind: str, slope: float, intercept: float, window: tuple[float, float], linear: bool) -> Levels:
    """The level of every stored value of a type of at most 16 bits, indexed by its bit pattern."""
    size = np.dtype(kind).itemsize
    every = np.arange(1 << 8 * size).astype(f"u{size}").view(kind)
    return levels(every.astype(np.float64) * slope + intercept, window, linear=linear)


def stored_levels(
    stored: NDArray[Any], slope: float, intercept: float, window: tuple[float, float], *, linear: bool = False
) -> Levels:
    """Levels of one slice of stored values, by table where the type allows it."""
    if stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2 and stored.dtype.isnative:
        table = level_table(stored.dtype.str, slope, intercept, window, linear)
        return table[stored.view(f"u{stored.dtype.itemsize}")]
    return levels(stored * slope + intercept, window, linear=linear)


@lru_cache(maxsize=32)
def colours(name: str, inverted: bool = False) -> Pixels:
    """The 256 colours of a palette, low values first; inverted runs it backwards."""
    table = packed(palette(name))
    return frozen(table[::-1].copy() if inverted else table)


def packed(rgb_values: NDArray[np.uint8]) -> Pixels:
    """uint8 [..., 3] to pixels."""
    wide = rgb_values.astype(np.uint32)
    return _OPAQUE | wide[..., 0] << np.uint32(16) | wide[..., 1] << np.uint32(8) | wide[..., 2]


def rgb(pixels: Pixels) -> NDArray[np.uint8]:
    """Pixels to uint8 [..., 3]."""
    return np.stack([(pixels >> np.uint32(shift) & np.uint32(255)).astype(np.uint8) for shift in (16, 8, 0)], axis=-1)


def blend(first: Pixels, second: Pixels, share: float) -> Pixels:
    """first at share 0, exactly; second at share 1, exactly; between them linear in display levels, rounded.

    The share is taken in steps of 1/256.
    """
    steps = round(min(max(share, 0.0), 1.0) * 256)
    if steps in (0, 256):
        return first if steps == 0 else second
    return blended(first, second, np.uint32(steps))


def blended(first: Pixels, second: Pixels, steps: np.uint32 | Pixels) -> Pixels:
    """The same by shares in steps of 1/256, 0 to 256: one for all, or one a pixel.

    Two channels are multiplied at once: no sum reaches 2**16.
    """
    high, low, half = np.uint32(256) - steps, steps, np.uint32(0x00800080)
    out = (first & _ODD) * high
    out += (second & _ODD) * low
    out += half
    out >>= np.uint32(8)
    out &= _ODD
    green = (first >> np.uint32(8) & _ODD) * high
    green += (second >> np.uint32(8) & _ODD) * low
    green += half
    green &= np.uint32(0xFF00FF00)
    out |= green
    out |= _OPAQUE
    return out


def joint(first: Levels, second: Levels) -> NDArray[np.intp]:
    """The index of two slices' levels into a table of 65 536."""
    both = first.astype(np.intp)
    both <<= 8
    both |= second
    return both


def look_up(table: NDArray[Any], index: NDArray[Any]) -> NDArray[Any]:
    return np.take(table, index, mode="clip")  # never out of range; "clip" spares numpy a pass of checking


def frozen(table: Pixels) -> Pixels:
    """The same table, read-only."""
    table.flags.writeable = False
    return table
