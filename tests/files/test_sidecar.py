"""Modality and unit from what stands beside a file: its sidecar, its name, its folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.files import readers
from app.files.sidecar import read_sidecar, stem
from tests.files.nifti_files import only_series, save_nifti, voxels


@pytest.mark.parametrize(
    ("name", "lowest", "modality", "unit"),
    [
        ("ct.nii", -1000, "CT", "HU"),
        ("sub-1_CT_thin.nii", 0, "CT", "unknown"),
        ("chris_t1.nii", 0, "MR", "a.u."),
        ("PET_image.nii", 0, "PT", "unknown"),
        ("spect.nii", 0, "NM", "unknown"),
        ("pet_on_mri.nii", 0, "", "unknown"),
        ("CT_mask.nii", -1000, "", "unknown"),
        ("fixed.nii", -1000, "", "unknown"),
    ],
)
def test_modality_and_unit_come_from_the_name_only_where_it_is_plain(tmp_path, name, lowest, modality, unit):
    series = only_series(save_nifti(tmp_path / name, voxels() + np.int16(lowest)))
    assert (series.modality, series.unit) == (modality, unit)
    assert any("name" in warning for warning in series.warnings)


def test_a_sidecar_states_modality_unit_and_description(tmp_path):
    path = save_nifti(tmp_path / "x.nii.gz", voxels())
    (tmp_path / "x.json").write_text(json.dumps({"Modality": "PT", "Units": "Bq/mL", "SeriesDescription": "FDG"}))
    series = only_series(path)
    assert (series.modality, series.unit, series.description) == ("PT", "Bq/mL", "FDG")
    assert series.warnings == ()


def test_the_folder_names_the_modality_of_a_pair(tmp_path):
    for folder in ("mri", "pet"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.eye(4, dtype=np.uint8)).save(tmp_path / folder / "0017.png")
    assert {series.modality for series in readers.scan([tmp_path]).series} == {"MR", "PT"}


def test_a_unit_that_is_not_known_is_named_in_a_warning(tmp_path):
    (tmp_path / "ct.json").write_text(json.dumps({"Modality": "CT", "Units": "furlongs"}))
    sidecar = read_sidecar(tmp_path / "ct.nii.gz")
    assert (sidecar.modality, sidecar.unit, sidecar.description) == ("CT", "", "ct")
    assert "'furlongs'" in sidecar.warnings[0]


@pytest.mark.parametrize("content", ["{", "[1, 2]", "7", '{"Modality": 3}', "[" * 100_000])
def test_a_broken_sidecar_states_nothing(tmp_path, content):
    (tmp_path / "mr.json").write_text(content)
    assert read_sidecar(tmp_path / "mr.nii").modality == "MR"  # from the name, as without a sidecar


@pytest.mark.parametrize(
    ("name", "short"),
    [("a.nii.gz", "a"), ("a.NII.GZ", "a"), ("a.b.mha", "a.b"), ("a.seg.nrrd", "a"), ("a.png", "a"), (".nii", ".nii")],
)
def test_the_stem_is_the_name_without_single_or_double_ending(name, short):
    assert stem(Path(name)) == short
