"""DICOM series with one attribute that cannot be right: an answer in words, or a volume of finite numbers."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
)

from app.base.errors import AppError
from app.files import readers
from app.files.dicom import header
from app.files.scan_report import info_document
from tests.files.dicom.dicom_files import ROOT, dataset, only_series, slice_values, write_series

NASTY: dict[str, tuple[str, list[object]]] = {  # keyword: VR, values
    "Rows": ("US", [0, 1, 65535]),
    "Columns": ("US", [0, 65535]),
    "BitsAllocated": ("US", [0, 1, 8, 12, 32, 64, 65535]),
    "BitsStored": ("US", [0, 1, 12, 17]),
    "HighBit": ("US", [0, 3, 15, 99]),
    "PixelRepresentation": ("US", [0, 1, 7]),
    "SamplesPerPixel": ("US", [0, 3, 65535]),
    "NumberOfFrames": ("IS", ["0", "-1", "2", "2147483647", "99999999999999999999", "two"]),
    "PixelSpacing": ("DS", ["0\\0", "-1\\1", "nan\\1", "1", "1\\1\\1", "1e300\\1", "1e-300\\1", "", "a\\b"]),
    "ImagePositionPatient": ("DS", ["0\\0", "nan\\0\\0", "inf\\0\\0", "1e300\\0\\0", "1e17\\0\\0", "a\\b\\c", ""]),
    "ImageOrientationPatient": ("DS", ["0\\0\\0\\0\\0\\0", "1\\0\\0\\1\\0\\0", "1\\0\\0\\0\\1", "nan\\0\\0\\0\\1\\0"]),
    "RescaleSlope": ("DS", ["0", "nan", "1e308", "-1", "x", "1\\2"]),
    "RescaleIntercept": ("DS", ["nan", "1e308", "x"]),
    "WindowWidth": ("DS", ["0", "-5", "nan", "1\\2\\3", "wide"]),
    "PixelPaddingValue": ("US", [0, 65535]),
    "SeriesNumber": ("IS", ["x", "99999999999999999999"]),
    "InstanceNumber": ("IS", ["x", "-7"]),
    "SeriesInstanceUID": ("UI", ["", "x" * 300, "../../etc"]),
    "StudyInstanceUID": ("UI", [""]),
    "FrameOfReferenceUID": ("UI", [""]),
    "SpecificCharacterSet": ("CS", ["ISO 2022 IR 87", "no such set", "\\\\"]),
    "PatientName": ("PN", ["=" * 200, "\u0645" * 50, "a^b^c^d^e^f^g"]),
    "Modality": ("CS", ["", "ct", "XX"]),
    "ImageType": ("CS", ["", "\\\\\\"]),
    "SliceThickness": ("DS", ["nan", "-3"]),
    "PhotometricInterpretation": ("CS", ["", "RGB", "MONOCHROME9"]),
}
CASES = [(keyword, value) for keyword, (_, values) in NASTY.items() for value in values]


def raw(keyword: str, value: object) -> RawDataElement:
    """An element with exactly these bytes, whatever pydicom thinks of them."""
    data = struct.pack("<H", value) if isinstance(value, int) else str(value).encode("utf-8", "replace")
    data += b" " * (len(data) % 2)
    return RawDataElement(Tag(keyword), NASTY[keyword][0], len(data), data, 0, False, True)


def open_in_words(folder) -> str:
    """Scan, print and read everything; returns what was refused."""
    scan = readers.scan([folder])
    assert info_document(scan)
    refusals = [skip.reason for skip in scan.skipped]
    for series in scan.series:
        assert series.size[0] * series.size[1] * series.size[2] < 1e9
        try:
            values = readers.read(series).values()
        except AppError as error:
            refusals.append(str(error))
        else:
            assert np.isfinite(values).all()
    return " ".join(refusals)


@pytest.mark.parametrize(("keyword", "value"), CASES, ids=lambda part: str(part)[:24])
@pytest.mark.parametrize("every", [True, False], ids=["all", "one"])
@pytest.mark.parametrize("modality", ["CT", "PT"])
def test_an_attribute_that_cannot_be_right_is_answered_in_words(tmp_path, keyword, value, every, modality):
    def change(ds: Dataset, k: int) -> None:
        if every or k == 2:
            ds[Tag(keyword)] = raw(keyword, value)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the writer knows that the value is wrong; the reader must bear it in silence
        folder = write_series(tmp_path, modality, places=range(4), change=change)
    open_in_words(folder)


def test_rescale_that_is_no_number_keeps_the_values_out_of_hounsfield_units(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.RescaleSlope = None

    (series,) = readers.scan([write_series(tmp_path, change=change)]).series
    assert series.unit == "unknown"


def test_one_slice_of_a_series_that_states_no_rescale_is_not_mixed_with_the_others(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        if k == 2:
            del ds.RescaleSlope

    all_series = readers.scan([write_series(tmp_path, change=change)]).series
    assert {series.unit for series in all_series} == {"HU", "unknown"}


def test_the_builder_itself_is_sound():
    assert dataset("PT").Units == "BQML"


def test_texts_lose_characters_that_rewrite_what_stands_beside_them(tmp_path):
    series = only_series(write_series(tmp_path, change=lambda ds, k: ds.update(
        {"SpecificCharacterSet": "ISO_IR 192", "SeriesDescription": "a\u202eb\u0007c" + "x" * 5000}
    )))  # fmt: skip
    assert series.description.startswith("abcxxx")
    assert len(series.description) <= 256


def test_a_program_in_the_preamble_is_told(tmp_path):
    folder = write_series(tmp_path, places=range(3))
    path = next(iter(folder.iterdir()))
    path.write_bytes(b"MZ" + path.read_bytes()[2:])
    assert any("Windows program" in warning for warning in only_series(folder).warnings)


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


def test_a_file_without_preamble_and_meta_group_is_read(tmp_path):
    ds = dataset()
    del ds.file_meta
    ds.preamble = None
    ds.save_as(tmp_path / "bare", implicit_vr=True, little_endian=True)
    (series,) = readers.scan([tmp_path]).series
    np.testing.assert_array_equal(readers.read(series).stored[0], slice_values(0))
    assert series.uid == f"{ROOT}.2"
