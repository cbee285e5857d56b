"""Secondary Capture Image: the fused slice as a picture, in colour or 8-bit grey, with the MRI's geometry kept."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from app import __version__
from app.export.colour import Colouring
from app.view.marks import INKS

_NOTICE = np.array(INKS["warn"][:3])

Banner = tuple[NDArray[np.uint8], NDArray[np.bool_]]


def fill_secondary(dataset: Dataset, colouring: Colouring, k: int, banner: Banner, made: datetime.datetime) -> None:
    """Add what makes it a Secondary Capture, pixels included."""
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.Modality = "OT"
    dataset.ConversionType = "WSD"
    dataset.SecondaryCaptureDeviceManufacturer = "Synoptic"
    dataset.SecondaryCaptureDeviceManufacturerModelName = "Synoptic"
    dataset.SecondaryCaptureDeviceSoftwareVersions = __version__
    dataset.DateOfSecondaryCapture = made.strftime("%Y%m%d")
    dataset.TimeOfSecondaryCapture = made.strftime("%H%M%S")
    pixels = colouring.stored(k).copy()
    _burn(pixels, banner)
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    if pixels.ndim == 3:
        dataset.SamplesPerPixel = 3
        dataset.PhotometricInterpretation = "RGB"
        dataset.PlanarConfiguration = 0
    else:
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.WindowCenter, dataset.WindowWidth = 128, 256
    data = pixels.tobytes()
    dataset.PixelData = data + bytes(len(data) % 2)
    dataset["PixelData"].VR = "OB"


def _burn(pixels: NDArray[np.uint8], banner: Banner) -> None:
    letters, rim = banner
    pixels[rim] = 0
    if pixels.ndim == 3:
        pixels[rim] = np.rint(letters[rim][:, None] / 255 * _NOTICE).astype(np.uint8)
    else:
        pixels[rim] = letters[rim]
