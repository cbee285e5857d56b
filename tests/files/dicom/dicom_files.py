"""DICOM files made for the loading tests: small, valid, with values that are known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

from app.core.volume import Series, Volume
from app.files import readers

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "PT": PositronEmissionTomographyImageStorage}
ROOT = "1.2.826.0.1.3680043.8.498.1"
Change = Callable[[FileDataset, int], None]


def slice_values(k: int, rows: int = 6, columns: int = 8) -> NDArray[np.int16]:
    """Stored values of slice k: different in every voxel of a volume of up to 20 slices."""
    return (1000 * k + 10 * np.arange(rows)[:, None] + np.arange(columns)).astype(np.int16)


def dataset(modality: str = "CT", k: int = 0, position: Sequence[float] = (0, 0, 0)) -> FileDataset:
    """One slice at `position`, slope 1, intercept -1000 for CT; PET has all that SUV needs."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CLASSES[modality]
    meta.MediaStorageSOPInstanceUID = f"{ROOT}.3.{k}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.ImageType = modality, ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "P1", "Doe^Jane", "19500101", "F"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.9"
    ds.StudyDescription, ds.SeriesDescription, ds.BodyPartExamined = "Head", f"{modality} head", "HEAD"
    ds.SeriesNumber, ds.InstanceNumber, ds.StudyDate = 3, 100 - k, "20240229"  # numbers against the order in space
    ds.ImagePositionPatient, ds.ImageOrientationPatient = list(position), list(AXIAL)
    ds.PixelSpacing, ds.SliceThickness, ds.SpacingBetweenSlices = [2.0, 1.5], 99, 77  # the latter two lie
    ds.SliceLocation = -k
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    if modality == "CT":
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, -1000, "HU"
    if modality == "PT":
        _pet(ds)
    put_pixels(ds, slice_values(k))
    return ds


def _pet(ds: Dataset) -> None:
    ds.RescaleSlope, ds.RescaleIntercept, ds.Units = 0.5, 0, "BQML"
    ds.CorrectedImage, ds.DecayCorrection = ["NORM", "ATTN", "DECY"], "START"
    ds.PatientWeight = 70
    ds.SeriesDate = ds.AcquisitionDate = "20240229"
    ds.SeriesTime, ds.AcquisitionTime = "110000", "110000"
    tracer = Dataset()
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = 350e6, 6586.2
    tracer.RadiopharmaceuticalStartTime = "100000"
    ds.RadiopharmaceuticalInformationSequence = [tracer]


def put_pixels(ds: Dataset, pixels: NDArray[np.integer]) -> None:
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.PixelData = pixels.astype("<i2" if ds.PixelRepresentation else "<u2").tobytes()


def write_series(
    folder: Path, modality: str = "CT", *, places: Sequence[float] = range(5), change: Change | None = None
) -> Path:
    """One file for each place along z (mm); names shuffled against the order in space."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, z in enumerate(places):
        ds = dataset(modality, k, (-10.0, -20.0, float(z)))
        if change is not None:
            change(ds, k)
        ds.save_as(folder / f"IM{(7 * k) % 31:04d}{k:02d}.dcm", enforce_file_format=True)
    return folder


def only_series(folder: Path) -> Series:
    all_series = readers.scan([folder]).series
    assert len(all_series) == 1, [series.warnings for series in all_series]
    return all_series[0]


def read_volume(folder: Path) -> Volume:
    return readers.read(only_series(folder))


def item(**elements: object) -> Dataset:
    nested = Dataset()
    for keyword, value in elements.items():
        setattr(nested, keyword, value)
    return nested


def enhanced(places: list[float], echoes: list[float] | None = None) -> FileDataset:
    """An enhanced MR whose frame n lies at places[n] mm and holds slice_values(n)."""
    ds = dataset("MR")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    del ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing
    ds.NumberOfFrames = len(places)
    ds.PixelData = np.stack([slice_values(n) for n in range(len(places))]).astype("<i2").tobytes()
    ds.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
            PixelMeasuresSequence=[item(PixelSpacing=[2, 1.5], SliceThickness=9)],
        )
    ]
    groups = []
    for n, place in enumerate(places):
        group = item(
            PlanePositionSequence=[item(ImagePositionPatient=[-10, -20, place])],
            PixelValueTransformationSequence=[item(RescaleSlope=n + 1, RescaleIntercept=0, RescaleType="US")],
        )
        if echoes:
            group.MREchoSequence = [item(EffectiveEchoTime=echoes[n])]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    return ds
