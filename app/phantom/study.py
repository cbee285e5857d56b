"""The demo study: the digital head as four DICOM series, the same as NIfTI, and the truth about it as JSON."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from app.base.errors import ExportError
from app.base.progress import Progress, nested, silent
from app.core.geometry import transform_points
from app.phantom.dicom import FOLDERS, DicomSeries, suv_facts
from app.phantom.head import LANDMARKS_MM, LESION_MM, LESION_RADIUS_MM, MARKER_MM
from app.phantom.scanners import NAMES, SUV_PER_BQML, Acquisition, acquire, mean_near

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SHARE = {"mr": 0.44, "ct": 0.42, "pet": 0.07, "spect": 0.07}  # of the time


class FolderInUseError(ExportError):
    hint = "Name a folder that does not exist yet, or an empty one."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} exists and is not an empty folder, so the demo study is not written into it.")


class DemoWriteError(ExportError):
    hint = "Check that the disk has 150 MB left and that you may write there."

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(f"The demo study could not be written to {folder}: {error.strerror or error}.")


def write_demo(folder: Path, *, seed: int = 0, small: bool = False, progress: Progress = silent) -> dict[str, Any]:
    """Write the demo study and return what truth.json says.

    folder/dicom/{mr-t1,ct,pet,spect}/ one DICOM series each; folder/nifti/{mr,ct,pet,spect}.nii.gz the same values on
    the same grids (CT in HU, PET in Bq/mL); folder/truth.json

    seed : moves the partners and draws the noise; the same seed gives the same bytes
    small : half the matrix in every direction, for tests

    Everything is made in a folder beside it, which takes its name at the end: cancelled or interrupted, nothing half
    made remains under that name. FolderInUseError where `folder` is not empty; DemoWriteError where the disk refuses.
    """
    folder = Path(os.path.abspath(folder))
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FolderInUseError(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.part"
        part.mkdir()
    except OSError as error:
        raise DemoWriteError(folder, error) from error
    try:
        truth = _write_all(part, seed, small, progress)
        if folder.exists():
            folder.rmdir()  # it is empty; Windows does not rename onto it
        part.rename(folder)
    except OSError as error:
        raise DemoWriteError(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)  # gone already where all went well
    return truth


def _write_all(part: Path, seed: int, small: bool, progress: Progress) -> dict[str, Any]:
    (part / "nifti").mkdir()
    study = f"seed {seed}{', small' if small else ''}"
    scans: dict[str, Acquisition] = {}
    frames: dict[str, str] = {}
    start = 0.0
    with ThreadPoolExecutor(1) as packer:  # zlib releases the interpreter: packing costs next to no time
        jobs = []
        for name in NAMES:
            whole = nested(progress, start, start + 0.97 * _SHARE[name])
            start += 0.97 * _SHARE[name]
            scan = scans[name] = acquire(name, seed=seed, small=small, progress=nested(whole, 0, 0.75))
            jobs.append(packer.submit(write_nifti, scan, part / "nifti" / f"{name}.nii.gz"))
            series = DicomSeries(scan, study)
            frames[name] = series.frame_of_reference_uid
            target = part / "dicom" / FOLDERS[name]
            target.mkdir(parents=True)
            series.write(target, seed=seed, progress=nested(whole, 0.75, 1))
        for job in jobs:
            job.result()
            progress(0.99, "packing the NIfTI files")
    truth = _truth(scans, frames, seed, small)
    (part / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    progress(1.0, "demo study ready")
    return truth


def write_nifti(scan: Acquisition, path: Path) -> None:
    """Values on the scan's grid; RAS in the file, as NIfTI wants it, and no time stamp in the gzip header."""
    values: NDArray[Any] = scan.values
    if np.all(scan.slope == 1):
        values = values.astype(np.int16)
    nib: Any = nibabel  # it types only half of itself
    image = nib.Nifti1Image(values.T, _LPS_TO_RAS @ scan.geometry.affine)
    image.set_sform(image.affine, code=1)
    image.set_qform(image.affine, code=1)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = f"Synoptic demo, {scan.name.upper()}, {scan.unit}"[:79].encode()
    path.write_bytes(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def _truth(scans: dict[str, Acquisition], frames: dict[str, str], seed: int, small: bool) -> dict[str, Any]:
    places = {"lesion": LESION_MM, "marker": MARKER_MM, **LANDMARKS_MM}

    def everywhere(head_mm: tuple[float, float, float]) -> dict[str, list[float]]:
        return {name: _rounded(transform_points(scan.from_head, head_mm)) for name, scan in scans.items()}

    def measured(scan: Acquisition) -> dict[str, float]:
        factor = SUV_PER_BQML if scan.name == "pet" else 1
        return {place: round(factor * mean_near(scan, at, 4), 3) for place, at in places.items()}

    mr_to_head = np.linalg.inv(scans["mr"].from_head)
    return {
        "about": "Digital head phantom made by Synoptic; no patient. Positions are LPS mm, voxel centres.",
        "seed": seed,
        "small": small,
        "fixed": "mr",
        "fixed_to_moving": {n: _rounded(s.from_head @ mr_to_head, 9) for n, s in scans.items() if n != "mr"},
        "fixed_to_moving_is": "4x4, takes LPS mm of the MR to LPS mm of the partner (ITK's direction)",
        "lesion": {
            "position_lps_mm": everywhere(LESION_MM),
            "radius_mm": LESION_RADIUS_MM,
            "side": "right",
            "seen_in": "hot in PET and SPECT, faint in MR, not visible in CT",
        },
        "marker": {"position_lps_mm": everywhere(MARKER_MM), "side": "left"},
        "landmarks_lps_mm": {name: everywhere(at) for name, at in LANDMARKS_MM.items()},
        "tissue_values": {
            name: {
                "unit": "SUVbw" if name == "pet" else scan.unit,
                "before_blur_and_noise": {tissue.value: value for tissue, value in scan.tissue_values.items()},
                "measured_within_4_mm": measured(scan),
            }
            for name, scan in scans.items()
        },
        "suv": suv_facts(),
        "series": {
            name: {
                "dicom": f"dicom/{FOLDERS[name]}",
                "nifti": f"nifti/{name}.nii.gz",
                "unit": scan.unit,
                "size": list(scan.geometry.size),
                "spacing_mm": _rounded(scan.geometry.spacing_mm),
                "index_to_lps_mm": _rounded(scan.geometry.affine, 9),
                "frame_of_reference_uid": frames[name],
            }
            for name, scan in scans.items()
        },
    }


def _rounded(values: Any, digits: int = 6) -> Any:
    return (np.round(np.asarray(values, dtype=np.float64), digits) + 0.0).tolist()
