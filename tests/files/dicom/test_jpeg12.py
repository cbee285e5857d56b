"""12-bit lossy JPEG, written by DCMTK and decoded by GDCM."""

from __future__ import annotations

import subprocess

import numpy as np
from pydicom import dcmread
from pydicom.uid import (
    JPEGExtended12Bit,
)

from app.files import readers
from tests.files.dicom.dicom_files import dataset, put_pixels


def test_12_bit_lossy_jpeg_stays_within_its_loss(tmp_path):
    ds = dataset("CT")
    ramp = (40 * np.arange(64)[:, None] + 8 * np.arange(64)).astype(np.uint16)
    ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 12, 11
    put_pixels(ds, ramp)
    ds.save_as(tmp_path / "plain", enforce_file_format=True)
    subprocess.run(["dcmcjpeg", "+ee", "+q", "95", str(tmp_path / "plain"), str(tmp_path / "j.dcm")], check=True)
    (tmp_path / "plain").unlink()
    assert dcmread(tmp_path / "j.dcm").file_meta.TransferSyntaxUID == JPEGExtended12Bit
    (series,) = readers.scan([tmp_path]).series
    assert np.abs(readers.read(series).values(0) - (ramp - 1000.0)).max() <= 40  # of 0..3024; the encoder shifts them
