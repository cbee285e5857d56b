"""Multi-frame files, compressed pixel data and odd encodings, each with values known beforehand."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    NuclearMedicineImageStorage,
    RLELossless,
)

from app.base.errors import AppError
from app.files import readers
from app.files.dicom import header
from app.files.dicom.pixels import frame_size
from tests.files.dicom.dicom_files import AXIAL, ROOT, dataset, put_pixels, slice_values, write_series


def item(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


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


def test_enhanced_frames_are_ordered_by_their_place_and_keep_their_own_rescale(tmp_path):
    enhanced([6, 0, 3]).save_as(tmp_path / "e.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert (series.size, series.spacing_mm) == ((8, 6, 3), pytest.approx((1.5, 2, 3)))
    read = readers.read(series)
    np.testing.assert_array_equal(read.stored[:, 0, 0], [1000, 2000, 0])
    np.testing.assert_array_equal(read.slope, [2, 3, 1])
    assert read.sources == (tmp_path / "e.dcm",) * 3


def test_echoes_within_one_enhanced_file_are_a_series_each(tmp_path):
    enhanced([0, 0, 3, 3, 6, 6], [12, 80] * 3).save_as(tmp_path / "e.dcm", enforce_file_format=True)
    found = readers.scan([tmp_path]).series
    assert [series.size[2] for series in found] == [3, 3]
    np.testing.assert_array_equal(readers.read(found[1]).stored[:, 0, 0], [1000, 3000, 5000])


def test_functional_groups_that_do_not_fit_the_frames_are_refused(tmp_path):
    ds = enhanced([0, 3, 6])
    ds.PerFrameFunctionalGroupsSequence = ds.PerFrameFunctionalGroupsSequence[:2]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    scan = readers.scan([tmp_path])
    assert scan.series == ()
    assert "3 frames and describes 2" in scan.skipped[0].reason


@pytest.mark.parametrize(("step", "first"), [(4.0, 0), (-4.0, 2000)])
def test_spect_slices_stack_along_the_signed_spacing(tmp_path, step, first):
    """A negative SpacingBetweenSlices stacks against the normal (PS3.3 C.8.4.15): frame 3 is then the lowest."""
    ds = dataset("MR")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
    ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    ds.NumberOfFrames = ds.NumberOfSlices = 3
    ds.SpacingBetweenSlices, ds.SliceVector = step, [1, 2, 3]
    ds.PixelData = np.stack([slice_values(n) for n in range(3)]).astype("<i2").tobytes()
    del ds.ImagePositionPatient, ds.ImageOrientationPatient
    ds.DetectorInformationSequence = [item(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=list(AXIAL))]
    ds.save_as(tmp_path / "nm.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert (series.unit, series.spacing_mm) == ("counts", pytest.approx((1.5, 2, 4)))
    read = readers.read(series)
    np.testing.assert_allclose(read.geometry.origin_mm, (1, 2, 3 if step > 0 else -5))
    assert int(read.stored[0, 0, 0]) == first


def test_spect_projections_are_no_volume(tmp_path):
    ds = dataset("MR")
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
    ds.Modality, ds.ImageType = "NM", ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]
    ds.save_as(tmp_path / "nm.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert "projections" in series.problem


def test_an_old_multi_frame_file_without_places_is_no_volume(tmp_path):
    ds = dataset("MR")
    ds.NumberOfFrames = 2
    ds.PixelData = ds.PixelData * 2
    ds.save_as(tmp_path / "m.dcm", enforce_file_format=True)
    (series,) = readers.scan([tmp_path]).series
    assert "where they lie" in series.problem


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


def test_a_deflated_bomb_is_measured_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(header, "LARGEST_DEFLATED", 1 << 16)
    ds = dataset()
    ds.add_new((0x0009, 0x0010), "LO", "TEST")
    ds.add_new((0x0009, 0x1001), "OB", b"\0" * (1 << 20))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(tmp_path / "bomb.dcm", enforce_file_format=True)
    assert (tmp_path / "bomb.dcm").stat().st_size < 1 << 14
    (skip,) = readers.scan([tmp_path]).skipped
    assert "unpacks to more" in skip.reason


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


def test_a_file_without_preamble_and_meta_group_is_read(tmp_path):
    ds = dataset()
    del ds.file_meta
    ds.preamble = None
    ds.save_as(tmp_path / "bare", implicit_vr=True, little_endian=True)
    (series,) = readers.scan([tmp_path]).series
    np.testing.assert_array_equal(readers.read(series).stored[0], slice_values(0))
    assert series.uid == f"{ROOT}.2"
