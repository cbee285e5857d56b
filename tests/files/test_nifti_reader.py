"""NIfTI files against known matrices and against nibabel's own reading; RAS comes in, LPS goes out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from app.base.errors import AppError
from app.core.volume import Series
from app.files import readers

LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SHAPE = (5, 4, 3)


def voxels(shape: tuple[int, ...] = SHAPE, dtype: type = np.int16) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape, order="F").astype(dtype)


def turned(degrees: float, spacing: tuple[float, float, float] = (2, 2, 2)) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * spacing
    affine[:3, 3] = (10, -20, 30)
    return affine


def save(path: Path, data: np.ndarray, affine: np.ndarray | None = None, *, q: int = 0, s: int = 2) -> Path:
    image = nibabel.Nifti1Image(data, turned(0) if affine is None else affine)
    image.set_sform(turned(0) if affine is None else affine, s)
    image.set_qform(turned(0) if affine is None else affine, q)
    nibabel.save(image, path)
    return path


def patched(path: Path, offset: int, value: bytes) -> Path:
    """Overwrite bytes of a plain .nii header."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(value)] = value
    path.write_bytes(raw)
    return path


def only(path: Path) -> Series:
    (series,) = readers.scan([path]).series
    return series


def refusal(path: Path) -> str:
    scan = readers.scan([path])
    assert scan.series == ()
    return scan.skipped[0].reason


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("axes", ["RAS", "LPS", "LAS", "PIR", "SAL"])
def test_every_axis_order_lands_at_the_same_place_in_lps(tmp_path, name, axes):
    base = nibabel.Nifti1Image(voxels(), turned(25))
    code = nibabel.orientations.axcodes2ornt(axes)
    image = base.as_reoriented(nibabel.orientations.ornt_transform(nibabel.io_orientation(base.affine), code))
    nibabel.save(image, tmp_path / name)
    read = readers.read(only(tmp_path / name))
    assert read.series.orientation == "".join(nibabel.aff2axcodes(image.affine))
    np.testing.assert_allclose(read.geometry.affine, LPS_OF_RAS @ image.affine, atol=1e-5)
    point = LPS_OF_RAS @ turned(25) @ (3, 1, 2, 1)
    assert read.value_at(point[:3]) == voxels()[3, 1, 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, np.int8, np.uint32])
@pytest.mark.parametrize("big", [False, True])
def test_every_number_type_and_byte_order_keeps_its_values(tmp_path, dtype, big):
    header = nibabel.Nifti1Header(endianness=">" if big else "<")
    header.set_data_dtype(np.dtype(dtype).newbyteorder(">" if big else "<"))
    nibabel.save(nibabel.Nifti1Image(voxels(dtype=dtype), turned(0), header), tmp_path / "a.nii.gz")
    read = readers.read(only(tmp_path / "a.nii.gz"))
    assert read.stored.dtype == dtype
    np.testing.assert_array_equal(read.stored, voxels().transpose(2, 1, 0))


def test_nifti_2_and_header_data_pairs_are_read(tmp_path):
    nibabel.save(nibabel.Nifti2Image(voxels(), turned(10)), tmp_path / "two.nii.gz")
    nibabel.save(nibabel.Nifti1Pair(voxels(), turned(10)), tmp_path / "pair.img")
    found = readers.scan([tmp_path]).series
    assert len(found) == 2
    for series in found:
        np.testing.assert_array_equal(readers.read(series).stored, voxels().transpose(2, 1, 0))


def test_the_scale_of_the_header_is_applied(tmp_path):
    path = patched(save(tmp_path / "a.nii", voxels()), 112, np.array([2.5, -7], "<f4").tobytes())
    np.testing.assert_allclose(readers.read(only(path)).values(), voxels().transpose(2, 1, 0) * 2.5 - 7)


@pytest.mark.parametrize("slope", [0.0, np.nan])
def test_a_scale_of_zero_or_nan_means_none(tmp_path, slope):
    path = patched(save(tmp_path / "a.nii", voxels()), 112, np.array([slope, 5], "<f4").tobytes())
    np.testing.assert_array_equal(readers.read(only(path)).values(), voxels().transpose(2, 1, 0))


