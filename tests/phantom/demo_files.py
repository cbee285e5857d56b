"""The demo study's DICOM files, read back by the standard's own formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom

SERIES = {"mr": "mr-t1", "ct": "ct", "pet": "pet", "spect": "spect"}


def headers(study: Path, name: str) -> list[pydicom.Dataset]:
    """Slices of a series in the order of their positions; the one file of SPECT."""
    datasets = [pydicom.dcmread(path) for path in (study / "dicom" / SERIES[name]).iterdir()]
    if name == "spect":
        return datasets
    normal = np.cross(*np.reshape(np.array(datasets[0].ImageOrientationPatient, float), (2, 3)))
    return sorted(datasets, key=lambda ds: float(np.dot(np.array(ds.ImagePositionPatient, float), normal)))


def dicom_volume(study: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values after rescale, [k, j, i], and the affine, index to LPS mm, built as PS3.3 C.7.6.2.1.1 says."""
    slices = headers(study, name)
    first = slices[0]
    place = first.DetectorInformationSequence[0] if name == "spect" else first
    row, column = np.reshape(np.array(place.ImageOrientationPatient, float), (2, 3))
    if name == "spect":
        values = first.pixel_array.astype(float)
        step = np.cross(row, column) * float(first.SpacingBetweenSlices)
    else:
        values = np.stack(
            [ds.pixel_array * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0)) for ds in slices]
        )
        ends = [np.array(ds.ImagePositionPatient, float) for ds in (slices[0], slices[-1])]
        step = (ends[1] - ends[0]) / (len(slices) - 1)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * float(first.PixelSpacing[1]), column * float(first.PixelSpacing[0])
    affine[:3, 2], affine[:3, 3] = step, np.array(place.ImagePositionPatient, float)
    return values, affine


def mean_within(values: np.ndarray, affine: np.ndarray, lps_mm: list[float], radius_mm: float = 4) -> float:
    index = np.indices(values.shape)[::-1].reshape(3, -1)
    far = np.linalg.norm(affine[:3, :3] @ index + affine[:3, 3:] - np.reshape(lps_mm, (3, 1)), axis=0)
    return float(values.reshape(-1)[far <= radius_mm].mean())
