"""The digital head: its tissues lie where they should, and every scanner sees them at their values."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.geometry import transform_points
from app.core.values import default_fusion_window, to_unit
from app.phantom.head import LANDMARKS_MM, LESION_MM, LESION_RADIUS_MM, MARKER_MM, paint_head
from app.phantom.scanners import (
    MR_VALUES,
)
from app.phantom.shapes import Tissue
from tests.phantoms import head_volume, scanned

IDENTITY = {tissue: float(index) for index, tissue in enumerate(Tissue)}


def tissue_at(*points_mm: tuple[float, float, float]) -> list[Tissue]:
    x, y, z = np.array(points_mm, np.float32).T
    painted = paint_head(x, y, z, IDENTITY, 1e-5)
    return [[*Tissue][round(float(value))] for value in painted]


@pytest.mark.parametrize(
    ("point_mm", "tissue"),
    [
        ((0, 0, 120), Tissue.AIR),
        (LESION_MM, Tissue.LESION),
        (MARKER_MM, Tissue.MARKER),
        (LANDMARKS_MM["left thalamus"], Tissue.THALAMUS),
        (LANDMARKS_MM["right thalamus"], Tissue.THALAMUS),
        (LANDMARKS_MM["left putamen"], Tissue.STRIATUM),
        (LANDMARKS_MM["left eye"], Tissue.VITREOUS),
        (LANDMARKS_MM["right eye"], Tissue.VITREOUS),
        (LANDMARKS_MM["left white matter"], Tissue.WHITE),
        (LANDMARKS_MM["left atrium"], Tissue.CSF),
        ((0, 13, -26), Tissue.BRAINSTEM),
        ((29, -62, -56), Tissue.AIR),  # left maxillary sinus, above its fluid
        ((29, -48, -54), Tissue.MUCOSA),  # the fluid
        ((-29, -48, -54), Tissue.AIR),  # none on the right
    ],
)
def test_tissues_lie_where_they_should(point_mm, tissue):
    assert tissue_at(point_mm) == [tissue]


@pytest.mark.parametrize(
    "direction", [(0.2, 0, 1), (0.9, 0.1, 0.42), (0, 0.95, 0.3), (-0.7, 0, 0.7), (-0.5, -0.7, 0.5)]
)
def test_from_outside_inwards_come_skin_fat_two_tables_with_marrow_and_the_brain(direction):
    ray = np.arange(125, 40, -0.1)[:, None] * np.array(direction) / np.linalg.norm(direction)
    order: list[Tissue] = []
    for tissue in tissue_at(*map(tuple, ray)):
        if tissue not in (Tissue.MUSCLE, *order[-1:]):
            order.append(tissue)
    bone = Tissue.CORTICAL_BONE
    expected = [Tissue.AIR, Tissue.SKIN, Tissue.FAT, bone, Tissue.DIPLOE, bone, Tissue.DURA, Tissue.CSF, Tissue.GREY]
    assert order[: len(expected)] == expected


def test_the_head_is_not_symmetric():
    grid = np.mgrid[1:80:4, -80:90:4, -30:70:4].reshape(3, -1).astype(np.float32)
    left = paint_head(*grid, MR_VALUES, 1)
    right = paint_head(-grid[0], grid[1], grid[2], MR_VALUES, 1)
    assert np.mean(np.abs(left - right) > 100) > 0.2


def test_a_voxel_half_in_a_tissue_has_half_its_value():
    x, y, z = (np.full(1, c, np.float32) for c in LESION_MM)
    values = IDENTITY | {Tissue.LESION: 200.0, Tissue.WHITE: 100.0}
    assert paint_head(x + LESION_RADIUS_MM, y, z, values, 1.0) == pytest.approx(150, abs=1)
    assert paint_head(x + LESION_RADIUS_MM - 0.25, y, z, values, 1.0) == pytest.approx(175, abs=1)


def test_the_brain_has_an_adults_size():
    step = 3.0
    grid = np.mgrid[-90:90:step, -100:110:step, -70:90:step].reshape(3, -1).astype(np.float32)
    brain = (Tissue.GREY, Tissue.WHITE, Tissue.CEREBELLUM, Tissue.STRIATUM, Tissue.THALAMUS, Tissue.LESION)
    painted = np.rint(paint_head(*grid, IDENTITY, 1e-5))
    counts = {tissue: int(np.sum(painted == IDENTITY[tissue])) * step**3 / 1000 for tissue in brain}
    assert 1000 < sum(counts.values()) < 1500  # millilitres
    assert 0.8 < counts[Tissue.GREY] / counts[Tissue.WHITE] < 2
    assert counts[Tissue.LESION] == pytest.approx(4 / 3 * np.pi * LESION_RADIUS_MM**3 / 1000, rel=0.1)


def test_the_default_windows_show_the_head_as_the_networks_know_it():
    mr = head_volume("mr")
    unit = to_unit(mr.values(), default_fusion_window(mr))
    assert np.mean(unit[-6:, :10, :10] == 0) > 0.99  # air
    ct = head_volume("ct")
    unit = to_unit(ct.values(), default_fusion_window(ct))
    k, j, i = np.rint(ct.geometry.to_index(transform_points(scanned("ct").from_head, LANDMARKS_MM["left thalamus"])))[
        ::-1
    ].astype(int)
    assert 0.3 < unit[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2].mean() < 0.5
