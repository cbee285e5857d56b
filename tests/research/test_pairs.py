"""Folders of pairs, the scalar behind a colour table, and crops that depend on seed and step alone."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.research.pairs import (
    Augmentation,
    ColourTableError,
    Pair,
    PairFolderError,
    batch_at,
    colour_table,
    read_pairs,
    scalar_of,
    thinned,
    varied,
)

PLAIN = Augmentation(gamma=0, window=0, scalar=0)


def cut(augmentation: Augmentation, crop: int = 16):
    return partial(varied, augmentation=augmentation, crop=crop)


def rainbow() -> np.ndarray:
    """Black, blue, green, yellow, red: 128 entries in steps like those of the PET pictures; luma is not monotonic."""
    corners = np.array([[0, 0, 0], [0, 0, 128], [0, 85, 255], [247, 249, 7], [255, 0, 0]])
    counts = (16, 16, 32, 63)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(corners[:-1], corners[1:], counts, strict=True)]
    return np.rint(np.concatenate([*parts, corners[-1:]])).astype(np.uint8)


def test_a_colour_table_is_found_in_its_order():
    table = rainbow()
    shuffled = np.random.default_rng(0).permutation(np.repeat(table, 3, axis=0))
    np.testing.assert_array_equal(colour_table([shuffled.reshape(-1, 4, 3)]), table)


def test_a_colour_that_the_path_passes_over_is_put_back_where_it_belongs():
    corner = [[239, 244, 15], [247, 249, 7], [255, 255, 0], [255, 247, 0], [255, 239, 0]]  # as in the PET pictures
    up = [[8 * i, 5 + 8 * i, 15] for i in range(29)]
    down = [[255, 231 - 8 * i, 0] for i in range(29)]
    table = np.array([*up, *corner, *down], np.uint8)
    np.testing.assert_array_equal(colour_table([table[None]]), table)


def test_the_scalar_is_the_place_in_the_table():
    table = rainbow()
    place = np.random.default_rng(1).integers(0, len(table), (20, 30))
    np.testing.assert_array_equal(scalar_of(table[place], table), np.rint(place * 255 / 127))


def test_colours_with_a_hole_between_them_are_no_table():
    with pytest.raises(ColourTableError, match=r"\[15, 0, 0\] and \[200, 0, 0\]"):
        colour_table([np.array([[[0, 0, 0], [15, 0, 0], [200, 0, 0]]], np.uint8)])


def test_interpolated_colours_are_no_table():
    with pytest.raises(ColourTableError, match="different colours"):
        colour_table([np.random.default_rng(2).integers(0, 256, (64, 64, 3)).astype(np.uint8)])


def test_a_colour_the_table_lacks_is_refused():
    with pytest.raises(ColourTableError, match="lacks"):
        scalar_of(np.full((2, 2, 3), 99, np.uint8), rainbow())


def write(folder: Path, task: str, modality: str, name: str, picture: np.ndarray) -> None:
    target = folder / task / "train" / modality
    target.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(target / f"{name}.png")


def test_pairs_are_read_as_luma_and_as_scalar(tmp_path):
    table = rainbow()
    place = np.arange(128).repeat(4).reshape(16, 32)
    grey = np.arange(512, dtype=np.uint16).reshape(16, 32).astype(np.uint8)
    write(tmp_path, "pet-mri", "mri", "1001", grey)
    write(tmp_path, "pet-mri", "pet", "1001", table[place])
    write(tmp_path, "ct-mri", "mri", "2001", grey)
    write(tmp_path, "ct-mri", "ct", "2001", grey[::-1])
    ct, pet = read_pairs(tmp_path, "train", ("ct-mri", "pet-mri"))
    assert (ct.task, ct.name, ct.scalar) == ("ct-mri", "2001", None)
    np.testing.assert_array_equal(ct.luma, grey[::-1])
    np.testing.assert_array_equal(pet.luma, np.rint(table[place] @ (0.299, 0.587, 0.114)))
    np.testing.assert_array_equal(pet.scalar, np.rint(place * 255 / 127))


def test_colours_that_form_no_table_are_no_matter_where_luma_is_asked_for(tmp_path):
    colours = np.random.default_rng(2).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    write(tmp_path, "pet-mri", "mri", "1001", colours[..., 0])
    write(tmp_path, "pet-mri", "pet", "1001", colours)
    with pytest.raises(ColourTableError):
        read_pairs(tmp_path, "train", ("pet-mri",))
    (pet,) = read_pairs(tmp_path, "train", ("pet-mri",), scalars=False)
    assert pet.scalar is None
    assert np.abs(pet.luma - colours @ (0.299, 0.587, 0.114)).max() <= 0.5 + 1e-9


def test_a_picture_without_its_partner_is_named(tmp_path):
    write(tmp_path, "ct-mri", "mri", "2001", np.zeros((8, 8), np.uint8))
    with pytest.raises(PairFolderError, match=r"2001\.png"):
        read_pairs(tmp_path, "train", ("ct-mri",))


def test_pictures_of_two_sizes_are_no_pair(tmp_path):
    write(tmp_path, "ct-mri", "mri", "2001", np.zeros((8, 8), np.uint8))
    write(tmp_path, "ct-mri", "ct", "2001", np.zeros((8, 9), np.uint8))
    with pytest.raises(PairFolderError, match="two sizes"):
        read_pairs(tmp_path, "train", ("ct-mri",))


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(PairFolderError, match="no pair"):
        read_pairs(tmp_path, "val")
    with pytest.raises(PairFolderError, match="is not a folder") as told:
        read_pairs(tmp_path / "missing", "val")
    assert "<folder>/<modality>" not in told.value.hint  # that is for evaluate alone


def test_a_task_that_was_asked_for_must_be_there(tmp_path):
    for modality in ("mri", "ct"):
        write(tmp_path, "ct-mri", modality, "2001", np.zeros((8, 8), np.uint8))
    with pytest.raises(PairFolderError, match="no pair of pet-mri for 'train'"):
        read_pairs(tmp_path, "train", ("ct-mri", "pet-mri"))
    assert [pair.task for pair in read_pairs(tmp_path, "train")] == ["ct-mri"]


def test_thinned_pairs_are_evenly_spaced_within_each_task():
    none = np.zeros((1, 1), np.uint8)
    pairs = [Pair(task, str(number), none, none) for task in ("ct-mri", "pet-mri") for number in range(7)][:9]
    found = [(pair.task[:2], pair.name) for pair in thinned(pairs, 3)]
    assert found == [("ct", "0"), ("ct", "2"), ("ct", "4"), ("pe", "0"), ("pe", "1")]
    assert thinned(pairs, 0) == pairs
    assert thinned([], 3) == []


def numbered(size: int = 40) -> Pair:
    """Every pixel its own value, and the partner one more, so that a crop shows where it came from."""
    mri = (1 + np.arange(size * size) % 200).reshape(size, size).astype(np.uint8)
    return Pair("pet-mri", "1", mri, mri + 1, mri + 2)


def test_batches_depend_on_seed_and_step_alone():
    def batch(seed: int, step: int):
        return batch_at([numbered()], step, seed=seed, batch=4, cut=cut(Augmentation()))

    for one, again in zip(batch(1, 7), batch(1, 7), strict=True):
        assert one.shape == (4, 1, 16, 16)
        assert one.equal(again)
    assert not batch(1, 7)[0].equal(batch(1, 8)[0])
    assert not batch(1, 7)[0].equal(batch(2, 7)[0])


def test_flips_and_turns_keep_a_pair_together():
    for step in range(10):
        mri, partner = batch_at([numbered()], step, seed=0, batch=4, cut=cut(PLAIN))
        np.testing.assert_allclose((partner - mri).numpy() * 255, 1, atol=1e-4)


def test_the_scalar_is_taken_as_often_as_asked():
    always = Augmentation(gamma=0, window=0, scalar=1)
    mri, partner = batch_at([numbered()], 0, seed=0, batch=8, cut=cut(always))
    np.testing.assert_allclose((partner - mri).numpy() * 255, 2, atol=1e-4)


def test_augmentation_leaves_zero_at_zero_and_stays_within_range():
    pair = numbered()
    pair.mri[::3], pair.luma[::4] = 0, 0
    strong = Augmentation(gamma=0.5, window=0.5, scalar=0)
    zeros = []
    for step in range(20):
        mri, partner = batch_at([pair], step, seed=0, batch=2, cut=cut(strong, 36))
        assert 0 <= float(mri.min()) <= float(mri.max()) <= 1
        zeros += [float((mri == 0).float().mean()), float((partner == 0).float().mean())]
    assert np.mean(zeros[::2]) == pytest.approx(1 / 3, abs=0.04)
    assert np.mean(zeros[1::2]) == pytest.approx(1 / 4, abs=0.04)


def test_one_source_in_so_many_pairs_is_darkened_to_at_most_half():
    factors = []
    for step in range(60):
        dimmed = Augmentation(gamma=0, window=0, scalar=0, dim=0.5)
        mri, partner = batch_at([numbered()], step, seed=0, batch=1, cut=cut(dimmed))
        whole = batch_at([numbered()], step, seed=0, batch=1, cut=cut(PLAIN))
        factors.append([float((dark / full).mean()) for dark, full in zip((mri, partner), whole, strict=True)])
    dark = np.array(factors) < 0.999
    assert (dark.sum(axis=1) <= 1).all()
    assert 20 <= dark.sum() <= 40
    assert 8 <= dark[:, 0].sum() <= dark.sum() - 8
    assert np.array(factors)[dark].max() <= 0.5
    assert np.array(factors)[dark].min() < 0.1
    np.testing.assert_allclose(np.array(factors)[~dark], 1, atol=1e-6)


def test_a_task_that_is_asked_for_twice_is_drawn_twice_as_often():
    pairs = [replace(numbered(), task="ct-mri"), numbered()]
    pairs[1].mri[:], pairs[1].luma[:] = 255, 255
    asked = {"batch": 300, "cut": cut(PLAIN), "seed": 2}
    share = [
        float((batch_at(pairs, 0, tasks=tasks, **asked)[0].amin((1, 2, 3)) == 1).float().mean())
        for tasks in ((), ("ct-mri", "pet-mri"), ("ct-mri", "ct-mri", "pet-mri", "spect-mri"))
    ]
    assert share[0] == share[1] == pytest.approx(1 / 2, abs=0.08)
    assert share[2] == pytest.approx(1 / 3, abs=0.08)


def test_pictures_smaller_than_the_crop_are_filled_with_air():
    mri, _ = batch_at([numbered(10)], 0, seed=0, batch=1, cut=cut(PLAIN))
    assert int((mri > 0).sum()) == 100


@pytest.mark.data
def test_the_real_pairs_have_the_tables_their_manifest_tells_of():
    folder = Path(os.environ["SYNOPTIC_DATA"]) / "pairs"
    for task, entries in (("pet", 128), ("spect", 156)):
        rgb = [np.asarray(Image.open(path)) for path in sorted((folder / f"{task}-mri/train/{task}").glob("*.png"))]
        table = colour_table(rgb).astype(int)
        assert len(table) == entries
        assert np.abs(np.diff(table, axis=0)).sum(axis=1).max() <= 22
        scalar = [scalar_of(one, table.astype(np.uint8)) for one in rgb[:20]]
        rough = [np.abs(np.diff(one.astype(int), axis=1)).mean() for one in scalar]
        luma = [np.abs(np.diff(one @ (0.299, 0.587, 0.114), axis=1)).mean() for one in rgb[:20]]
        assert np.mean(rough) < np.mean(luma)  # uptake is smooth; a wrong order of the colours would not be
