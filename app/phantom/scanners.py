"""Four simulated scanners look at the digital head: MR T1, CT, FDG PET and perfusion SPECT.

Each has the head lying differently, its own grid, resolution and noise, and samples the anatomy itself, so nothing is
interpolated twice. What a real scanner also does, scatter, beam hardening, susceptibility, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from app.base.progress import Progress, nested
from app.core.geometry import Affine, Geometry, transform_points
from app.core.transforms import rigid
from app.phantom.head import paint_head
from app.phantom.shapes import Array, Point, Tissue, Values

FWHM = 2.3548  # of a Gaussian, in standard deviations

_T = Tissue
MR_VALUES: Values = {  # T1-weighted gradient echo, arbitrary units
    _T.AIR: 0, _T.SKIN: 520, _T.FAT: 1020, _T.MUSCLE: 430, _T.CORTICAL_BONE: 40, _T.DIPLOE: 600, _T.MUCOSA: 500,
    _T.DURA: 320, _T.CSF: 170, _T.GREY: 560, _T.WHITE: 820, _T.STRIATUM: 620, _T.PALLIDUM: 720, _T.THALAMUS: 670,
    _T.CEREBELLUM: 550, _T.BRAINSTEM: 780, _T.VITREOUS: 170, _T.LENS: 340, _T.CALCIFICATION: 90, _T.MARKER: 1200,
    _T.LESION: 740,
}  # fmt: skip
CT_VALUES: Values = {  # HU at 120 kV
    _T.AIR: -1000, _T.SKIN: 55, _T.FAT: -95, _T.MUSCLE: 55, _T.CORTICAL_BONE: 1350, _T.DIPLOE: 650, _T.MUCOSA: 42,
    _T.DURA: 62, _T.CSF: 8, _T.GREY: 38, _T.WHITE: 30, _T.STRIATUM: 38, _T.PALLIDUM: 37, _T.THALAMUS: 36,
    _T.CEREBELLUM: 37, _T.BRAINSTEM: 31, _T.VITREOUS: 12, _T.LENS: 85, _T.CALCIFICATION: 320, _T.MARKER: -90,
    _T.LESION: None,
}  # fmt: skip
PET_VALUES: Values = {  # FDG, SUVbw
    _T.AIR: 0, _T.SKIN: 0.8, _T.FAT: 0.3, _T.MUSCLE: 0.9, _T.CORTICAL_BONE: 0.3, _T.DIPLOE: 1.2, _T.MUCOSA: 2.0,
    _T.DURA: 0.8, _T.CSF: 0.6, _T.GREY: 11.5, _T.WHITE: 3.0, _T.STRIATUM: 12.0, _T.PALLIDUM: 6.0, _T.THALAMUS: 9.5,
    _T.CEREBELLUM: 8.0, _T.BRAINSTEM: 4.5, _T.VITREOUS: 0.4, _T.LENS: 0.4, _T.CALCIFICATION: 0.6, _T.MARKER: 0,
    _T.LESION: 15.0,
}  # fmt: skip
SPECT_VALUES: Values = {  # Tc-99m HMPAO, counts in a voxel
    _T.AIR: 0, _T.SKIN: 25, _T.FAT: 8, _T.MUSCLE: 22, _T.CORTICAL_BONE: 8, _T.DIPLOE: 20, _T.MUCOSA: 45,
    _T.DURA: 30, _T.CSF: 10, _T.GREY: 300, _T.WHITE: 85, _T.STRIATUM: 310, _T.PALLIDUM: 180, _T.THALAMUS: 290,
    _T.CEREBELLUM: 290, _T.BRAINSTEM: 130, _T.VITREOUS: 10, _T.LENS: 10, _T.CALCIFICATION: 10, _T.MARKER: 0,
    _T.LESION: 430,
}  # fmt: skip

WEIGHT_KG = 72.0
DOSE_BQ = 2.5e8
HALF_LIFE_S = 6586.2  # fluorine-18
UPTAKE_S = 3600.0
SUV_PER_BQML = WEIGHT_KG * 1000 / (DOSE_BQ * 2 ** (-UPTAKE_S / HALF_LIFE_S))

FOV_CENTRE_MM: Point = (0.0, -5.0, 6.0)  # of the head: where the technologist centres the field of view
Seed = tuple[int, ...]
_BLOCK = 150_000  # points painted at a time: a few megabytes an array, and a quick Cancel


@dataclass(frozen=True)
class Acquisition:
    """What one scanner recorded.

    stored [k, j, i] integers; value = stored * slope[k] + intercept, in `unit`
    from_head : 4x4, head frame to this scanner's patient frame, LPS mm
    """

    name: str
    stored: NDArray[Any]
    slope: NDArray[np.float64]
    intercept: float
    unit: str
    geometry: Geometry
    from_head: Affine
    tissue_values: Values

    @property
    def values(self) -> Array:
        """In `unit`, float32 [k, j, i]."""
        return (self.stored * self.slope[:, None, None] + self.intercept).astype(np.float32)


def poses(seed: int) -> dict[str, Affine]:
    """Head frame to each scanner's frame, by name.

    The partners lie off the MR by a rotation of 4 to 12 degrees about any axis and a shift of 8 to 18 mm; where there
    is one at all, registration has something to find and a start that is fair.
    """
    rng = np.random.default_rng((seed, 1))
    mr = rigid((2.0, -1.5, 3.0), (3.0, -14.0, 21.0), (0.0, 0.0, 0.0))
    from_head = {"mr": mr}
    centre = transform_points(mr, (0.0, 0.0, 0.0))
    for name in ("ct", "pet", "spect"):
        axis, way = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
        angle, shift = np.deg2rad(rng.uniform(4, 12)), rng.uniform(8, 18)
        motion = np.eye(4)
        motion[:3, :3] = _rotation(axis, float(angle))
        motion[:3, 3] = centre - motion[:3, :3] @ centre + shift * way
        from_head[name] = motion @ mr
    return from_head


def _rotation(axis: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Rodrigues' formula."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def acquire(name: str, *, seed: int, small: bool, progress: Progress) -> Acquisition:
    """The acquisition "mr", "ct", "pet" or "spect" of the head; `small` halves the grids in every direction."""
    return _SCANNERS[name](poses(seed)[name], (seed, *name.encode()), 2 if small else 1, progress)


def _mr(pose: Affine, seed: Seed, coarse: int, progress: Progress) -> Acquisition:
    oblique = rigid((-7.0, 0.0, 1.5), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))[:3, :3]  # planned along the base of the brain
    grid = _grid((224, 256, 176), (1.0, 1.0, 1.0), pose, coarse, oblique)
    z, y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in grid.shape)
    coil = 1 + 0.09 * np.sin(2 * x + 0.4) - 0.1 * y[:, None]

    def receive(k: int, signal: Array) -> Array:
        real, imaginary = np.random.default_rng((*seed, k)).standard_normal((2, *signal.shape), np.float32) * 14
        signal = gaussian_filter(signal, 0.45) * (coil - 0.08 * z[k] ** 2).astype(np.float32)
        return np.minimum(np.rint(np.hypot(signal + real, imaginary)), 4095)  # Rician

    stored = _scan(grid, pose, MR_VALUES, 1.0 * coarse, receive, np.uint16, progress)
    return Acquisition("mr", stored, np.ones(len(stored)), 0.0, "a.u.", grid, pose, MR_VALUES)


def _ct(pose: Affine, seed: Seed, coarse: int, progress: Progress) -> Acquisition:
    grid = _grid((384, 384, 88), (0.65, 0.65, 2.0), pose, coarse)
    holder = _head_holder(grid)

    def reconstruct(k: int, hu: Array) -> Array:
        noise = np.random.default_rng((*seed, k)).standard_normal(hu.shape, np.float32)
        hu = gaussian_filter(np.maximum(hu, holder), 0.55 / coarse) + 3.5 * _coloured(noise, 0.7)
        return np.clip(np.rint(hu) + 1024, 0, 4095)

    stored = _scan(grid, pose, CT_VALUES, 0.9 * coarse, reconstruct, np.uint16, progress)
    return Acquisition("ct", stored, np.ones(len(stored)), -1024.0, "HU", grid, pose, CT_VALUES)


def _pet(pose: Affine, seed: Seed, coarse: int, progress: Progress) -> Acquisition:
    grid = _grid((128, 128, 72), (2.0, 2.0, 3.0), pose, coarse, up_mm=-10)
    suv = _emission(grid, (1, 1, 2), pose, PET_VALUES, 5.5, nested(progress, 0, 0.95))
    noise = _coloured(np.random.default_rng(seed).standard_normal(suv.shape, np.float32), 0.9)
    suv += np.float32(0.17) * noise * np.sqrt(suv + np.float32(0.02))
    activity = np.maximum(suv, 0) / np.float32(SUV_PER_BQML)
    highest = np.maximum(activity.max(axis=(1, 2)), 1).astype(np.float64)
    slope = np.array([float(f"{top / 32767:.8g}") for top in highest])  # fits the 16 characters of a DICOM decimal
    stored = np.minimum(np.rint(activity / slope[:, None, None]), 32767).astype(np.int16)
    return Acquisition("pet", stored, slope, 0.0, "Bq/mL", grid, pose, PET_VALUES)


def _spect(pose: Affine, seed: Seed, coarse: int, progress: Progress) -> Acquisition:
    grid = _grid((128, 128, 64), (3.3, 3.3, 3.3), pose, coarse, up_mm=-8)
    counts = _emission(grid, (2, 2, 2), pose, SPECT_VALUES, 9.5, nested(progress, 0, 0.95))
    noise = _coloured(np.random.default_rng(seed).standard_normal(counts.shape, np.float32), 0.8)
    counts += np.float32(0.8) * noise * np.sqrt(counts)
    stored = np.rint(np.maximum(counts, 0)).astype(np.uint16)
    return Acquisition("spect", stored, np.ones(len(stored)), 0.0, "counts", grid, pose, SPECT_VALUES)


_SCANNERS: Mapping[str, Callable[[Affine, Seed, int, Progress], Acquisition]] = {
    "mr": _mr,
    "ct": _ct,
    "pet": _pet,
    "spect": _spect,
}
NAMES = tuple(_SCANNERS)


def _grid(
    size: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    pose: Affine,
    coarse: int,
    direction: NDArray[np.float64] | None = None,
    up_mm: float = 0.0,
) -> Geometry:
    """A grid around the head as it lies in this scanner, its centre on a whole millimetre."""
    size = tuple(n // coarse for n in size)  # type: ignore[assignment]  # three stay three
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if direction is None else direction) * np.multiply(spacing_mm, coarse)
    centre = np.round(transform_points(pose, np.add(FOV_CENTRE_MM, (0, 0, up_mm))))
    affine[:3, 3] = np.round(centre - affine[:3, :3] @ ((np.asarray(size) - 1) / 2), 4)
    return Geometry(size, affine)


def _scan(
    grid: Geometry,
    pose: Affine,
    values: Values,
    edge_mm: float,
    finish: Callable[[int, Array], Array],
    kind: type[np.generic],
    progress: Progress,
) -> NDArray[Any]:
    """The anatomy at every voxel centre, [k, j, i] of this kind, after `finish(k, slice)` made it what is recorded."""
    to_head = np.linalg.inv(pose) @ grid.affine
    slices, rows, columns = grid.shape
    voxels = np.empty(grid.shape, kind)
    step = max(1, _BLOCK // (rows * columns))
    starts = range(0, slices, step)

    def paint(start: int) -> None:
        k, j, i = (np.arange(a, b) for a, b in ((start, min(start + step, slices)), (0, rows), (0, columns)))
        x, y, z = (
            ((row[2] * k + row[3])[:, None, None] + (row[1] * j)[:, None] + row[0] * i).astype(np.float32).ravel()
            for row in to_head[:3]
        )
        image = paint_head(x, y, z, values, edge_mm).reshape(len(k), rows, columns)
        for at, picture in zip(k.tolist(), image, strict=True):
            voxels[at] = finish(at, picture)

    with ThreadPoolExecutor(2) as pool:  # numpy and scipy release the interpreter in their loops
        try:
            for count, _ in enumerate(pool.map(paint, starts), 1):
                progress(count / len(starts), "scanning the head")
        except BaseException:  # Cancelled above all: do not paint the rest first
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return voxels


def _emission(
    grid: Geometry, finer: tuple[int, int, int], pose: Affine, values: Values, fwhm_mm: float, progress: Progress
) -> Array:
    """Activity as a camera of this resolution sees it: painted on a finer grid, averaged to voxels, then blurred."""
    split = np.asarray(finer)
    affine = grid.affine.copy()
    affine[:3, :3] = affine[:3, :3] / split
    affine[:3, 3] = grid.to_lps(-0.5 * (1 - 1 / split))
    i, j, k = (int(n) for n in np.multiply(grid.size, split))
    fine = Geometry((i, j, k), affine)
    edge_mm = float(np.cbrt(np.prod(fine.spacing_mm)))
    activity = _scan(fine, pose, values, edge_mm, lambda _, picture: picture, np.float32, progress)
    blocks = activity.reshape(grid.size[2], finer[2], grid.size[1], finer[1], grid.size[0], finer[0])
    voxels = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return np.maximum(gaussian_filter(voxels, [fwhm_mm / FWHM / mm for mm in reversed(grid.spacing_mm)]), 0)


def _coloured(noise: Array, sigma: float) -> Array:
    """White noise of deviation 1 made as grainy as a reconstruction leaves it, its deviation 1 again."""
    impulse = np.zeros([17] * noise.ndim, np.float32)
    impulse[(8,) * noise.ndim] = 1
    return gaussian_filter(noise, sigma) / np.float32(np.linalg.norm(gaussian_filter(impulse, sigma)))


def _head_holder(grid: Geometry) -> Array:
    """A carbon shell behind the head with a foam lining, the same in every slice: HU, [j, i]."""
    dx, dy, _ = grid.spacing_mm
    x = (np.arange(grid.size[0]) - (grid.size[0] - 1) / 2) * dx
    y = ((np.arange(grid.size[1]) - (grid.size[1] - 1) / 2) * dy)[:, None]
    radius, down = np.hypot(x, y), np.arctan2(np.abs(x), y) < np.deg2rad(58)
    foam = np.clip(0.5 - (np.abs(radius - 111) - 5) / dx, 0, 1) * 90 * down - 1000
    shell = np.clip(0.5 - (np.abs(radius - 118) - 1.4) / dx, 0, 1) * 1150 * down - 1000
    return np.maximum(foam, shell).astype(np.float32)


def mean_near(scan: Acquisition, head_mm: Point, radius_mm: float) -> float:
    """Mean value of the voxels within radius_mm of a point of the head frame, in the scan's unit."""
    centre = scan.geometry.to_index(transform_points(scan.from_head, head_mm))
    reach = [ceil(radius_mm / mm) + 1 for mm in scan.geometry.spacing_mm]
    i, j, k = (
        np.arange(max(round(c) - r, 0), min(round(c) + r + 1, n))
        for c, r, n in zip(centre, reach, scan.geometry.size, strict=True)
    )
    index = np.stack(np.meshgrid(i, j, k, indexing="ij"), axis=-1)
    far = np.linalg.norm((index - centre) * scan.geometry.spacing_mm, axis=-1)
    near = index[far <= max(radius_mm, far.min())]
    at = near[:, 2], near[:, 1], near[:, 0]
    return float(np.mean(scan.stored[at] * scan.slope[near[:, 2]] + scan.intercept))
