"""The demo study on disk: read back with pydicom and nibabel by the standard's own formulas, against its truth."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import nibabel
import numpy as np
import pytest

from app.base.errors import AppError
from app.base.progress import Cancelled
from app.phantom.study import write_demo
from tests.phantom.demo_files import SERIES, dicom_volume, mean_within


def test_the_folders_hold_what_was_promised(study, truth):
    assert sorted(path.name for path in (study / "dicom").iterdir()) == ["ct", "mr-t1", "pet", "spect"]
    assert sorted(path.name for path in (study / "nifti").iterdir()) == [
        "ct.nii.gz",
        "mr.nii.gz",
        "pet.nii.gz",
        "spect.nii.gz",
    ]
    for name, folder in SERIES.items():
        files = len([*(study / "dicom" / folder).iterdir()])
        assert files == (1 if name == "spect" else truth["series"][name]["size"][2])


@pytest.mark.parametrize("name", SERIES)
def test_nifti_and_dicom_agree_in_geometry_and_values(study, truth, name):
    values, affine = dicom_volume(study, name)
    image = nibabel.load(study / "nifti" / f"{name}.nii.gz")
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ affine, image.affine, atol=2e-4)  # LPS to RAS
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=2e-4)
    np.testing.assert_allclose(values, image.get_fdata().T, rtol=1e-6)
    np.testing.assert_allclose(affine, truth["series"][name]["index_to_lps_mm"], atol=1e-4)
    assert list(image.shape) == truth["series"][name]["size"]
    assert image.header.get_xyzt_units()[0] == "mm"


def test_tissues_have_their_hounsfield_units(study, truth):
    values, affine = dicom_volume(study, "ct")
    expected = truth["tissue_values"]["ct"]["before_blur_and_noise"]
    for place, tissue in (("left thalamus", "thalamus"), ("left putamen", "striatum"), ("left eye", "vitreous")):
        value = mean_within(values, affine, truth["landmarks_lps_mm"][place]["ct"])
        assert value == pytest.approx(expected[tissue], abs=2)
    assert values.min() == pytest.approx(-1000, abs=25)
    assert 1100 < values.max() < 1500


@pytest.mark.parametrize("name", ["pet", "spect"])
def test_the_hot_spot_lies_at_the_lesion(study, truth, name):
    values, affine = dicom_volume(study, name)
    k, j, i = np.indices(values.shape)
    place = np.stack([i, j, k], -1) @ affine[:3, :3].T + affine[:3, 3]
    lesion = np.array(truth["lesion"]["position_lps_mm"][name])
    near = np.linalg.norm(place - lesion, axis=-1) < 25
    weight = np.where(near & (values > 0.75 * values[near].max()), values, 0)
    centroid = (place * weight[..., None]).reshape(-1, 3).sum(0) / weight.sum()
    assert np.linalg.norm(centroid - lesion) < 3


@pytest.mark.parametrize("name", ["ct", "pet", "spect"])
def test_the_transforms_take_every_landmark_from_the_mr_to_the_partner(truth, name):
    matrix = np.array(truth["fixed_to_moving"][name])
    places = [truth["lesion"]["position_lps_mm"], *truth["landmarks_lps_mm"].values()]
    for place in places:
        np.testing.assert_allclose((matrix @ [*place["mr"], 1])[:3], place[name], atol=1e-4)


def test_the_lesion_is_on_the_patients_right(truth):
    assert truth["lesion"]["position_lps_mm"]["mr"][0] < -25  # LPS: x grows to the left
    assert truth["marker"]["position_lps_mm"]["mr"][0] > 70


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(study, tmp_path):
    write_demo(tmp_path / "again", small=True)
    assert digests(tmp_path / "again") == digests(study)


def test_what_is_returned_is_what_truth_json_says(study, truth, tmp_path):
    other = write_demo(tmp_path / "other", small=True, seed=3)
    assert other == json.loads((tmp_path / "other" / "truth.json").read_text(encoding="utf-8"))
    assert other["fixed_to_moving"] != truth["fixed_to_moving"]


def test_progress_grows_to_one_and_an_empty_folder_is_used(tmp_path):
    fractions: list[float] = []
    (tmp_path / "empty").mkdir()
    write_demo(tmp_path / "empty", small=True, progress=lambda fraction, message="": fractions.append(fraction))
    assert fractions[-1] == 1
    assert all(a <= b + 1e-9 for a, b in pairwise(fractions))
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize("stop_at", [0.0, 0.4, 0.98])
def test_cancelled_it_leaves_nothing_behind(tmp_path, stop_at):
    def cancel(fraction: float, message: str = "") -> None:
        if fraction >= stop_at:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_demo(tmp_path / "study", small=True, progress=cancel)
    assert [*tmp_path.iterdir()] == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AppError, match="not an empty folder") as caught:
        write_demo(tmp_path, small=True)
    assert "empty" in caught.value.hint
    with pytest.raises(AppError, match="not an empty folder"):
        write_demo(tmp_path / "notes.txt", small=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_disk_that_refuses_is_told_in_a_sentence_and_nothing_is_left(tmp_path, monkeypatch):
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.phantom.study.write_nifti", full)
    with pytest.raises(AppError, match="No space left on device"):
        write_demo(tmp_path / "study", small=True)
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_cannot_hold_a_folder_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AppError, match="could not be written"):
        write_demo(tmp_path / "file" / "study", small=True)
