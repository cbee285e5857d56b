"""The simulated acquisitions as DICOM: MR, CT and PET one file a slice, SPECT one multi-frame file.

Files are named in no order, and CT counts its slices from the top as many scanners do: only the positions tell. UIDs
come from the content, so the same study has the same UIDs wherever it is made.
"""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
)

from app import __version__
from app.base.progress import Progress
from app.phantom.scanners import DOSE_BQ, HALF_LIFE_S, SUV_PER_BQML, UPTAKE_S, WEIGHT_KG, Acquisition

FOLDERS = {"mr": "mr-t1", "ct": "ct", "pet": "pet", "spect": "spect"}
DATE = "20240215"
_SOP_CLASS = {
    "mr": MRImageStorage,
    "ct": CTImageStorage,
    "pet": PositronEmissionTomographyImageStorage,
    "spect": NuclearMedicineImageStorage,
}
_MODALITY = {"mr": "MR", "ct": "CT", "pet": "PT", "spect": "NM"}
_TIME = {"mr": "091500", "ct": "100500", "pet": "114000", "spect": "143000"}
_INJECTED = "104000"  # one hour before the PET: UPTAKE_S
_SCANNER = {"mr": "Phantom MR 3T", "ct": "Phantom CT", "pet": "Phantom PET", "spect": "Phantom SPECT"}
_DESCRIPTION = {
    "mr": "T1 3D axial 1 mm",
    "ct": "CT head 2 mm",
    "pet": "FDG PET brain AC",
    "spect": "HMPAO SPECT brain",
}


