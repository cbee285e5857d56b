"""The partner on the MRI's grid: linear interpolation, and which pixels it really covers.

Index (i, j, k) is the centre of a voxel, and a voxel reaches half a step to each side: an image with n voxels covers
the indices -0.5 to n - 0.5, as in ITK. ITK is given both grids in index space with one matrix between them, so that
oblique and sheared grids (a corrected gantry tilt) need nothing special, and pixels are computed one by one, so that
the number of threads changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike, NDArray

from app.base.errors import RegistrationError
from app.base.progress import Progress, silent
from app.core.geometry import Geometry
from app.core.volume import Volume

Indices = tuple[slice, slice, slice]  # of an array [k, j, i]

_EDGE = 0.5 + 1e-6  # voxels: half a voxel, and what rounding of two matrices can add
_WEIGHT = 1e-6  # a padded voxel with less weight than this does not contribute
_SLAB_VOXELS = 1_000_000  # one piece of work between two calls of progress: some 20 to 40 ms


@dataclass(frozen=True)
class Resampled:
    """values : float32 [k, j, i] in the moving volume's unit, 0 outside; inside : bool [k, j, i], its field of view"""

    values: NDArray[np.float32]
    inside: NDArray[np.bool_]


class Resampler:
    """One moving volume, prepared once, so that every nudge of the transform costs a slice and no more.

    Threads may share it: nothing is changed after construction.
    """

    def __init__(self, moving: Volume, onto: Geometry) -> None:
        _check_units(moving.geometry, onto)
        self.moving = moving
        self.onto = onto
        self._source = _Source.of(moving)

    def slice(self, k: int, fixed_to_moving: ArrayLike) -> Resampled:
        """Slice k of `onto`, arrays [1, j, i]."""
        return self.plane(slice_geometry(self.onto, k), fixed_to_moving)

    def plane(self, geometry: Geometry, fixed_to_moving: ArrayLike) -> Resampled:
        """On any other grid, for example a coronal slice through the MRI."""
        return self._source.sample(geometry, _index_map(self.moving.geometry, geometry, fixed_to_moving))

    def volume(self, fixed_to_moving: ArrayLike, progress: Progress = silent) -> Resampled:
        """The whole of `onto`, in slabs of slices between which `progress` is called."""
        i, j, k = self.onto.size
        values = np.empty(self.onto.shape, dtype=np.float32)
        inside = np.empty(self.onto.shape, dtype=np.bool_)
        step = max(1, _SLAB_VOXELS // (i * j))
        for start in range(0, k, step):
            progress(start / k, "Resampling")
            slab = slab_geometry(self.onto, start, min(start + step, k))
            part = self.plane(slab, fixed_to_moving)
            values[start : start + step], inside[start : start + step] = part.values, part.inside
        progress(1.0, "Resampling")
        return Resampled(values, inside)


def resample(moving: Volume, onto: Geometry, fixed_to_moving: ArrayLike, progress: Progress = silent) -> Resampled:
    """The moving volume on the grid `onto`, linear, in the moving volume's unit.

    fixed_to_moving : (4, 4), a point of `onto` in LPS mm to the moving volume's LPS mm
    `inside` is False outside the moving field of view and wherever a voxel that contributes is padding or not finite.
    Raises RegistrationError between a plain picture and a volume in mm.
    """
    return Resampler(moving, onto).volume(fixed_to_moving, progress)


def resample_slice(moving: Volume, onto: Geometry, k: int, fixed_to_moving: ArrayLike) -> Resampled:
    """Slice k of what `resample` gives, arrays [1, j, i]; converts only the part of the moving volume that it needs."""
    _check_units(moving.geometry, onto)
    plane = slice_geometry(onto, k)
    index_map = _index_map(moving.geometry, plane, fixed_to_moving)
    corners = _apply(index_map, _corners(plane.size))
    low = np.clip(np.floor(corners.min(0) - 1), 0, np.asarray(moving.geometry.size) - 1).astype(int)
    high = np.clip(np.ceil(corners.max(0) + 1), 0, np.asarray(moving.geometry.size) - 1).astype(int) + 1
    box = tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
    return _Source.of(moving, (box[0], box[1], box[2])).sample(plane, index_map)


def slab_geometry(grid: Geometry, start: int, stop: int) -> Geometry:
    """The grid of slices start to stop - 1."""
    affine = np.array(grid.affine)
    affine[:3, 3] = grid.to_lps((0, 0, start))
    return Geometry((grid.size[0], grid.size[1], stop - start), affine, grid.in_mm)


def slice_geometry(grid: Geometry, k: int) -> Geometry:
    if not 0 <= k < grid.size[2]:
        raise IndexError(f"slice {k} of {grid.size[2]}")
    return slab_geometry(grid, k, k + 1)


@dataclass(frozen=True)
class _Source:
    """A block of the moving volume as ITK images in index space, its first voxel at `first` (i, j, k).

    value = sample * slope + intercept; padding is 1 where a voxel must not be used, None where all may
    """

    image: sitk.Image
    padding: sitk.Image | None
    slope: float
    intercept: float
    first: tuple[int, int, int]
    size: tuple[int, int, int]

    @classmethod
    def of(cls, volume: Volume, box: Indices = (slice(None), slice(None), slice(None))) -> _Source:
        stored = volume.stored[box]
        slopes, intercepts = volume.slope[box[0]], volume.intercept[box[0]]
        same = bool((slopes == slopes[0]).all() and (intercepts == intercepts[0]).all())
        slope, intercept = (float(slopes[0]), float(intercepts[0])) if same else (1.0, 0.0)
        if not same:  # PET: interpolating stored numbers of slices with different slopes would be wrong
            stored = (stored * slopes[:, None, None] + intercepts[:, None, None]).astype(np.float32)
        invalid = np.zeros(stored.shape, dtype=np.bool_) if volume.valid is None else ~volume.valid[box]
        if stored.dtype.kind == "f":
            finite = np.isfinite(stored)
            if not finite.all():
                stored, invalid = np.where(finite, stored, 0), invalid | ~finite
        first = tuple(int(axis.start or 0) for axis in box[::-1])
        return cls(
            image=sitk.GetImageFromArray(np.ascontiguousarray(stored, dtype=_itk_type(stored.dtype))),
            padding=sitk.GetImageFromArray(invalid.astype(np.uint8)) if invalid.any() else None,
            slope=slope,
            intercept=intercept,
            first=(first[0], first[1], first[2]),
            size=volume.geometry.size,
        )

    def sample(self, grid: Geometry, index_map: NDArray[np.float64]) -> Resampled:
        """index_map : (4, 4), indices of `grid` to indices of the whole moving volume."""
        inside = field_of_view(grid.size, index_map, self.size)
        if not inside.any():
            return Resampled(np.zeros(grid.shape, dtype=np.float32), inside)
        values = self._interpolate(self.image, grid.size, index_map)
        values *= np.float32(self.slope)
        values += np.float32(self.intercept)
        if self.padding is not None:
            inside &= self._interpolate(self.padding, grid.size, index_map) <= _WEIGHT
        if not inside.all():
            values[~inside] = 0
        return Resampled(values, inside)

    def _interpolate(
        self, image: sitk.Image, size: tuple[int, int, int], index_map: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        transform = sitk.AffineTransform(3)
        transform.SetMatrix(index_map[:3, :3].ravel().tolist())
        transform.SetTranslation((index_map[:3, 3] - self.first).tolist())
        resampler = sitk.ResampleImageFilter()
        resampler.SetSize(size)
        resampler.SetTransform(transform)
        resampler.SetInterpolator(sitk.sitkLinear)
        resampler.SetOutputPixelType(sitk.sitkFloat32)
        # in the outer half of an edge voxel rounding must not decide between its value and a default
        resampler.SetUseNearestNeighborExtrapolator(True)
        return sitk.GetArrayFromImage(resampler.Execute(image))


def field_of_view(
    size: tuple[int, int, int], index_map: NDArray[np.float64], moving_size: tuple[int, int, int]
) -> NDArray[np.bool_]:
    """bool [k, j, i] of a grid with `size` (i, j, k) voxels: which centres lie in a voxel of the moving volume.

    index_map : (4, 4), indices of the grid to indices of the moving volume
    """
    shape = size[::-1]
    corners = _apply(index_map, _corners(size))
    i, j, k = (np.arange(n, dtype=np.float64) for n in size)
    inside = np.ones(shape, dtype=np.bool_)
    for axis in range(3):
        low, high = -_EDGE, moving_size[axis] - 1 + _EDGE
        if corners[:, axis].min() >= low and corners[:, axis].max() <= high:
            continue  # the grid is convex: nothing between its corners lies further out
        if corners[:, axis].max() < low or corners[:, axis].min() > high:
            return np.zeros(shape, dtype=np.bool_)
        per_i, per_j, per_k, offset = index_map[axis]
        at = (per_k * k + offset)[:, None, None] + (per_j * j)[None, :, None] + (per_i * i)[None, None, :]
        inside &= (at >= low) & (at <= high)
    return inside


def _index_map(moving: Geometry, onto: Geometry, fixed_to_moving: ArrayLike) -> NDArray[np.float64]:
    return moving.inverse @ np.asarray(fixed_to_moving, dtype=np.float64) @ onto.affine


def _corners(size: tuple[int, int, int]) -> NDArray[np.float64]:
    """(8, 3) indices of the outermost voxel centres."""
    unit = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=np.float64)
    return unit * (np.asarray(size) - 1)


def _apply(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _itk_type(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """The native type that ITK reads and that holds every value."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "f" and dtype.itemsize < 4:
        return np.dtype(np.float32)
    if dtype.kind in "iuf" and dtype.itemsize <= 8:
        return dtype.newbyteorder("=")
    return np.dtype(np.float64)


def _check_units(moving: Geometry, onto: Geometry) -> None:
    if moving.in_mm != onto.in_mm:
        raise RegistrationError(
            "A plain picture has no position in the patient and cannot be laid over a volume.",
            "Fuse two pictures of the same size, or two volumes.",
        )
