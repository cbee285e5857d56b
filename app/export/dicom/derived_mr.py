"""Derived MR Image: the fused luma as 16-bit grey, for programs that take no Secondary Capture.

Only where the grid is that of an MR Image. The acquisition's elements are inherited, since the class demands them; the
image type DERIVED\\SECONDARY\\OTHER, the descriptions and the notice in the pixels say that it is no acquired signal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import MRImageStorage

from app.export.colour import Colouring
from app.export.dicom.attribute_copy import copy_elements

_ACQUISITION = [
    "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "SequenceName", "AngioFlag",
    "RepetitionTime", "EchoTime", "InversionTime", "NumberOfAverages", "ImagingFrequency", "ImagedNucleus",
    "EchoNumbers", "MagneticFieldStrength", "NumberOfPhaseEncodingSteps", "EchoTrainLength", "PercentSampling",
    "PercentPhaseFieldOfView", "PixelBandwidth", "TriggerTime", "NominalInterval", "BeatRejectionFlag", "LowRRValue",
    "HighRRValue", "IntervalsAcquired", "IntervalsRejected", "HeartRate", "CardiacNumberOfImages", "TriggerWindow",
    "ReconstructionDiameter", "ReceiveCoilName", "TransmitCoilName", "AcquisitionMatrix",
    "InPlanePhaseEncodingDirection", "FlipAngle", "SAR", "VariableFlipAngleFlag", "dBdt", "TemporalPositionIdentifier",
    "NumberOfTemporalPositions", "TemporalResolution", "ProtocolName", "AcquisitionNumber", "AcquisitionDate",
    "AcquisitionTime", "AcquisitionDateTime", "ContrastBolusAgent", "ContrastBolusAgentSequence", "ContrastBolusRoute",
    "ContrastBolusVolume", "ContrastBolusTotalDose", "ContrastBolusIngredient", "ContrastBolusIngredientConcentration",
]  # fmt: skip
_TYPE_2 = ["ScanOptions", "MRAcquisitionType", "EchoTime", "EchoTrainLength"]
_GATED = {"CG", "PPG", "PG"}  # heart gating, in ScanOptions
_CONDITIONS: dict[str, Callable[[Dataset], bool]] = {  # C.8.3.1: must not stand where its condition is not met
    "InversionTime": lambda source: "IR" in _terms(source, "ScanningSequence"),
    "TriggerTime": lambda source: bool(_GATED & _terms(source, "ScanOptions")),
}
_TOP = 65535

Banner = tuple[NDArray[np.uint8], NDArray[np.bool_]]


def fill_mr(dataset: Dataset, source: Dataset, colouring: Colouring, k: int, banner: Banner) -> None:
    """Add what makes it an MR Image, pixels included: 0..65535 for fused 0..1."""
    dataset.SOPClassUID = MRImageStorage
    dataset.Modality = "MR"
    copy_elements(source, dataset, _ACQUISITION)
    for keyword, wanted in _CONDITIONS.items():
        if keyword in dataset and not wanted(source):
            delattr(dataset, keyword)
    for keyword in _TYPE_2:
        if keyword not in dataset:
            setattr(dataset, keyword, None)
    if "PatientPosition" not in dataset:
        dataset.PatientPosition = None
    if "RepetitionTime" not in dataset:
        dataset.RepetitionTime = None
    stack = colouring.stack
    pixels = np.rint(stack.fused[k].astype(np.float64) * _TOP).astype("<u2")
    outside = ~stack.aligned.inside[k]
    pixels[outside] = _grey(colouring.stored(k))[outside].astype("<u2") * 257  # what is shown there has no colour
    letters, rim = banner
    pixels[rim] = letters[rim].astype(np.uint16) * 257
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 32768, 65536
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.ndim == 2 else pixels[..., 1]


def _terms(source: Dataset, keyword: str) -> set[str]:
    value = source.get(keyword)
    return {str(one) for one in value} if isinstance(value, MultiValue) else {str(value or "")}
