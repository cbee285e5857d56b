"""Secondary Capture: the picture in colour or in 8-bit grey."""

from __future__ import annotations

import numpy as np
import pydicom

from app import export
from tests.export.studies import oblique, study


def test_a_grey_palette_gives_a_grey_capture(pet, tmp_path):
    ds = pydicom.dcmread(export.write(pet, tmp_path, formats=("dicom",), slices=(1,), palette="Grey")[0])
    assert ds.PhotometricInterpretation == "MONOCHROME2"
    assert "grey" in ds.DerivationDescription


def test_a_colour_capture_is_8_bit_rgb_and_says_when_it_was_made(pet, tmp_path):
    ds = pydicom.dcmread(export.write(pet, tmp_path, formats=("dicom",), slices=(1,))[0])
    assert (ds.Modality, ds.ConversionType, ds.PhotometricInterpretation) == ("OT", "WSD", "RGB")
    assert (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.SamplesPerPixel) == (8, 8, 7, 3)
    assert (ds.DateOfSecondaryCapture, ds.TimeOfSecondaryCapture) == (ds.ContentDate, ds.ContentTime)
    assert ds.pixel_array.shape == (80, 96, 3)
    assert "WindowCenter" not in ds


def test_a_grey_capture_of_an_odd_number_of_pixels_is_padded_to_an_even_length(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((65, 63, 1)))
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",), palette="Grey")[0])
    assert (ds.Columns, ds.Rows, len(ds.PixelData)) == (65, 63, 65 * 63 + 1)  # PS3.5 8.1.1
    assert (ds.WindowCenter, ds.WindowWidth) == (128, 256)
    assert np.any(ds.pixel_array)