def uid(*facts: object) -> str:
    """A UID (PS3.5 B.2, from a UUID) that is the same whenever it is asked for the same things."""
    digest = hashlib.sha256("\0".join(map(str, ("synoptic demo", *facts))).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


class DicomSeries:
    """One acquisition as a DICOM series; `study` names the study, and is the same for all four."""

    def __init__(self, scan: Acquisition, study: str) -> None:
        self.scan = scan
        content = hashlib.sha256(scan.stored.tobytes()).hexdigest()
        self.study_uid = uid(study)
        self.frame_of_reference_uid = uid(study, scan.name, "frame of reference")
        self.series_uid = uid(study, scan.name, content)
        self._content = content

    def write(self, folder: Path, *, seed: int, progress: Progress) -> None:
        """All files of the series into `folder`, which must exist."""
        count = 1 if self.scan.name == "spect" else len(self.scan.stored)
        names = np.random.default_rng((seed, 7)).permutation(count)
        add = {"mr": self._mr, "ct": self._ct, "pet": self._pet}
        for k in range(count):
            ds = self._common(k)
            if self.scan.name == "spect":
                self._spect(ds)
            else:
                self._one_slice(ds, k)
                add[self.scan.name](ds, k)
            dcmwrite(folder / f"IM{names[k]:04d}.dcm", ds, enforce_file_format=True)
            progress((k + 1) / count, f"writing {self.scan.name.upper()} slice {k + 1} of {count}")

    def _common(self, k: int) -> Dataset:
        name = self.scan.name
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = _SOP_CLASS[name], uid(self.series_uid, self._content, k)
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "DEMO^HEAD PHANTOM", "SYNOPTIC-DEMO", "", "O"
        ds.PatientWeight = f"{WEIGHT_KG:g}"
        ds.PatientIdentityRemoved, ds.DeidentificationMethod = "YES", "Digital phantom: there is no patient"
        ds.StudyInstanceUID, ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = self.study_uid, "1", "", ""
        ds.StudyDescription = "Digital head phantom"
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DATE
        ds.StudyTime = _TIME["mr"]
        ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = _TIME[name]
        ds.Modality, ds.SeriesInstanceUID = _MODALITY[name], self.series_uid
        ds.SeriesNumber = [*FOLDERS].index(name) + 1
        ds.SeriesDescription, ds.BodyPartExamined = _DESCRIPTION[name], "HEAD"
        ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Synoptic", _SCANNER[name], __version__
        ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = self.frame_of_reference_uid, ""
        ds.AcquisitionNumber, ds.InstanceNumber = 1, k + 1
        if name in ("mr", "ct"):  # the others say it in codes
            ds.PatientPosition = "HFS"
        ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
        grid = self.scan.geometry
        ds.Columns, ds.Rows = grid.size[:2]
        ds.PixelSpacing = [round(grid.spacing_mm[1], 6), round(grid.spacing_mm[0], 6)]
        ds.SliceThickness = round(grid.spacing_mm[2], 6)
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
        ds.PixelRepresentation = int(self.scan.stored.dtype.kind == "i")
        return ds

    def _one_slice(self, ds: Dataset, k: int) -> None:
        grid = self.scan.geometry
        ds.ImageOrientationPatient = _decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
        ds.ImagePositionPatient = _decimals(grid.to_lps((0, 0, k)))
        ds.PixelData = self.scan.stored[k].tobytes()

    def _mr(self, ds: Dataset, k: int) -> None:
        ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        ds.BitsStored, ds.HighBit = 12, 11
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = (
            ["GR", "IR"],
            ["SP", "MP"],
            "",
            "3D",
        )
        ds.RepetitionTime, ds.EchoTime, ds.InversionTime, ds.EchoTrainLength = "2300", "2.9", "900", "1"
        ds.FlipAngle, ds.MagneticFieldStrength, ds.ImagedNucleus, ds.NumberOfAverages = "9", "3", "1H", "1"
        ds.SpacingBetweenSlices = ds.SliceThickness
        ds.WindowCenter, ds.WindowWidth = "550", "1100"

    def _ct(self, ds: Dataset, k: int) -> None:
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.InstanceNumber = len(self.scan.stored) - k
        ds.BitsStored, ds.HighBit = 12, 11
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = f"{self.scan.intercept:g}", "1", "HU"
        ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime, ds.GantryDetectorTilt = "120", 250, 1000, "0"
        ds.ScanOptions, ds.ConvolutionKernel = "AXIAL", "BRAIN"
        ds.ReconstructionDiameter = f"{self.scan.geometry.size[0] * self.scan.geometry.spacing_mm[0]:g}"
        ds.WindowCenter, ds.WindowWidth = ["40", "480"], ["80", "2500"]
        ds.WindowCenterWidthExplanation = ["BRAIN", "BONE"]

    def _pet(self, ds: Dataset, k: int) -> None:
        ds.ImageType = ["ORIGINAL", "PRIMARY"]
        ds.Units, ds.CountsSource, ds.SeriesType = "BQML", "EMISSION", ["STATIC", "IMAGE"]
        ds.NumberOfSlices, ds.ImageIndex = len(self.scan.stored), k + 1
        ds.CorrectedImage = ["NORM", "DTIM", "RAN", "ATTN", "SCAT", "DECY"]
        ds.DecayCorrection, ds.CollimatorType = "START", "NONE"
        ds.RandomsCorrectionMethod, ds.AttenuationCorrectionMethod = "DLYD", "digital phantom"
        ds.ScatterCorrectionMethod, ds.ReconstructionMethod = "digital phantom", "digital phantom"
        ds.ActualFrameDuration, ds.FrameReferenceTime = "600000", "300000"
        ds.DecayFactor = f"{_decay_factor(600):.8g}"
        ds.RescaleIntercept, ds.RescaleSlope = "0", f"{self.scan.slope[k]:.8g}"
        ds.PatientOrientationCodeSequence, ds.PatientGantryRelationshipCodeSequence = _lying_on_the_back()
        tracer = Dataset()
        tracer.Radiopharmaceutical = "FDG"
        tracer.RadiopharmaceuticalRoute = "IV"
        tracer.RadiopharmaceuticalStartTime = _INJECTED
        tracer.RadiopharmaceuticalStartDateTime = DATE + _INJECTED
        tracer.RadionuclideTotalDose = f"{DOSE_BQ:.0f}"
        tracer.RadionuclideHalfLife, tracer.RadionuclidePositronFraction = f"{HALF_LIFE_S:g}", "0.967"
        tracer.RadionuclideCodeSequence = _code("77004003", "^18^Fluorine")
        tracer.RadiopharmaceuticalCodeSequence = _code("35321007", "Fluorodeoxyglucose F^18^")
        ds.RadiopharmaceuticalInformationSequence = Sequence([tracer])

    def _spect(self, ds: Dataset) -> None:
        grid, slices = self.scan.geometry, len(self.scan.stored)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
        ds.NumberOfFrames, ds.NumberOfSlices = slices, slices
        ds.NumberOfEnergyWindows, ds.NumberOfDetectors = 1, 1
        ds.FrameIncrementPointer = 0x00540080
        ds.SliceVector = list(range(1, slices + 1))
        ds.SpacingBetweenSlices = ds.SliceThickness
        ds.CorrectedImage = ["ATTN", "SCAT"]
        ds.CountsAccumulated = int(min(self.scan.stored.sum(dtype=np.int64), 2**31 - 1))
        ds.PatientOrientationCodeSequence, ds.PatientGantryRelationshipCodeSequence = _lying_on_the_back()
        window = Dataset()
        window.EnergyWindowName = "Tc99m"
        window.EnergyWindowRangeSequence = Sequence([Dataset()])
        window.EnergyWindowRangeSequence[0].EnergyWindowLowerLimit = "126"
        window.EnergyWindowRangeSequence[0].EnergyWindowUpperLimit = "154"
        ds.EnergyWindowInformationSequence = Sequence([window])
        tracer = Dataset()
        tracer.Radiopharmaceutical = "HMPAO"
        tracer.RadionuclideCodeSequence = _code("72454006", "^99m^Technetium")
        ds.RadiopharmaceuticalInformationSequence = Sequence([tracer])
        detector = Dataset()
        detector.CollimatorType = "PARA"
        detector.ImageOrientationPatient = _decimals([*grid.direction[:, 0], *grid.direction[:, 1]])
        detector.ImagePositionPatient = _decimals(grid.origin_mm)
        ds.DetectorInformationSequence = Sequence([detector])
        rotation = Dataset()
        rotation.StartAngle, rotation.AngularStep, rotation.RotationDirection, rotation.ScanArc = "0", "3", "CW", "360"
        rotation.ActualFrameDuration, rotation.NumberOfFramesInRotation = "20000", 120
        rotation.RadialPosition = "150"
        ds.RotationInformationSequence = Sequence([rotation])
        ds.NumberOfRotations = 1
        ds.PixelData = self.scan.stored.tobytes()


def suv_facts() -> dict[str, float | str]:
    """What the PET header says for SUV, and the factor that follows: SUVbw = Bq/mL x factor."""
    return {
        "weight_kg": WEIGHT_KG,
        "dose_bq": DOSE_BQ,
        "half_life_s": HALF_LIFE_S,
        "uptake_s": UPTAKE_S,
        "decay_correction": "START",
        "suvbw_per_bqml": SUV_PER_BQML,
    }


def _decay_factor(duration_s: float) -> float:
    """What the decay during the frame was undone by, so that values are those of its start (DecayFactor)."""
    x = np.log(2) * duration_s / HALF_LIFE_S
    return float(x / (1 - np.exp(-x)))


def _decimals(numbers: ArrayLike) -> list[str]:
    """Decimal strings of at most 16 characters (PS3.5 6.2); -0 becomes 0."""
    return [f"{round(float(n), 9) + 0.0:.11g}" for n in np.ravel(np.asarray(numbers))]


def _code(value: str, meaning: str) -> Sequence:
    """A code of SNOMED CT, from CID 18 to 21, 4020 and 4021 of PS3.16."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return Sequence([item])


def _lying_on_the_back() -> tuple[Sequence, Sequence]:
    orientation = _code("102538003", "recumbent")
    orientation[0].PatientOrientationModifierCodeSequence = _code("40199007", "supine")
    return orientation, _code("102540008", "headfirst")
