"""What NIfTI, NRRD and MetaImage share: volumes of one file, packed data, numbers that are none."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from app.base.errors import AppError
from app.files import readers
from tests.files.nifti_files import SHAPE, only_series, patched, refusal, save_nifti, voxels


def test_each_volume_of_a_4d_file_can_be_chosen(tmp_path):
    data = voxels((*SHAPE, 3))
    all_series = readers.scan([save_nifti(tmp_path / "bold.nii.gz", data)]).series
    assert [series.uid.split("#")[1] for series in all_series] == ["1", "2", "3"]
    assert "volume 2" in all_series[1].warnings[0]
    np.testing.assert_array_equal(readers.read(all_series[1]).stored, data[..., 1].transpose(2, 1, 0))


def test_nan_and_infinity_are_left_out_and_told(tmp_path):
    data = voxels(dtype=np.float32)
    data[0, 0, 0], data[1, 1, 1] = np.nan, np.inf
    read = readers.read(only_series(save_nifti(tmp_path / "a.nii", data)))
    assert read.valid is not None
    np.testing.assert_array_equal(read.valid, np.isfinite(data).transpose(2, 1, 0))
    assert np.isfinite(read.values()).all()
    assert any("2 voxels" in warning for warning in read.series.warnings)


def test_a_plain_file_with_a_gz_name_is_read_and_so_is_block_gzip(tmp_path):
    raw = save_nifti(tmp_path / "a.nii", voxels()).read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(raw)
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(raw[:400]) + gzip.compress(raw[400:]))
    for name in ("b.nii.gz", "c.nii.gz"):
        np.testing.assert_array_equal(readers.read(only_series(tmp_path / name)).stored, voxels().transpose(2, 1, 0))


def test_a_gzip_that_asks_for_more_than_it_can_hold_is_refused(tmp_path):
    raw = patched(
        save_nifti(tmp_path / "a.nii", voxels()), 40, np.array([3, 2000, 2000, 2000], "<i2").tobytes()
    ).read_bytes()
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(raw))
    assert "more than" in refusal(tmp_path / "bomb.nii.gz")


def test_a_cut_gzip_is_told_when_it_is_read(tmp_path):
    rng = np.random.default_rng(0)
    path = save_nifti(tmp_path / "a.nii.gz", rng.integers(0, 30000, (40, 40, 40)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-30000])
    series = only_series(path)
    with pytest.raises(AppError, match=r"a\.nii\.gz: its data are cut short"):
        readers.read(series)
