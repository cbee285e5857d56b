"""Pixel data in every encoding, with padding, odd bits and damage; each with values known beforehand."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from app.base.errors import AppError
from app.files import readers
from app.files.dicom.pixels import frame_size
from tests.files.dicom.dicom_files import dataset, read_volume, slice_values, write_series


@pytest.mark.parametrize(
    ("signed", "value", "limit"), [(True, -2000, None), (False, 63536, None), (True, -2000, -1990), (True, 63536, None)]
)
def test_padding_is_masked_before_the_rescale_whatever_the_sign_it_is_written_with(tmp_path, signed, value, limit):
    def change(ds: Dataset, k: int) -> None:
        ds.PixelRepresentation = int(signed)
        pixels = slice_values(k).astype(np.int32)
        pixels[0, 0] = -2000 if signed else 63536
        pixels[1, 1] = -1995 if limit else 7
        ds.PixelData = pixels.astype("<i2" if signed else "<u2").tobytes()
        ds.add_new("PixelPaddingValue", "US" if value > 32767 else "SS", value)
        if limit is not None:
            ds.add_new("PixelPaddingRangeLimit", "SS", limit)

    read = read_volume(write_series(tmp_path, places=[0, 1], change=change))
    expected = np.ones((2, 6, 8), bool)
    expected[:, 0, 0] = False
    expected[:, 1, 1] = limit is None
    np.testing.assert_array_equal(read.valid, expected)


def test_bits_above_bits_stored_are_no_part_of_the_value(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 1
        ds.PixelData = np.full((6, 8), 0x3FFF, "<u2").tobytes()  # 12 bits of -1, an overlay bit above

    read = read_volume(write_series(tmp_path, places=[0, 1], change=change))
    assert (read.stored == -1).all()


def test_a_compressed_file_without_its_end_is_called_cut_short(tmp_path):
    for k in range(3):
        ds = dataset(k=k, position=(0, 0, 2.0 * k))
        ds.compress(RLELossless)
        ds.save_as(tmp_path / f"{k}.dcm", enforce_file_format=True)
    last = tmp_path / "2.dcm"
    last.write_bytes(last.read_bytes()[:-12])
    scan = readers.scan([tmp_path])
    told = [skip.reason for skip in scan.skipped] + [w for s in scan.studies for one in s.series for w in one.warnings]
    with pytest.raises(AppError, match=r"2\.dcm.*cut short"):
        readers.read(scan.studies[0].series[0])
    assert not any("attribute" in sentence for sentence in told)


LOSSLESS = (
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLosslessSV1,
)


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda uid: uid.name)
def test_lossless_syntaxes_give_the_same_values(tmp_path, syntax):
    for k in range(2):
        _write(tmp_path / f"{k}.dcm", k, syntax)
    (series,) = readers.scan([tmp_path]).series
    np.testing.assert_array_equal(readers.read(series).stored, np.stack([slice_values(0), slice_values(1)]))


def _write(path: Path, k: int, syntax: UID) -> None:
    """Slice k in a transfer syntax; unsigned where it is compressed, because not every encoder takes signs."""
    ds = dataset("CT", k, (0, 0, k))
    ds.PixelRepresentation = int(not syntax.is_compressed)
    if syntax in (RLELossless, JPEGLSLossless):
        ds.compress(syntax, generate_instance_uid=False)
    elif syntax == JPEG2000Lossless:
        code = io.BytesIO()
        Image.fromarray(slice_values(k).astype(np.uint16)).save(code, "JPEG2000", no_jp2=True, irreversible=False)
        ds.PixelData = encapsulate([code.getvalue()])
        ds["PixelData"].VR = "OB"
    elif syntax == JPEGLosslessSV1:
        plain = path.with_suffix(".plain")
        ds.save_as(plain, enforce_file_format=True)
        subprocess.run(["dcmcjpeg", "+e1", "+un", str(plain), str(path)], check=True)
        plain.unlink()
        return
    elif syntax == ExplicitVRBigEndian:
        ds.PixelData = slice_values(k).astype(">i2").tobytes()
        ds.set_original_encoding(is_implicit_vr=False, is_little_endian=False)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(
        path,
        enforce_file_format=True,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )


def test_a_compressed_image_that_states_another_size_is_refused_before_it_is_decoded(tmp_path):
    code = b"\xff\x4f\xff\x51"
    code += (47).to_bytes(2, "big") + b"\0\0" + (60000).to_bytes(4, "big") * 2 + b"\0" * 40 + b"\xff\xd9"
    assert frame_size(code) == (60000, 60000)
    folder = write_series(tmp_path, places=[0, 1])
    for path in folder.iterdir():
        ds = dcmread(path)
        ds.PixelData = encapsulate([code])
        ds["PixelData"].VR = "OB"
        ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
        ds.save_as(path, enforce_file_format=True)
    (series,) = readers.scan([folder]).series
    with pytest.raises(AppError, match="60000 x 60000"):
        readers.read(series)


def test_the_size_is_found_in_jpeg_streams_behind_other_segments():
    application = b"\xff\xe0\x00\x06abcd"
    frame = b"\xff\xc3\x00\x11\x10" + (300).to_bytes(2, "big") + (200).to_bytes(2, "big") + b"\0" * 8
    assert frame_size(b"\xff\xd8" + application + frame) == (300, 200)
    assert frame_size(b"\xff\xd8\xff\xf7\x00\x0b\x08\x00\x05\x00\x07" + b"\0" * 4) == (5, 7)
    assert frame_size(b"\x01\0\0\0") is None  # RLE states none


def test_float_pixels_keep_their_values_and_lose_their_nans(tmp_path):
    ds = dataset("MR")
    values = np.linspace(-1, 1, 48, dtype=np.float32).reshape(6, 8)
    values[2, 2] = np.nan
    del ds.PixelData
    ds.BitsAllocated = ds.BitsStored = 32
    ds.HighBit = 31
    ds.FloatPixelData = values.tobytes()
    ds.save_as(tmp_path / "f.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    read = readers.read(series)
    assert read.valid is not None
    np.testing.assert_array_equal(read.valid[0], np.isfinite(values))
    np.testing.assert_array_equal(read.values(0)[read.valid[0]], values[np.isfinite(values)])