def test_the_sform_wins_over_the_qform_and_it_says_so(tmp_path):
    image = nibabel.Nifti1Image(voxels(), turned(0))
    image.set_sform(turned(0), 2)
    image.set_qform(turned(20), 1)
    nibabel.save(image, tmp_path / "a.nii")
    series = only(tmp_path / "a.nii")
    assert any("sform is used" in warning for warning in series.warnings)
    np.testing.assert_allclose(readers.read(series).geometry.affine, LPS_OF_RAS @ turned(0), atol=1e-5)


def test_the_qform_is_used_where_the_sform_is_absent_or_broken(tmp_path):
    path = save(tmp_path / "a.nii", voxels(), turned(30), q=1, s=0)
    np.testing.assert_allclose(readers.read(only(path)).geometry.affine, LPS_OF_RAS @ turned(30), atol=1e-5)
    patched(save(path, voxels(), turned(30), q=1, s=2), 280, bytes(48))  # srow_x, srow_y, srow_z
    series = only(path)
    assert any("sform in the header is broken" in warning for warning in series.warnings)
    np.testing.assert_allclose(readers.read(series).geometry.affine, LPS_OF_RAS @ turned(30), atol=1e-5)


def test_without_both_forms_left_and_right_are_said_to_be_unknown(tmp_path):
    path = save(tmp_path / "a.nii", voxels(), q=0, s=0)
    series = only(path)
    assert series.spacing_mm == pytest.approx((2, 2, 2))
    assert any("left and right" in warning for warning in series.warnings)


def test_millimetres_are_made_of_metres(tmp_path):
    image = nibabel.Nifti1Image(voxels(), turned(0) * [[0.001], [0.001], [0.001], [1]])
    image.header.set_xyzt_units("meter")
    nibabel.save(image, tmp_path / "a.nii")
    assert only(tmp_path / "a.nii").spacing_mm == pytest.approx((2, 2, 2))


def test_each_volume_of_a_4d_file_can_be_chosen(tmp_path):
    data = voxels((*SHAPE, 3))
    found = readers.scan([save(tmp_path / "bold.nii.gz", data)]).series
    assert [series.uid.split("#")[1] for series in found] == ["1", "2", "3"]
    assert "volume 2" in found[1].warnings[0]
    np.testing.assert_array_equal(readers.read(found[1]).stored, data[..., 1].transpose(2, 1, 0))


def test_nan_and_infinity_are_left_out_and_told(tmp_path):
    data = voxels(dtype=np.float32)
    data[0, 0, 0], data[1, 1, 1] = np.nan, np.inf
    read = readers.read(only(save(tmp_path / "a.nii", data)))
    assert read.valid is not None
    np.testing.assert_array_equal(read.valid, np.isfinite(data).transpose(2, 1, 0))
    assert np.isfinite(read.values()).all()
    assert any("2 voxels" in warning for warning in read.series.warnings)


def test_a_skewed_grid_is_resampled_to_a_straight_one(tmp_path):
    """Columns lean by one row per slice: voxel (i, j, k) lies at y = 2 (j + k)."""
    affine = np.diag([2.0, 2, 2, 1])
    affine[1, 2] = 2
    path = save(tmp_path / "a.nii", voxels(dtype=np.float32), affine)
    series = only(path)
    assert any("skewed" in warning for warning in series.warnings)
    read = readers.read(series)
    assert read.geometry.size == series.size == (5, 6, 3)
    assert read.interpolated.all()
    for i, j, k in [(0, 0, 0), (4, 3, 2), (2, 1, 1)]:
        point = LPS_OF_RAS @ affine @ (i, j, k, 1)
        assert read.value_at(point[:3]) == pytest.approx(float(voxels()[i, j, k]), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "lowest", "modality", "unit"),
    [
        ("ct.nii", -1000, "CT", "HU"),
        ("sub-1_CT_thin.nii", 0, "CT", "unknown"),
        ("chris_t1.nii", 0, "MR", "a.u."),
        ("PET_image.nii", 0, "PT", "unknown"),
        ("spect.nii", 0, "NM", "unknown"),
        ("pet_on_mri.nii", 0, "", "unknown"),
        ("CT_mask.nii", -1000, "", "unknown"),
        ("fixed.nii", -1000, "", "unknown"),
    ],
)
def test_modality_and_unit_come_from_the_name_only_where_it_is_plain(tmp_path, name, lowest, modality, unit):
    series = only(save(tmp_path / name, voxels() + np.int16(lowest)))
    assert (series.modality, series.unit) == (modality, unit)
    assert any("name" in warning for warning in series.warnings)


