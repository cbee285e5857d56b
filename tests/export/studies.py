"""Small studies to export: valid DICOM series of one patient on disk, and fusion stacks over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

from app.case.alignment import Aligned
from app.case.fusing import FusionRequest, FusionStack
from app.core.geometry import Geometry
from app.core.values import Clipped, FusionWindow, to_unit
from app.core.volume import Patient, Series, Volume
from app.files.dicom.header import hush
from app.registration.register import RegistrationResult
from app.registration.resample import resample
from app.registration.verdict import Verdict

STUDY, FRAME = generate_uid(entropy_srcs=["study"]), generate_uid(entropy_srcs=["frame"])
PERSON = ("Mustermann^Erika", "PAT-4711", "19470601", "F")
SECRETS = ("Mustermann", "Erika", "PAT-4711", "19470601")
CLASSES = {"MR": MRImageStorage, "CT": CTImageStorage, "PT": PositronEmissionTomographyImageStorage}


def oblique(size=(96, 80, 5), spacing=(0.9, 1.2, 3.0), angle=0.2, origin=(-40.0, -35.0, 12.5)):
    """An axial grid, turned a little about x."""
    cos, sin = np.cos(angle), np.sin(angle)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]) @ np.diag(spacing)
    affine[:3, 3] = origin
    return Geometry(size, affine)


def write_series(folder: Path, modality: str, grid: Geometry, voxels, *, without=(), **changes) -> list[Path]:
    """One file for each slice, with what its class demands; `changes` set, `without` removes elements."""
    hush()  # `changes` may be what a type forbids: pydicom is to write it without a remark
    folder.mkdir(parents=True)
    uid = generate_uid()
    paths = []
    for k in range(grid.size[2]):
        ds = Dataset()
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.SOPClassUID, ds.SOPInstanceUID = CLASSES[modality], generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = STUDY, uid, FRAME
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = PERSON
        ds.PatientAge, ds.PatientWeight, ds.PatientSize = "079Y", "70", "1.7"
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20260102", "101112", "1", "A1"
        ds.ReferringPhysicianName, ds.StudyDescription = "Ärztin^Überweisende", "Kopf"
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.SeriesDescription = modality, 3, k + 1, f"{modality} test"
        ds.SeriesDate, ds.SeriesTime, ds.AcquisitionDate, ds.AcquisitionTime = ("20260102", "101200") * 2
        ds.ContentDate, ds.ContentTime = "20260102", "101200"
        ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = f"{modality} Works", "Model 1", "7.1"
        ds.BodyPartExamined, ds.PatientPosition, ds.PositionReferenceIndicator = "HEAD", "HFS", None
        ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER" if modality == "MR" else "AXIAL"]
        ds.AcquisitionNumber = 1
        ds.ImagePositionPatient = [f"{v:.6g}" for v in grid.to_lps((0, 0, k))]
        ds.ImageOrientationPatient = [f"{v:.8f}" for v in grid.direction[:, :2].T.ravel()]
        ds.PixelSpacing = [f"{grid.spacing_mm[1]:.6g}", f"{grid.spacing_mm[0]:.6g}"]
        ds.SliceThickness = f"{grid.spacing_mm[2]:.6g}"
        if modality == "MR":
            ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "GR", "SP", None, "3D"
            ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength, ds.InversionTime = "8.1", "3.7", "1", "900"
            ds.MagneticFieldStrength, ds.FlipAngle = "3", "8"
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Rows, ds.Columns = grid.size[1], grid.size[0]
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.RescaleSlope, ds.RescaleIntercept = "1", "0"
        ds.PixelData = np.rint(voxels[k]).astype("<u2").tobytes()
        ds["PixelData"].VR = "OW"
        for keyword, value in changes.items():
            setattr(ds, keyword, value)
        for keyword in without:
            if keyword in ds:
                delattr(ds, keyword)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        paths.append(folder / f"{modality}{k:03d}.dcm")
        dcmwrite(paths[-1], ds, enforce_file_format=True)
    return paths


def blob(grid: Geometry, centre, radius_mm, top):
    """A ball of values up to `top` on the grid."""
    k, j, i = np.indices(grid.shape)
    points = grid.to_lps(np.stack([i, j, k], -1))
    return top * np.exp(-np.sum((points - centre) ** 2, -1) / (2 * radius_mm**2))


def volume(grid, modality, unit, voxels, paths=None, **changes) -> Volume:
    patient = changes.pop("patient", Patient(PERSON[1], PERSON[0], *PERSON[2:]))
    sources = changes.pop("sources", tuple(paths) if paths else ())
    files = tuple(dict.fromkeys(path for path in sources if path)) or (Path("mr.nii.gz"),)
    spacing = grid.spacing_mm if grid.in_mm else None
    uid, name = f"1.2.{len(modality)}", f"{modality} test"
    series = Series(uid, modality, name, files, grid.size, spacing, "", unit, "dicom", patient)
    return Volume(voxels, np.ones(1), np.zeros(1), grid, modality, unit, series, sources=sources, **changes)


def registration(verdict=Verdict.UNVERIFIED, matrix=None, method="automatic"):
    return RegistrationResult(np.eye(4) if matrix is None else matrix, (FRAME, FRAME), verdict, method)


def stack_of(
    mri: Volume, partner: Volume, *, network="lightfusionnet", verdict=Verdict.UNVERIFIED, done=None, inside=None
) -> FusionStack:
    """A stack as the pipeline leaves it; the mean of both stands in for a network."""
    onto = resample(partner, mri.geometry, np.eye(4))
    inside = onto.inside if inside is None else inside
    windows = FusionWindow(0, 800, mri.unit), FusionWindow(0, 10, partner.unit)
    values = np.where(inside, onto.values, np.float32(0))
    mean = (to_unit(mri.values(), windows[0]) + to_unit(values, windows[1])) / 2
    fused = np.where(inside, mean, 0).astype(np.float32)
    done = np.ones(len(fused), bool) if done is None else np.asarray(done)
    for array in (values, inside, fused, done):
        array.flags.writeable = False
    return FusionStack(
        Aligned(mri, partner, registration(verdict), values, inside), FusionRequest(network, *windows), fused, done,
        "ab" * 32, "cpu", "key", (Clipped(0.0, 0.0), Clipped(0.0, 0.0)),
    )  # fmt: skip


def study(folder: Path, *, partner="PT", grid=None, **changes) -> FusionStack:
    """An MR and its partner written as DICOM, and their fusion; the partner leaves a strip uncovered."""
    grid = grid or oblique()
    mr_voxels = np.rint(blob(grid, grid.centre_mm, 30, 800)).astype(np.uint16)
    mri = volume(grid, "MR", "a.u.", mr_voxels, write_series(folder / "mr", "MR", grid, mr_voxels, **changes))
    coarse = oblique((30, 30, 6), (2.9, 2.9, 3.2), 0.2, (-31.0, -33.0, 11.0))
    unit = {"PT": "SUVbw", "CT": "HU"}[partner]
    voxels = np.rint(blob(coarse, grid.centre_mm + np.array([8, 5, 0]), 12, 9)).astype(np.uint16)
    other = volume(coarse, partner, unit, voxels, write_series(folder / "partner", partner, coarse, voxels))
    return stack_of(mri, other)
