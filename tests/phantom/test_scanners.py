"""Four scanners see the digital head: each at its tissue values, with its own pose, resolution and noise."""

from __future__ import annotations

import numpy as np
import pytest

from app.base.progress import Cancelled, silent
from app.core.geometry import transform_points
from app.phantom.head import LANDMARKS_MM, LESION_MM
from app.phantom.scanners import (
    CT_VALUES,
    MR_VALUES,
    NAMES,
    PET_VALUES,
    SPECT_VALUES,
    SUV_PER_BQML,
    acquire,
    mean_near,
    poses,
)
from app.phantom.shapes import Tissue
from tests.phantoms import scanned


def test_partners_lie_within_twenty_millimetres_and_fifteen_degrees():
    for seed in range(20):
        from_head = poses(seed)
        centre = transform_points(from_head["mr"], (0, 0, 0))
        for name in ("ct", "pet", "spect"):
            moved = from_head[name] @ np.linalg.inv(from_head["mr"])
            rotation = moved[:3, :3]
            np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
            assert np.linalg.det(rotation) == pytest.approx(1)
            assert 3.9 < np.rad2deg(np.arccos((np.trace(rotation) - 1) / 2)) < 12.1
            assert 7.9 < np.linalg.norm(transform_points(moved, centre) - centre) < 18.1


@pytest.mark.parametrize(
    ("name", "values", "place", "tissue", "tolerance"),
    [
        ("ct", CT_VALUES, "left thalamus", Tissue.THALAMUS, 2),
        ("ct", CT_VALUES, "left putamen", Tissue.STRIATUM, 2),
        ("ct", CT_VALUES, "left white matter", Tissue.WHITE, 2),
        ("ct", CT_VALUES, "left eye", Tissue.VITREOUS, 2),
        ("pet", PET_VALUES, "left thalamus", Tissue.THALAMUS, 1),
        ("pet", PET_VALUES, "left putamen", Tissue.STRIATUM, 1.5),
        ("pet", PET_VALUES, "left white matter", Tissue.WHITE, 0.6),
        ("pet", PET_VALUES, "right eye", Tissue.VITREOUS, 0.3),
        ("spect", SPECT_VALUES, "right thalamus", Tissue.THALAMUS, 60),  # 9.5 mm of blur
    ],
)
def test_a_scanner_measures_the_tissue_values(name, values, place, tissue, tolerance):
    factor = SUV_PER_BQML if name == "pet" else 1
    assert factor * mean_near(scanned(name), LANDMARKS_MM[place], 4) == pytest.approx(values[tissue], abs=tolerance)


def test_the_lesion_is_hot_in_pet_and_spect_faint_in_mr_and_not_there_in_ct():
    def against_white(name: str) -> float:
        return mean_near(scanned(name), LESION_MM, 4) / mean_near(scanned(name), LANDMARKS_MM["left white matter"], 4)

    assert against_white("pet") > 4
    assert against_white("spect") > 3
    assert 0.75 < against_white("mr") < 0.92
    assert mean_near(scanned("ct"), LESION_MM, 4) == pytest.approx(CT_VALUES[Tissue.WHITE], abs=2)


def test_mr_noise_is_rician_in_air_and_mr_skull_is_dark():
    corner = scanned("mr").stored[-8:, :12, :12]
    assert corner.mean() / corner.std() == pytest.approx(1.91, abs=0.1)  # sqrt(pi / (4 - pi)), of the Rayleigh law
    assert MR_VALUES[Tissue.CORTICAL_BONE] < MR_VALUES[Tissue.CSF] < MR_VALUES[Tissue.GREY] < MR_VALUES[Tissue.WHITE]


@pytest.mark.parametrize("name", NAMES)
def test_every_seed_gives_the_same_scan_again_and_another_seed_another(name):
    again = acquire(name, seed=0, small=True, progress=silent)
    np.testing.assert_array_equal(again.stored, scanned(name).stored)
    assert not np.array_equal(acquire(name, seed=1, small=True, progress=silent).stored, again.stored)


def test_cancelling_stops_the_scan():
    def cancel(fraction: float, message: str = "") -> None:
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        acquire("ct", seed=0, small=True, progress=cancel)
