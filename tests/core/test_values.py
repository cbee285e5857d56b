"""Fusion and display windows on volumes whose values are known, and colour split off and put back."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from app.core.geometry import Geometry
from app.core.modalities import MODALITIES
from app.core.values import (
    FusionWindow,
    clipped_percent,
    default_display_window,
    default_fusion_window,
    luma_chroma,
    restore_chroma,
    to_unit,
)
from app.core.volume import Series, Volume


def volume(stored: Any, modality: str, unit: str, *, body_part: str = "", spacing: float = 1.0, **more: Any) -> Volume:
    stored = np.asarray(stored)
    size = stored.shape[::-1]
    in_mm = more.pop("in_mm", True)
    series = Series("1", modality, "", (), size, None, "", unit, "test", body_part=body_part)
    grid = Geometry(size, np.diag([spacing, spacing, spacing, 1]), in_mm=in_mm)
    return Volume(stored, more.pop("slope", 1), more.pop("intercept", 0), grid, modality, unit, series, **more)


def head_like_mr(noise: float, seed: int = 0) -> np.ndarray:
    """A bright ball (1000, with a 400 core) in air with Rician noise."""
    rng = np.random.default_rng(seed)
    k, j, i = np.mgrid[-1:1:48j, -1:1:64j, -1:1:64j]
    radius = np.sqrt(k * k + j * j + i * i)
    signal = np.where(radius < 0.8, 1000, 0) - np.where(radius < 0.3, 600, 0)
    real, imaginary = rng.normal(0, noise, (2, *signal.shape))
    return np.hypot(signal + real, imaginary).astype(np.float32)


def test_the_ct_window_of_a_head_gives_air_and_fat_nothing_and_brain_the_grey_of_the_training_pictures():
    window = default_fusion_window(volume(np.zeros((4, 4, 4), np.int16), "CT", "HU", body_part="HEAD"))
    air, fat, csf, brain, blood, bone = to_unit([-1000, -90, 8, 36, 75, 900], window) * 255
    assert (air, fat, bone) == (0, 0, 255)
    assert 15 < csf < 35
    assert 80 < brain < 130  # modes of the brain in the AANLIB pictures: 80 to 125, one case 165
    assert brain + 80 < blood < 255


@pytest.mark.parametrize(("body_part", "high"), [("", 90), ("BRAIN", 90), ("HEADNECK", 90), ("THIGH", 240)])
def test_only_a_body_part_that_is_stated_and_not_the_head_gets_the_soft_tissue_window(body_part, high):
    ct = volume(np.zeros((4, 4, 4), np.int16), "CT", "HU", body_part=body_part)
    assert default_fusion_window(ct).high == high


def test_the_ct_window_does_not_depend_on_the_display_window():
    ct = volume(np.zeros((4, 4, 4), np.int16), "CT", "HU")
    assert default_fusion_window(ct) == default_fusion_window(replace(ct, window=(500.0, 2000.0)))


def test_air_of_a_noisy_mr_is_zero_and_its_tissue_is_not_lost():
    values = head_like_mr(noise=15)
    mr = volume(values, "MR", "a.u.")
    unit = to_unit(values, default_fusion_window(mr))
    k, j, i = np.mgrid[-1:1:48j, -1:1:64j, -1:1:64j]
    air = np.sqrt(k * k + j * j + i * i) > 0.85
    assert (unit[air] == 0).mean() > 0.998
    assert unit[24, 32, 32] == pytest.approx(0.37, abs=0.06)
    assert unit[24, 32, 50] > 0.9


def test_an_mr_whose_air_was_masked_to_zero_keeps_all_its_tissue():
    values = head_like_mr(noise=15)
    values[values < 100] = 0
    window = default_fusion_window(volume(values, "MR", "a.u."))
    assert window.low == 0
    assert 1000 < window.high < 1060


def test_a_cropped_mr_without_air_starts_at_its_minimum():
    values = np.random.default_rng(0).uniform(300, 1000, (20, 20, 20)).astype(np.float32)
    window = default_fusion_window(volume(values, "MR", "a.u."))
    assert window.low == pytest.approx(300, abs=1)


def test_padding_and_nan_are_not_looked_at():
    values = head_like_mr(noise=15)
    plain = default_fusion_window(volume(values, "MR", "a.u."))
    padded = values.copy()
    valid = np.ones(values.shape, np.bool_)
    padded[:, :3, :3], valid[:, :3, :3] = 60000, False
    padded[0, 20, 20] = np.nan
    window = default_fusion_window(volume(padded, "MR", "a.u.", valid=valid))
    assert window.low == pytest.approx(plain.low, rel=0.1)
    assert window.high == pytest.approx(plain.high, rel=0.02)


def pet_with_lesion(background: float, lesion: float, millilitres: int) -> np.ndarray:
    values = np.full((40, 40, 40), background, np.float32)
    values.reshape(-1)[: 125 * millilitres] = lesion  # 2 mm voxels: 125 to the millilitre
    return values


@pytest.mark.parametrize(
    ("lesion", "millilitres", "high"),
    [(13.2, 1, 14), (2.5, 1, 5), (80, 1, 20), (13.2, 0, 5)],  # rounded up; at least 5; at most 20; no lesion
)
def test_the_pet_window_ends_at_its_hottest_spot_in_whole_suv(lesion, millilitres, high):
    values = pet_with_lesion(2.0, lesion, millilitres)
    assert default_fusion_window(volume(values, "PT", "SUVbw", spacing=2)) == FusionWindow(0, high, "SUVbw")


def test_a_window_in_counts_is_rounded_up_to_two_digits_but_not_beyond_the_data():
    values = pet_with_lesion(400, 1234, 4)
    assert default_fusion_window(volume(values, "NM", "counts", spacing=2)) == FusionWindow(0, 1234, "counts")
    values = pet_with_lesion(400, 1234, 4)
    values[20, 20, 20] = 2000
    assert default_fusion_window(volume(values, "NM", "counts", spacing=2)) == FusionWindow(0, 1300, "counts")


def test_an_inverted_mri_becomes_what_it_is_shown_as():
    """MONOCHROME1: stored 1000 - v is shown as v is, and so it is fused, with the mirrored window."""
    values = head_like_mr(noise=15)
    plain, turned = volume(values, "MR", "a.u."), volume(1000 - values, "MR", "a.u.", inverted=True)
    window, mirrored = default_fusion_window(plain), default_fusion_window(turned)
    assert mirrored.inverted
    assert not window.inverted
    assert (1000 - mirrored.high, 1000 - mirrored.low) == pytest.approx((window.low, window.high), abs=10)
    expected = to_unit(values, window)
    np.testing.assert_allclose(to_unit(1000 - values, mirrored), expected, atol=0.01)
    clipped, reversed_ = clipped_percent(values, window), clipped_percent(1000 - values, mirrored)
    assert reversed_.below == pytest.approx(clipped.below, abs=1)
    assert reversed_.above == pytest.approx(clipped.above, abs=0.5)


@pytest.mark.parametrize("inverted", [False, True])
def test_a_few_voxels_far_below_all_others_do_not_hide_the_air(inverted):
    """Such as 1000 - 1001 in unsigned numbers, which is 65535."""
    values = head_like_mr(noise=15)
    values = 1000 - values if inverted else values
    astray = values.copy()
    astray.reshape(-1)[10_000:10_050] = 65535 if inverted else -32768
    windows = [default_fusion_window(volume(stored, "MR", "a.u.", inverted=inverted)) for stored in (values, astray)]
    assert (windows[1].low, windows[1].high) == pytest.approx((windows[0].low, windows[0].high), abs=20)


def test_an_inverted_window_turns_values_round_and_keeps_no_value_black():
    window = FusionWindow(10, 60, "HU", inverted=True)
    unit = to_unit([-np.inf, -50, 10, 35, 60, 61, np.inf, np.nan], window)
    assert unit.tolist() == pytest.approx([1, 1, 1, 0.5, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("modality", "unit", "inverted"), [("CT", "HU", True), ("PT", "SUVbw", False), ("NM", "counts", False)]
)
def test_uptake_is_never_inverted(modality, unit, inverted):
    values = pet_with_lesion(2.0, 13.2, 1)
    assert default_fusion_window(volume(values, modality, unit, inverted=True)).inverted is inverted


def test_slopes_of_each_slice_count():
    stored = np.full((10, 20, 20), 100, np.int16)
    slopes = np.linspace(0.01, 0.1, 10)  # SUV 1 to 10
    assert default_fusion_window(volume(stored, "PT", "SUVbw", slope=slopes, spacing=4)).high == 10


def test_one_wild_voxel_does_not_set_the_window():
    values = pet_with_lesion(2, 6.5, 1)
    values[20, 20, 20] = 900
    assert default_fusion_window(volume(values, "PT", "SUVbw", spacing=2)).high == 7


@pytest.mark.parametrize("modality", ["MR", "PT", "NM", ""])
@pytest.mark.parametrize("value", [0, -5, 7])
def test_a_constant_volume_still_gets_a_window(modality, value):
    window = default_fusion_window(volume(np.full((5, 5, 5), value, np.int16), modality, "unknown"))
    assert window.high > window.low


def test_a_volume_without_any_valid_voxel_still_gets_a_window():
    empty = volume(np.full((5, 5, 5), np.nan, np.float32), "MR", "a.u.")
    assert default_fusion_window(empty) == FusionWindow(0, 1, "a.u.")


@pytest.mark.parametrize(("kind", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_a_picture_is_taken_as_it_is(kind, white):
    picture = volume(np.full((1, 9, 9), 80, kind), "", "unknown", in_mm=False)
    assert default_fusion_window(picture) == FusionWindow(0, white, "unknown")
    assert default_display_window(picture) == (white / 2, white)


def test_unit_values_are_exact_at_the_ends_and_nan_and_infinities_are_safe():
    unit = to_unit([-np.inf, -50, 10, 35, 60, 61, np.inf, np.nan], FusionWindow(10, 60, "HU"))
    assert unit.dtype == np.float32
    np.testing.assert_array_equal(unit, np.float32([0, 0, 0, 0.5, 1, 1, 1, 0]))


def test_to_unit_leaves_its_input_alone():
    values = np.float32([1, np.nan, 3])
    to_unit(values, FusionWindow(0, 2, "SUVbw"))
    np.testing.assert_array_equal(values, np.float32([1, np.nan, 3]))


def test_clipping_is_counted_inside_only_and_strictly_beyond_the_window():
    values = np.array([-1, 0, 5, 10, 11, 12, 99, 99])
    inside = np.array([1, 1, 1, 1, 1, 1, 0, 0], np.bool_)
    window = FusionWindow(0, 10, "SUVbw")
    assert clipped_percent(values, window, inside) == pytest.approx((100 / 6, 200 / 6))
    assert clipped_percent(values, window, np.zeros(8, np.bool_)) == (0, 0)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (0, np.nan), (-np.inf, 1)])
def test_an_impossible_window_is_refused(low, high):
    with pytest.raises(ValueError, match="not a window"):
        FusionWindow(low, high, "HU")


def brain(grey: float, lesion: float, *, litres: float = 1.2, side: int = 64, spacing: float = 3.0) -> np.ndarray:
    """A ball in air, half grey matter and half white at 0.6 of it, with a lesion of 1 mL in the middle."""
    k, j, i = (np.mgrid[:side, :side, :side] - (side - 1) / 2) * spacing
    radius = np.sqrt(k * k + j * j + i * i)
    values = np.where(radius < (3e6 * litres / (4 * np.pi)) ** (1 / 3), np.where(i > 0, grey, 0.6 * grey), 0.0)
    values[radius < 6.2] = lesion
    return values.astype(np.float32)


def test_grey_matter_is_not_the_top_of_a_brains_window():
    # 7 / 0.7 is 10 SUV; a lesion that is hotter than that ends the window as before
    assert default_fusion_window(volume(brain(7, 7), "PT", "SUVbw", spacing=3)).high == 10
    assert default_fusion_window(volume(brain(7, 9), "PT", "SUVbw", spacing=3)).high == 10
    assert default_fusion_window(volume(brain(7, 12.5), "PT", "SUVbw", spacing=3)).high == 13
    assert default_fusion_window(volume(brain(7, 7), "PT", "SUVbw", spacing=3, body_part="BRAIN")).high == 10
    assert default_fusion_window(volume(brain(200, 200), "NM", "counts", spacing=3)).high == 290
    assert default_fusion_window(volume(brain(18, 18), "PT", "SUVbw", spacing=3)).high == 20  # the limit of any SUV


@pytest.mark.parametrize(
    ("values", "spacing", "body_part"),
    [
        (brain(7, 7), 3.0, "CHEST"),  # the header says otherwise
        (brain(7, 7, litres=0.5), 3.0, ""),  # too little for a brain
        (brain(7, 7, litres=3.5), 3.0, ""),  # too much
        (brain(7, 7, side=128), 3.0, ""),  # a body as long as 384 mm
    ],
)
def test_what_is_no_brain_has_its_hottest_at_the_top(values, spacing, body_part):
    assert default_fusion_window(volume(values, "PT", "SUVbw", spacing=spacing, body_part=body_part)).high == 7


def test_uptake_has_one_scale_in_its_pane_and_in_the_fusion():
    for top, unit, modality in ((17.2, "SUVbw", "PT"), (6.5, "SUVbw", "PT"), (1234, "counts", "NM")):
        shown = volume(pet_with_lesion(2, top, 4), modality, unit, spacing=2, window=(900.0, 1800.0))
        window = default_fusion_window(shown)
        assert default_display_window(shown) == (window.high / 2, window.high)


def test_display_windows_header_first_then_presets():
    ct = volume(np.linspace(-1000, 1500, 1000).reshape(10, 10, 10), "CT", "HU")
    assert default_display_window(ct) == (40, 80)
    assert default_display_window(replace(ct, window=(50.0, 350.0))) == (50, 350)
    assert default_display_window(replace(ct, window=(9000.0, 10.0))) == (40, 80)  # shows nothing of the data
    assert default_display_window(replace(ct, window=(40.0, 0.0))) == (40, 80)
    pet = volume(pet_with_lesion(2, 6.5, 4), "PT", "SUVbw", spacing=2)
    assert default_display_window(replace(pet, window=(900.0, 1800.0))) == (3.5, 7)


def test_the_presets_are_those_readers_know():
    known = {"Soft tissue": (400, 40), "Lung": (1500, -600), "Bone": (2500, 480), "Brain": (80, 40), "Liver": (150, 90)}
    assert {preset.name: (preset.width, preset.centre) for preset in MODALITIES["CT"].presets} == known


def test_luma_and_chroma_are_bt601_full_range():
    rgb = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [90, 90, 90]], np.uint8)
    luma, chroma = luma_chroma(rgb)
    np.testing.assert_allclose(luma, [0.299, 0.587, 0.114, 1, 90 / 255], atol=1e-6)
    np.testing.assert_allclose(chroma[0], [-0.168736, 0.5], atol=1e-6)  # JFIF 1.02, the row of red in Cb and Cr
    np.testing.assert_allclose(chroma[3:], 0, atol=1e-6)


def test_every_colour_survives_the_way_there_and_back():
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    np.testing.assert_array_equal(restore_chroma(*luma_chroma(rgb)), rgb)


def test_restored_colour_is_clipped_not_wrapped():
    luma, chroma = luma_chroma(np.array([[255, 0, 0]], np.uint8))
    np.testing.assert_array_equal(restore_chroma(luma * 3, chroma), [[255, 152, 152]])


def test_a_large_volume_is_not_looked_at_as_a_whole():
    mr = volume(np.random.default_rng(0).integers(0, 900, (256, 256, 256)).astype(np.int16), "MR", "a.u.")
    tracemalloc.start()
    try:
        first = default_fusion_window(mr)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * mr.stored.size  # bytes: what its values alone would take, as float32
    assert default_fusion_window(mr) == first


@pytest.mark.data
@pytest.mark.parametrize("path", ["aanlib-ct-case34/mri", "aanlib-pet-case41/mri", "aanlib-spect-case10/mri"])
def test_mr_pictures_of_the_training_data_keep_their_grey_levels(path):
    file = Path(os.environ["SYNOPTIC_DATA"]) / "volumes" / f"{path}.nii.gz"
    stored = np.asarray(nibabel.load(file).dataobj).T
    window = default_fusion_window(volume(stored, "MR", "a.u."))
    assert window.low <= 12
    assert 180 <= window.high <= 255


@pytest.mark.data
@pytest.mark.parametrize("path", ["aanlib-pet-case41/pet", "aanlib-spect-case10/spect"])
def test_pet_and_spect_of_the_training_data_keep_their_grey_levels(path):
    file = Path(os.environ["SYNOPTIC_DATA"]) / "volumes" / f"{path}.nii.gz"
    stored = np.asarray(nibabel.load(file).dataobj).T
    window = default_fusion_window(volume(stored, "NM", "counts", spacing=1.26))
    assert window.low == 0
    assert 190 <= window.high <= 260
