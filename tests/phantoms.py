"""Volumes whose contents are known: the digital head as its scanners see it, without a file in between."""

from __future__ import annotations

from functools import cache

from app.base.progress import silent
from app.core.volume import Series, Volume
from app.phantom.scanners import Acquisition, acquire

_MODALITY = {"mr": "MR", "ct": "CT", "pet": "PT", "spect": "NM"}


@cache
def scanned(name: str, seed: int = 0) -> Acquisition:
    """ "mr", "ct", "pet" or "spect" of the digital head on a coarse grid; made once."""
    return acquire(name, seed=seed, small=True, progress=silent)


@cache
def head_volume(name: str, seed: int = 0) -> Volume:
    """The same as a Volume; PET in Bq/mL, and each modality in a frame of reference of its own."""
    scan = scanned(name, seed)
    grid = scan.geometry
    series = Series(
        f"1.2.{seed}.{[*_MODALITY].index(name)}",
        _MODALITY[name],
        f"head {name}",
        (),
        grid.size,
        grid.spacing_mm,
        grid.orientation,
        scan.unit,
        "test",
        frame_of_reference_uid=f"1.3.{seed}.{[*_MODALITY].index(name)}",
        body_part="HEAD",
    )
    stored = scan.stored.copy()  # a Volume makes its array read-only
    return Volume(stored, scan.slope, scan.intercept, grid, series.modality, scan.unit, series)
