"""NIfTI files against known matrices and against nibabel's own reading; RAS comes in, LPS goes out."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from app.files import readers
from tests.files.nifti_files import LPS_OF_RAS, only_series, patched, refusal, save_nifti, turned_affine, voxels


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("axes", ["RAS", "LPS", "LAS", "PIR", "SAL"])
def test_every_axis_order_lands_at_the_same_place_in_lps(tmp_path, name, axes):
    base = nibabel.Nifti1Image(voxels(), turned_affine(25))
    code = nibabel.orientations.axcodes2ornt(axes)
    image = base.as_reoriented(nibabel.orientations.ornt_transform(nibabel.io_orientation(base.affine), code))
    nibabel.save(image, tmp_path / name)
    read = readers.read(only_series(tmp_path / name))
    assert read.series.orientation == "".join(nibabel.aff2axcodes(image.affine))
    np.testing.assert_allclose(read.geometry.affine, LPS_OF_RAS @ image.affine, atol=1e-5)
    point = LPS_OF_RAS @ turned_affine(25) @ (3, 1, 2, 1)
    assert read.value_at(point[:3]) == voxels()[3, 1, 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, np.int8, np.uint32])
@pytest.mark.parametrize("big", [False, True])
def test_every_number_type_and_byte_order_keeps_its_values(tmp_path, dtype, big):
    header = nibabel.Nifti1Header(endianness=">" if big else "<")
    header.set_data_dtype(np.dtype(dtype).newbyteorder(">" if big else "<"))
    nibabel.save(nibabel.Nifti1Image(voxels(dtype=dtype), turned_affine(0), header), tmp_path / "a.nii.gz")
    read = readers.read(only_series(tmp_path / "a.nii.gz"))
    assert read.stored.dtype == dtype
    np.testing.assert_array_equal(read.stored, voxels().transpose(2, 1, 0))


def test_nifti_2_and_header_data_pairs_are_read(tmp_path):
    nibabel.save(nibabel.Nifti2Image(voxels(), turned_affine(10)), tmp_path / "two.nii.gz")
    nibabel.save(nibabel.Nifti1Pair(voxels(), turned_affine(10)), tmp_path / "pair.img")
    all_series = readers.scan([tmp_path]).series
    assert len(all_series) == 2
    for series in all_series:
        np.testing.assert_array_equal(readers.read(series).stored, voxels().transpose(2, 1, 0))


def test_the_scale_of_the_header_is_applied(tmp_path):
    path = patched(save_nifti(tmp_path / "a.nii", voxels()), 112, np.array([2.5, -7], "<f4").tobytes())
    np.testing.assert_allclose(readers.read(only_series(path)).values(), voxels().transpose(2, 1, 0) * 2.5 - 7)


@pytest.mark.parametrize("slope", [0.0, np.nan])
def test_a_scale_of_zero_or_nan_means_none(tmp_path, slope):
    path = patched(save_nifti(tmp_path / "a.nii", voxels()), 112, np.array([slope, 5], "<f4").tobytes())
    np.testing.assert_array_equal(readers.read(only_series(path)).values(), voxels().transpose(2, 1, 0))


def test_the_sform_wins_over_the_qform_and_it_says_so(tmp_path):
    image = nibabel.Nifti1Image(voxels(), turned_affine(0))
    image.set_sform(turned_affine(0), 2)
    image.set_qform(turned_affine(20), 1)
    nibabel.save(image, tmp_path / "a.nii")
    series = only_series(tmp_path / "a.nii")
    assert any("sform is used" in warning for warning in series.warnings)
    np.testing.assert_allclose(readers.read(series).geometry.affine, LPS_OF_RAS @ turned_affine(0), atol=1e-5)


def test_the_qform_is_used_where_the_sform_is_absent_or_broken(tmp_path):
    path = save_nifti(tmp_path / "a.nii", voxels(), turned_affine(30), q=1, s=0)
    np.testing.assert_allclose(
        readers.read(only_series(path)).geometry.affine, LPS_OF_RAS @ turned_affine(30), atol=1e-5
    )
    patched(save_nifti(path, voxels(), turned_affine(30), q=1, s=2), 280, bytes(48))  # srow_x, srow_y, srow_z
    series = only_series(path)
    assert any("sform in the header is broken" in warning for warning in series.warnings)
    np.testing.assert_allclose(readers.read(series).geometry.affine, LPS_OF_RAS @ turned_affine(30), atol=1e-5)


QFORM = 252  # qform_code, sform_code (int16), then quatern_b, c, d and qoffset_x, y, z (float32)


@pytest.mark.parametrize(("qfac", "sign"), [(0.0, 1), (np.nan, 1), (0.5, 1), (7.0, 1), (-1.0, -1), (-0.5, -1)])
def test_only_a_negative_qfac_turns_the_third_axis(tmp_path, qfac, sign):
    """nifti1.h on pixdim[0] = 0: "we take qfac=1"; ITK wrote it (InsightSoftwareConsortium/ITK#1484)."""
    path = patched(
        save_nifti(tmp_path / "a.nii", voxels(), turned_affine(30), q=1, s=0), 76, np.float32(qfac).tobytes()
    )
    series = only_series(path)
    expected = turned_affine(30) @ np.diag([1, 1, sign, 1])
    np.testing.assert_allclose(readers.read(series).geometry.affine, LPS_OF_RAS @ expected, atol=1e-5)
    assert not any("form" in warning for warning in series.warnings)


def test_a_quaternion_a_little_too_long_is_shortened(tmp_path):
    """Half a turn about (1, 1, 0), written with 1.001 times its length: a (the rest to 1) is 0."""
    path = save_nifti(tmp_path / "a.nii", voxels(), turned_affine(0), q=1, s=0)
    half = 1.001 / np.sqrt(2)
    patched(path, QFORM + 4, np.array([half, half, 0], "<f4").tobytes())
    expected = np.array([[0, 2, 0, 10], [2, 0, 0, -20], [0, 0, -2, 30], [0, 0, 0, 1]])
    np.testing.assert_allclose(readers.read(only_series(path)).geometry.affine, LPS_OF_RAS @ expected, atol=1e-5)


@pytest.mark.parametrize("zoom", [0.0, -3.0])
def test_a_voxel_size_that_is_none_is_1_and_it_says_so(tmp_path, zoom):
    path = save_nifti(tmp_path / "a.nii", voxels(), q=1, s=0)
    series = only_series(patched(path, 88, np.float32(zoom).tobytes()))
    assert series.spacing_mm == pytest.approx((2, 2, 1))
    assert any("no voxel size along k" in warning for warning in series.warnings)


@pytest.mark.parametrize("q", [0, 1])
def test_a_single_slice_needs_no_thickness(tmp_path, q):
    path = save_nifti(tmp_path / "a.nii", voxels((5, 4, 1)), q=q, s=0)
    assert only_series(patched(path, 88, bytes(4))).spacing_mm == pytest.approx((2, 2, 1))


@pytest.mark.parametrize("place", range(6))
def test_a_qform_with_a_number_that_is_none_is_not_used(tmp_path, place):
    path = save_nifti(tmp_path / "a.nii", voxels(), q=1, s=0)
    assert "millimetres" in refusal(patched(path, QFORM + 4 + 4 * place, np.float32(np.nan).tobytes()))


def test_without_both_forms_left_and_right_are_said_to_be_unknown(tmp_path):
    path = save_nifti(tmp_path / "a.nii", voxels(), q=0, s=0)
    series = only_series(path)
    assert series.spacing_mm == pytest.approx((2, 2, 2))
    assert any("left and right" in warning for warning in series.warnings)


def test_millimetres_are_made_of_metres(tmp_path):
    image = nibabel.Nifti1Image(voxels(), turned_affine(0) * [[0.001], [0.001], [0.001], [1]])
    image.header.set_xyzt_units("meter")
    nibabel.save(image, tmp_path / "a.nii")
    assert only_series(tmp_path / "a.nii").spacing_mm == pytest.approx((2, 2, 2))


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
    offset, value, fact = HEADER_LIES[lie]
    assert fact in refusal(patched(save_nifti(tmp_path / "a.nii", voxels()), offset, value))


@pytest.mark.parametrize("zoom", [0.0, np.nan, np.inf, 1e30])
def test_without_any_usable_geometry_it_is_refused(tmp_path, zoom):
    path = save_nifti(tmp_path / "a.nii", voxels(), q=0, s=0)
    assert "millimetres" in refusal(patched(path, 80, np.array([zoom], "<f4").tobytes()))
