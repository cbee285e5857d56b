"""A volume made ready to be compared with another: fewer voxels, values in [0, 1], and where the body is.

Whole volumes are too big to search in, air and padding say nothing, and a few extreme voxels (a filling in CT, the
bladder in PET) would squeeze everything else into one histogram bin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from app.base.progress import Progress, silent
from app.core.geometry import Geometry
from app.core.volume import Volume

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SLAB_VOXELS = 2_000_000  # read at once, so that Cancel is heard
_MARGIN_MM = 10.0  # of air around the body: the outline is most of what PET and CT share with an MRI
_LAST_DIGIT = 1e-6  # a spacing of 4 mm comes as 3.9999999999999996 on one machine: 2.5 voxels must round alike on all
# a straight line from air to bone would leave the whole brain in one histogram bin
_CT_HU, _CT_UNIT = (-500.0, -50.0, 120.0, 1600.0), (0.0, 0.15, 0.55, 1.0)


@dataclass(frozen=True)
class Prepared:
    """values : float32 [k, j, i] in [0, 1]; usable, body, near : bool [k, j, i]: no padding; the patient without air;
    the same and the air close around it, where images are compared
    """

    values: Floats
    usable: Mask
    body: Mask
    near: Mask
    grid: Geometry

    @cached_property
    def centroid_mm(self) -> NDArray[np.float64]:
        """Of the body's shape, LPS: in contrast to a centre of intensity the same for every modality."""
        return self.grid.to_lps(np.array(ndimage.center_of_mass(self.body))[::-1])

    @cached_property
    def centre_of_intensity_mm(self) -> NDArray[np.float64]:
        return self.grid.to_lps(np.array(ndimage.center_of_mass(self.values * self.body))[::-1])

    @cached_property
    def extent_mm(self) -> NDArray[np.float64]:
        """(3,) how far the body reaches along the patient's axes, but for the outermost hundredths."""
        voxels = np.argwhere(self.body[::2, ::2, ::2])[:, ::-1] * 2
        if not len(voxels):
            return np.zeros(3)
        return np.ptp(np.percentile(self.grid.to_lps(voxels), (1, 99), axis=0), axis=0)

    def shrunk(self, spacing_mm: float, *, smooth: bool = True) -> Prepared:
        """With voxels of about spacing_mm, each the mean of those it replaces, and then smoothed by half a voxel."""
        factors = _factors(self.grid, spacing_mm)
        weight = _block_mean(self.usable.astype(np.float32), factors)
        values = _block_mean(np.where(self.usable, self.values, 0), factors) / np.maximum(weight, 1e-6)
        grid = _shrunk_grid(self.grid, factors)
        if smooth:
            values = ndimage.gaussian_filter(values, 0.5 * spacing_mm / np.array(grid.spacing_mm)[::-1], mode="nearest")
        body, near = (_block_mean(mask.astype(np.float32), factors) > 0.5 for mask in (self.body, self.near))
        return Prepared(values.astype(np.float32), weight > 0.5, body, near, grid)

    def cropped(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Prepared:
        """Only the voxels with index low to high (i, j, k), as far as there are any."""
        size = np.asarray(self.grid.size)
        a = np.clip(np.floor(low), 0, size - 1).astype(int)
        b = np.clip(np.ceil(high), a, size - 1).astype(int) + 1
        box = tuple(slice(int(s), int(e)) for s, e in zip(a[::-1], b[::-1], strict=True))
        affine = np.array(self.grid.affine)
        affine[:3, 3] = self.grid.to_lps(a)
        grid = Geometry((int(b[0] - a[0]), int(b[1] - a[1]), int(b[2] - a[2])), affine, self.grid.in_mm)
        return Prepared(self.values[box], self.usable[box], self.body[box], self.near[box], grid)


def prepare(volume: Volume, spacing_mm: float, progress: Progress = silent) -> Prepared:
    """Voxels of about spacing_mm or the volume's own, whichever is larger; the volume is read slab by slab."""
    grid = volume.geometry
    factors = _factors(grid, spacing_mm)
    small = _shrunk_grid(grid, factors)
    values, weight = np.zeros(small.shape, dtype=np.float32), np.zeros(small.shape, dtype=np.float32)
    step = factors[2] * max(1, _SLAB_VOXELS // (grid.size[0] * grid.size[1] * factors[2]))
    for start in range(0, small.size[2] * factors[2], step):
        progress(start / grid.size[2], "Reading the images")
        rows = slice(start, min(start + step, small.size[2] * factors[2]))
        slab = np.stack([volume.values(k) for k in range(rows.start, rows.stop)])
        valid = np.isfinite(slab) if volume.valid is None else np.isfinite(slab) & volume.valid[rows]
        part = slice(start // factors[2], rows.stop // factors[2])
        if valid.all():
            values[part], weight[part] = _block_mean(slab, factors), 1
        else:
            weight[part] = _block_mean(valid.astype(np.float32), factors)
            values[part] = _block_mean(np.where(valid, slab, 0), factors) / np.maximum(weight[part], 1e-6)
    usable = weight > 0.5
    progress(1.0, "Reading the images")
    values = _unit(values, usable, volume)
    return Prepared(values, usable, *body_of(values, usable, small), small)


def body_of(values: Floats, usable: Mask, grid: Geometry) -> tuple[Mask, Mask]:
    """(body, near): the largest thing that is not air, its holes filled; and that with some air around it.

    values : in [0, 1], air at 0. Both are everything that is usable, where there is no such thing.
    """
    factors = _factors(grid, 4.0)
    small = _block_mean(np.where(usable, values, 0), factors)
    small = ndimage.gaussian_filter(small, 1.0)
    tissue = small > 0.5 * otsu(small)
    labels, count = ndimage.label(tissue)
    if count == 0:
        return usable, usable
    largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    for axis in range(3):  # slice by slice: a head cut off at the neck is open below
        for n in range(largest.shape[axis]):
            plane = (slice(None),) * axis + (n,)
            largest[plane] = ndimage.binary_fill_holes(largest[plane])
    if largest.mean() < 0.005:
        return usable, usable
    steps = (step * n for step, n in zip(grid.spacing_mm, factors, strict=True))
    reach = [2 * max(1, int(_MARGIN_MM / step + 0.5 - _LAST_DIGIT)) + 1 for step in steps]
    near = ndimage.maximum_filter(largest, reach[::-1], mode="constant")
    return _repeated(largest, factors, values.shape) & usable, _repeated(near, factors, values.shape) & usable


def otsu(values: Floats, bins: int = 128) -> float:
    """The threshold that parts values in [0, 1] into two classes of least variance (Otsu 1979, IEEE SMC 9:62)."""
    counts, edges = np.histogram(values, bins=bins, range=(0, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    mass = np.cumsum(counts * centres)
    with_both = (below > 0) & (below < total)
    if not with_both.any():
        return 0.5
    low = mass[with_both] / below[with_both]
    high = (mass[-1] - mass[with_both]) / (total - below[with_both])
    between = below[with_both] * (total - below[with_both]) * (low - high) ** 2
    return float(edges[1:][with_both][np.argmax(between)])


def _unit(values: Floats, usable: Mask, volume: Volume) -> Floats:
    sample = values[usable]
    if not len(sample):
        return np.zeros_like(values)
    low, high = (float(p) for p in np.percentile(sample[:: 1 + len(sample) // 500_000], (0.5, 99.8)))
    # NIfTI states no unit, and nothing but CT goes so far below zero
    if (volume.unit == "HU" or low < _CT_HU[0]) and high > _CT_HU[1]:
        return np.interp(values, _CT_HU, _CT_UNIT).astype(np.float32) * usable
    if not high > low:
        low, high = float(sample.min()), float(sample.max())
    if not high > low:
        return np.zeros_like(values)
    scaled = values - np.float32(low)
    scaled /= high - low
    np.clip(scaled, 0, 1, out=scaled)
    scaled *= usable
    return scaled


def _factors(grid: Geometry, spacing_mm: float) -> tuple[int, int, int]:
    """How many voxels become one along i, j, k: none is left much larger than spacing_mm, and at least one remains."""
    i, j, k = (
        max(1, min(n, int(spacing_mm / step + 0.3 + _LAST_DIGIT)))
        for n, step in zip(grid.size, grid.spacing_mm, strict=True)
    )
    return i, j, k


def _shrunk_grid(grid: Geometry, factors: tuple[int, int, int]) -> Geometry:
    affine = grid.affine @ np.diag([*factors, 1.0])
    affine[:3, 3] = grid.to_lps((np.array(factors) - 1) / 2)
    size = tuple(n // f for n, f in zip(grid.size, factors, strict=True))
    return Geometry((size[0], size[1], size[2]), affine, grid.in_mm)


def _repeated(mask: Mask, factors: tuple[int, int, int], shape: tuple[int, ...]) -> Mask:
    """What _block_mean took together, taken apart; the voxels that were left over at the end are like the last."""
    for axis, factor in enumerate(factors[::-1]):
        mask = np.repeat(mask, factor, axis=axis)
    return np.pad(mask, [(0, n - m) for n, m in zip(shape, mask.shape, strict=True)], mode="edge")


def _block_mean(values: Floats, factors: tuple[int, int, int]) -> Floats:
    i, j, k = factors
    nk, nj, ni = (n // f for n, f in zip(values.shape, (k, j, i), strict=True))
    if factors == (1, 1, 1):
        return values
    # added one by one: many times faster than a mean over three short axes
    total = np.zeros((nk, nj, ni), dtype=np.float32)
    for c in range(k):
        for b in range(j):
            for a in range(i):
                total += values[c : nk * k : k, b : nj * j : j, a : ni * i : i]
    total /= i * j * k
    return total
