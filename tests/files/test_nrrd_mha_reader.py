"""NRRD and MetaImage against files that SimpleITK wrote and reads itself, and headers that lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.volume import Volume
from app.files import readers

SHAPE = (3, 4, 5)  # k, j, i


def image() -> sitk.Image:
    ramp = sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(SHAPE))
    c, s = np.cos(0.4), np.sin(0.4)
    ramp.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    ramp.SetSpacing((1.5, 2.0, 3.0))
    ramp.SetOrigin((-7, 8, 9.5))
    return ramp


def read(path: Path) -> Volume:
    (series,) = readers.scan([path]).series
    return readers.read(series)


def check(volume: Volume, truth: sitk.Image) -> None:
    np.testing.assert_array_equal(volume.values(), sitk.GetArrayFromImage(truth))
    for index in [(0, 0, 0), (4, 0, 0), (0, 3, 0), (0, 0, 2)]:
        np.testing.assert_allclose(volume.geometry.to_lps(index), truth.TransformIndexToPhysicalPoint(index), atol=1e-5)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["v.nrrd", "v.nhdr", "v.mha", "v.mhd"])
@pytest.mark.parametrize("kind", [sitk.sitkInt16, sitk.sitkUInt8, sitk.sitkFloat32, sitk.sitkFloat64, sitk.sitkInt32])
def test_what_simpleitk_wrote_has_the_same_values_and_places(tmp_path, name, packed, kind):
    truth = sitk.Cast(image(), kind)
    sitk.WriteImage(truth, str(tmp_path / name), packed)
    check(read(tmp_path / name), truth)


NRRD = b"""NRRD0004
# made here
type: short
dimension: 3
space: right-anterior-superior
sizes: 5 4 3
space directions: (2,0,0) (0,3,0) (0,0,4)
space origin: (10,20,30)
endian: big
encoding: raw

"""
BIG = np.arange(60, dtype=">i2").tobytes()
MHA = b"""ObjectType = Image
NDims = 3
BinaryDataByteOrderMSB = True
ElementSpacing = 2 3 4
Offset = 10 20 30
TransformMatrix = 1 0 0 0 1 0 0 0 1
DimSize = 5 4 3
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""


def test_a_ras_nrrd_lands_in_lps(tmp_path):
    (tmp_path / "v.nrrd").write_bytes(NRRD + BIG)
    volume = read(tmp_path / "v.nrrd")
    np.testing.assert_allclose(volume.geometry.to_lps((1, 1, 1)), (-12, -23, 34))
    np.testing.assert_array_equal(volume.stored.ravel(), np.arange(60))
    assert volume.stored.dtype == np.int16


def test_big_endian_metaimage(tmp_path):
    (tmp_path / "v.mha").write_bytes(MHA + BIG)
    volume = read(tmp_path / "v.mha")
    np.testing.assert_array_equal(volume.stored.ravel(), np.arange(60))
    np.testing.assert_allclose(volume.geometry.to_lps((1, 1, 1)), (12, 23, 34))


LIES = {
    "path escape": (b"encoding: raw", b"encoding: raw\ndata file: ../secret.raw", "outside its folder"),
    "absolute path": (b"encoding: raw", b"encoding: raw\ndata file: /etc/hostname", "outside its folder"),
    "missing data": (b"encoding: raw", b"encoding: raw\ndata file: none.raw", "missing"),
    "data list": (b"encoding: raw", b"encoding: raw\ndata file: LIST", "several files"),
    "sizes": (b"sizes: 5 4 3", b"sizes: 50000 40000 30000", "cut short"),
    "negative size": (b"sizes: 5 4 3", b"sizes: 5 -4 3", "sizes"),
    "sizes that are no numbers": (b"sizes: 5 4 3", b"sizes: five", "damaged"),
    "type": (b"type: short", b"type: block", "type"),
    "encoding": (b"encoding: raw", b"encoding: hex", "encoding"),
    "no endian": (b"endian: big\n", b"", "order of bytes"),
    "flat axes": (b"(0,0,4)", b"(0,3,0)", "axes"),
    "nan axes": (b"(0,0,4)", b"(0,0,nan)", "damaged"),
    "units": (b"encoding: raw", b'encoding: raw\nspace units: "cm" "cm" "cm"', "not mm"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_nrrd_header_that_lies_is_refused_with_the_reason(tmp_path, lie):
    true, false, fact = LIES[lie]
    (tmp_path / "secret.raw").write_bytes(BIG)
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "v.nrrd").write_bytes(NRRD.replace(true, false) + BIG)
    scan = readers.scan([folder])
    assert scan.series == ()
    assert fact in scan.skipped[0].reason


META_LIES = {
    "path escape": (b"LOCAL", b"../secret.raw", "outside its folder"),
    "sizes": (b"DimSize = 5 4 3", b"DimSize = 5000 4000 3000", "cut short"),
    "dimensions": (b"NDims = 3", b"NDims = 900", "dimensions"),
    "type": (b"MET_SHORT", b"MET_OTHER", "type"),
    "channels": (b"NDims = 3", b"NDims = 3\nElementNumberOfChannels = 3", "several numbers"),
    "matrix": (b"1 0 0 0 1 0 0 0 1", b"1 0 0 1 0 0 0 0 1", "axes"),
    "no data": (b"ElementDataFile = LOCAL", b"", "ElementDataFile"),
}


@pytest.mark.parametrize("lie", META_LIES)
def test_a_metaimage_header_that_lies_is_refused_with_the_reason(tmp_path, lie):
    true, false, fact = META_LIES[lie]
    (tmp_path / "secret.raw").write_bytes(BIG)
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "v.mha").write_bytes(MHA.replace(true, false) + BIG)
    scan = readers.scan([folder])
    assert scan.series == ()
    assert fact in scan.skipped[0].reason
