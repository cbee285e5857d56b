"""Skewed grids and the straight ones they are resampled to."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.files import readers
from app.files.straighten import is_sheared, straight_geometry, straightened
from tests.files.nifti_files import LPS_OF_RAS, SHAPE, only_series, save_nifti, turned_affine, voxels


def test_a_skewed_grid_is_resampled_to_a_straight_one(tmp_path):
    """Columns lean by one row per slice: voxel (i, j, k) lies at y = 2 (j + k)."""
    affine = np.diag([2.0, 2, 2, 1])
    affine[1, 2] = 2
    path = save_nifti(tmp_path / "a.nii", voxels(dtype=np.float32), affine)
    series = only_series(path)
    assert any("skewed" in warning for warning in series.warnings)
    read = readers.read(series)
    assert read.geometry.size == series.size == (5, 6, 3)
    assert read.interpolated.all()
    for i, j, k in [(0, 0, 0), (4, 3, 2), (2, 1, 1)]:
        point = LPS_OF_RAS @ affine @ (i, j, k, 1)
        assert read.value_at(point[:3]) == pytest.approx(float(voxels()[i, j, k]), abs=1e-3)


def test_a_straight_grid_of_a_straight_one_is_itself():
    affine = turned_affine(30, (2, 3, 4))
    assert not is_sheared(affine)
    straight = straight_geometry(Geometry(SHAPE, affine))
    assert straight.size == SHAPE
    np.testing.assert_allclose(straight.affine, affine, atol=1e-9)


def test_a_straight_grid_keeps_the_rows_and_holds_every_corner_of_the_skewed_one():
    affine = np.diag([2.0, 2, 2, 1])
    affine[0, 2] = 1  # each slice half a voxel further
    assert is_sheared(affine)
    skewed = Geometry((4, 3, 5), affine)
    straight = straight_geometry(skewed)
    assert straight.size == (6, 3, 5)  # 4 slices of shift by half a voxel: 2 more columns
    np.testing.assert_allclose(straight.direction, np.eye(3), atol=1e-12)
    corners = skewed.to_lps([[i, j, k] for i in (0, 3) for j in (0, 2) for k in (0, 4)])
    index = straight.to_index(corners)
    assert index.min() >= -1e-9
    assert (index.max(axis=0) <= np.asarray(straight.size) - 1 + 1e-9).all()


def test_padding_stays_padding_when_the_grid_is_straightened():
    affine = np.diag([2.0, 2, 2, 1])
    affine[1, 2] = 2  # each slice one row further
    valid = np.ones((3, 4, 5), bool)
    valid[1, 2, 3] = False
    values, inside, straight = straightened(np.full((3, 4, 5), 7, np.int16), valid, Geometry((5, 4, 3), affine))
    assert straight.size == (5, 6, 3)
    assert not inside[1, 3, 3]  # row 2 of slice 1 lies in row 3 now
    assert inside.sum() == valid.sum()
    assert (values[inside] == 7).all()
