"""Windows by number: those of the modality, never SUV numbers on counts nor HU numbers on anything else."""

from __future__ import annotations

import numpy as np

from app.view.presets import by_key, presets
from tests.scenes import volume

VOXELS = np.zeros((2, 4, 4), np.int16)


def test_ct_has_the_five_usual_windows_after_its_default():
    windows = [one.window for one in presets(volume(VOXELS, modality="CT", unit="HU"))]
    assert windows == [None, (40, 400), (-600, 1500), (480, 2500), (40, 80), (90, 150)]


def test_pet_in_suv_has_the_four_usual_windows():
    windows = [one.window for one in presets(volume(VOXELS, modality="PT", unit="SUVbw"))]
    assert windows == [None, (2.5, 5), (3.5, 7), (5, 10), (7.5, 15)]


def test_a_pet_without_suv_has_only_its_default_and_its_header_s_window():
    listed = presets(volume(VOXELS, modality="PT", unit="Bq/mL", window=(1000.0, 2000.0)))
    assert [(one.key, one.window) for one in listed] == [("0", None), ("1", (1000, 2000))]


def test_a_key_without_a_preset_finds_nothing():
    mr = volume(VOXELS)
    assert by_key(mr, "0").window is None
    assert by_key(mr, "1") is None
    assert by_key(None, "0") is None
