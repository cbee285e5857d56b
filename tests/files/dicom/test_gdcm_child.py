"""The decoder in a process of its own: damage, and even its death, end in a sentence."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLosslessSV1

from app.base.errors import AppError
from app.core.volume import Series
from app.files import readers
from app.files.dicom import gdcm_child
from tests.files.dicom.dicom_files import dataset, slice_values


@pytest.fixture
def series(tmp_path) -> Series:
    plain = tmp_path / "plain"
    ds = dataset()
    ds.PixelRepresentation = 0
    ds.save_as(plain, enforce_file_format=True)
    subprocess.run(["dcmcjpeg", "+e1", "+un", str(plain), str(tmp_path / "j.dcm")], check=True)
    plain.unlink()
    (all_series,) = readers.scan([tmp_path]).series
    return all_series


def test_it_decodes_and_is_reused(series):
    np.testing.assert_array_equal(readers.read(series).stored[0], slice_values(0))
    first = gdcm_child._child
    readers.read(series)
    assert gdcm_child._child is first


def test_it_is_replaced_when_it_died(series):
    readers.read(series)
    gdcm_child._child.kill()
    gdcm_child._child.wait()
    np.testing.assert_array_equal(readers.read(series).stored[0], slice_values(0))


def test_a_child_that_ends_on_a_file_is_told_in_a_sentence(series, monkeypatch):
    gdcm_child.stop()
    monkeypatch.setattr(gdcm_child.sys, "executable", "/bin/false")
    with pytest.raises(AppError, match=r"j\.dcm: .*gave up"):
        readers.read(series)


def test_a_child_that_hangs_is_ended(series, monkeypatch, tmp_path):
    gdcm_child.stop()
    sleeper = tmp_path / "sleeper"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o700)
    monkeypatch.setattr(gdcm_child.sys, "executable", str(sleeper))
    monkeypatch.setattr(gdcm_child, "LONGEST_S", 0.3)
    with pytest.raises(AppError, match="too long"):
        readers.read(series)


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_a_cut_stream_is_told_in_a_sentence(series, cut):
    path: Path = series.paths[0]
    ds = dcmread(path)
    start, end = ds.PixelData.index(b"\xff\xd8"), ds.PixelData.rindex(b"\xff\xd9")
    ds.PixelData = encapsulate([ds.PixelData[start : end - cut]])
    ds["PixelData"].VR = "OB"
    ds.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    ds.save_as(path, enforce_file_format=True)
    with pytest.raises(AppError, match=r"j\.dcm: its compressed image is cut short"):
        readers.read(series)
