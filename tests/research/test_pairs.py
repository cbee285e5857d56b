"""Folders of pairs: what is read, what is refused, and how many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.research.colour_table import ColourTableError
from app.research.pairs import Pair, PairFolderError, read_pairs, thinned
from tests.research.test_colour_table import rainbow


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
