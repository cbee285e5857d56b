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
from app.files.dicom.codestream import stream_header
from app.files.dicom.header import read_header
from app.files.dicom.pixels import decode
from tests.files.dicom.codecs import WRITERS, Write, ramp, write_ramp
from tests.files.dicom.dicom_files import dataset, put_pixels, read_volume, slice_values, write_series


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
    sentences = [skip.reason for skip in scan.skipped] + [
        w for s in scan.studies for series in s.series for w in series.warnings
    ]
    with pytest.raises(AppError, match=r"2\.dcm.*cut short"):
        readers.read(scan.studies[0].series[0])
    assert not any("attribute" in sentence for sentence in sentences)


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
    assert stream_header(code) == (60000, 60000, 1)
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


def decoded(path) -> np.ndarray:
    pixels = read_header(path).pixels
    assert pixels is not None
    return decode(path, pixels, [0])[0][0]


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_bits_above_the_highest_are_no_part_of_the_value(tmp_path, write: Write, signed: bool):
    for bits in range(8, 17):
        truth = write_ramp(tmp_path / f"{bits}.dcm", bits, signed=signed, write=write)
        np.testing.assert_array_equal(decoded(tmp_path / f"{bits}.dcm"), truth, err_msg=f"{bits} bits")


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize(
    "name", ["uncompressed", "RLE by DCMTK", "JPEG-LS of 16 bits", "JPEG-LS of the stored bits", "JPEG 2000 of 16 bits"]
)
def test_a_sample_in_the_upper_bits_is_taken_from_there(tmp_path, name: str, signed: bool):
    for bits in (8, 12):
        path = tmp_path / f"{bits}.dcm"
        truth = write_ramp(path, bits, signed=signed, write=WRITERS[name], shift=16 - bits)
        np.testing.assert_array_equal(decoded(path), truth, err_msg=f"{bits} bits")


def test_eight_signed_bits_that_are_all_there_keep_their_sign(tmp_path):
    ds = dataset("CT")
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    values = ramp(8, signed=True).astype(np.int8)
    ds.Rows, ds.Columns = values.shape
    ds.PixelData = values.tobytes()
    ds["PixelData"].VR = "OW"
    ds.save_as(tmp_path / "plain", enforce_file_format=True)
    subprocess.run(["dcmcjpls", str(tmp_path / "plain"), str(tmp_path / "jls.dcm")], check=True)
    np.testing.assert_array_equal(decoded(tmp_path / "plain"), values)
    np.testing.assert_array_equal(decoded(tmp_path / "jls.dcm"), values)


def test_air_of_a_compressed_ct_of_12_signed_bits_is_minus_1000_hu(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.RescaleIntercept, ds.BitsStored, ds.HighBit = 0, 12, 11
        put_pixels(ds, np.full((6, 8), -1000 & 0xFFF, np.uint16))

    folder = write_series(tmp_path, places=range(3), change=change)
    for path in folder.iterdir():
        subprocess.run(["dcmcjpls", str(path), str(path)], check=True)
    (series,) = readers.scan([folder]).series
    assert series.unit == "HU"
    assert np.unique(readers.read(series).values()).tolist() == [-1000]


@pytest.mark.parametrize("name", ["uncompressed", "JPEG-LS by DCMTK"])
@pytest.mark.parametrize("stated", [-2000, -2000 & 0xFFFF, -2000 & 0xFFF], ids=["SS", "US", "US of 12 bits"])
def test_padding_of_12_signed_bits_is_found_however_it_is_stated(tmp_path, name: str, stated: int):
    def write(ds, words, path) -> None:
        words[0, :3] = -2000 & 0xFFF
        ds.PixelData = words.tobytes()
        ds.add_new("PixelPaddingValue", "SS" if stated < 0 else "US", stated)
        WRITERS[name](ds, words, path)

    truth = write_ramp(tmp_path / "a.dcm", 12, signed=True, write=write)
    pixels = read_header(tmp_path / "a.dcm").pixels
    assert pixels is not None
    stored, valid = decode(tmp_path / "a.dcm", pixels, [0])
    assert valid is not None
    expected = truth != -2000
    expected[0, :3] = False
    np.testing.assert_array_equal(valid[0], expected)
    np.testing.assert_array_equal(stored[0][expected], truth[expected])


def test_a_signed_12_bit_lossy_jpeg_is_not_read_as_unsigned(tmp_path):
    """Its stream knows no sign: where the header states one, it is the highest bit of the sample."""
    ds = dataset("CT")
    smooth = (40 * np.arange(64)[:, None] + 20 * np.arange(64)).astype(np.uint16)
    ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 0, 12, 11
    put_pixels(ds, smooth)
    ds.save_as(tmp_path / "plain", enforce_file_format=True)
    subprocess.run(["dcmcjpeg", "+ee", "+q", "100", str(tmp_path / "plain"), str(tmp_path / "j.dcm")], check=True)
    as_unsigned = decoded(tmp_path / "j.dcm").astype(int)
    lossy = dcmread(tmp_path / "j.dcm")
    lossy.PixelRepresentation = 1
    lossy.save_as(tmp_path / "j.dcm")
    np.testing.assert_array_equal(
        decoded(tmp_path / "j.dcm"), np.where(as_unsigned >= 2048, as_unsigned - 4096, as_unsigned)
    )
    assert as_unsigned.max() >= 2048  # or nothing was tried