def test_a_sidecar_states_modality_unit_and_description(tmp_path):
    path = save(tmp_path / "x.nii.gz", voxels())
    (tmp_path / "x.json").write_text(json.dumps({"Modality": "PT", "Units": "Bq/mL", "SeriesDescription": "FDG"}))
    series = only(path)
    assert (series.modality, series.unit, series.description) == ("PT", "Bq/mL", "FDG")
    assert series.warnings == ()


def test_a_plain_file_with_a_gz_name_is_read_and_so_is_block_gzip(tmp_path):
    raw = save(tmp_path / "a.nii", voxels()).read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(raw)
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(raw[:400]) + gzip.compress(raw[400:]))
    for name in ("b.nii.gz", "c.nii.gz"):
        np.testing.assert_array_equal(readers.read(only(tmp_path / name)).stored, voxels().transpose(2, 1, 0))


HEADER_LIES = {
    "dim product beyond the file": (40, np.array([3, 30000, 30000, 30000], "<i2").tobytes(), "cut short"),
    "negative dim": (40, np.array([3, -5, 4, 3], "<i2").tobytes(), "cannot be"),
    "no dims": (40, np.array([0], "<i2").tobytes(), "dimensions"),
    "vector per voxel": (40, np.array([5, 5, 2, 2, 1, 3], "<i2").tobytes(), "vector"),
    "data type": (70, np.array([77], "<i2").tobytes(), "data type"),
    "colour": (70, np.array([128, 24], "<i2").tobytes(), "colour"),
    "complex": (70, np.array([32, 64], "<i2").tobytes(), "complex"),
    "vox_offset outside": (108, np.array([1e9], "<f4").tobytes(), "cut short"),
    "vox_offset nan": (108, np.array([np.nan], "<f4").tobytes(), "vox_offset"),
    "vox_offset negative": (108, np.array([-8], "<f4").tobytes(), "vox_offset"),
    "Analyze": (344, b"\0\0\0\0", "Analyze"),
}


@pytest.mark.parametrize("lie", HEADER_LIES)
def test_a_header_that_lies_is_refused_with_the_reason(tmp_path, lie):
    offset, value, told = HEADER_LIES[lie]
    assert told in refusal(patched(save(tmp_path / "a.nii", voxels()), offset, value))


@pytest.mark.parametrize("zoom", [0.0, np.nan, np.inf, 1e30])
def test_without_any_usable_geometry_it_is_refused(tmp_path, zoom):
    path = save(tmp_path / "a.nii", voxels(), q=0, s=0)
    assert "millimetres" in refusal(patched(path, 80, np.array([zoom], "<f4").tobytes()))


def test_a_gzip_that_asks_for_more_than_it_can_hold_is_refused(tmp_path):
    raw = patched(save(tmp_path / "a.nii", voxels()), 40, np.array([3, 2000, 2000, 2000], "<i2").tobytes()).read_bytes()
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(raw))
    assert "more than" in refusal(tmp_path / "bomb.nii.gz")


def test_a_cut_gzip_is_told_when_it_is_read(tmp_path):
    rng = np.random.default_rng(0)
    path = save(tmp_path / "a.nii.gz", rng.integers(0, 30000, (40, 40, 40)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-30000])
    series = only(path)
    with pytest.raises(AppError, match=r"a\.nii\.gz: its data are cut short"):
        readers.read(series)
