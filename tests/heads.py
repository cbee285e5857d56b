"""The digital head as volumes whose true alignment is known, for tests and measurements of registration."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.base.progress import silent
from app.core.geometry import Geometry, transform_points
from app.core.transforms import inverse, rigid
from app.core.volume import Series, Volume
from app.phantom.scanners import Acquisition, acquire

_CODES = {"mr": "MR", "ct": "CT", "pet": "PT", "spect": "NM"}
_CORNERS_HEAD_MM = [[x, y, z] for x in (-50, 50) for y in (-60, 60) for z in (-30, 55)]


@cache
def acquisition(name: str, *, small: bool = True) -> Acquisition:
    return acquire(name, seed=0, small=small, progress=silent)


def mri(*, small: bool = True) -> Volume:
    return _volume(acquisition("mr", small=small), np.eye(4))


def partner(name: str, fixed_to_moving: NDArray[np.float64], *, small: bool = True) -> Volume:
    """ "ct", "pet" or "spect", its header such that the true transform from `mri` to it is fixed_to_moving."""
    scan = acquisition(name, small=small)
    mr_to_scan = scan.from_head @ inverse(acquisition("mr", small=small).from_head)
    return _volume(scan, fixed_to_moving @ inverse(mr_to_scan))


def error_mm(found: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Target registration error: the mean distance at eight points around the brain of `mri`."""
    points = transform_points(acquisition("mr").from_head, _CORNERS_HEAD_MM)
    return float(np.linalg.norm(transform_points(found, points) - transform_points(truth, points), axis=1).mean())


def random_start(
    random: np.random.Generator, centre_mm: NDArray[np.float64], deg: float, mm: float
) -> NDArray[np.float64]:
    """A turn of up to deg about each axis and a shift of up to mm in any direction."""
    way = random.normal(size=3)
    shift = way / np.linalg.norm(way) * random.uniform(0, mm)
    return rigid(random.uniform(-deg, deg, 3), shift, centre_mm)


def moved(volume: Volume, matrix: NDArray[np.float64]) -> Volume:
    """The same voxels at another place: the header's positions are taken through the matrix."""
    geometry = volume.geometry
    return replace(volume, geometry=Geometry(geometry.size, matrix @ geometry.affine, geometry.in_mm))


def with_series(volume: Volume, **changes: str) -> Volume:
    return replace(volume, series=replace(volume.series, **changes))  # type: ignore[arg-type]  # all of them are str


def _volume(scan: Acquisition, move: NDArray[np.float64]) -> Volume:
    geometry = Geometry(scan.geometry.size, move @ scan.geometry.affine)
    series = Series(
        uid=f"1.2.{scan.name}", modality=_CODES[scan.name], description=f"digital head, {scan.name}",
        paths=(Path(scan.name),), size=geometry.size, spacing_mm=geometry.spacing_mm,
        orientation=geometry.orientation, unit=scan.unit, reader="phantom", body_part="HEAD",
    )  # fmt: skip
    return Volume(
        stored=scan.stored.copy(), slope=scan.slope, intercept=np.full(len(scan.slope), scan.intercept),
        geometry=geometry, modality=series.modality, unit=scan.unit, series=series,
    )  # fmt: skip
