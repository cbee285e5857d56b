"""The use cases step by step: a study opened from its files, and a pair of it read."""

from __future__ import annotations

import pytest

from app.base.progress import Cancelled
from app.case import pipeline
from app.case.roles import guess_roles
from tests.files.dicom.dicom_files import ROOT, write_series


@pytest.fixture
def study(tmp_path):
    write_series(tmp_path / "mr", "MR", change=lambda ds, k: ds.update({"SeriesInstanceUID": f"{ROOT}.5"}))
    write_series(tmp_path / "pet", "PT", places=[0, 3, 6])
    return pipeline.open_study([tmp_path])


def test_a_study_is_opened_with_all_its_series(study):
    assert {series.modality for series in study.series} == {"MR", "PT"}
    assert len(study.studies) == 1


def test_a_pair_is_read_mri_first_and_progress_covers_both(study):
    mri, partner = guess_roles(study.studies)
    fractions: list[float] = []
    volumes = pipeline.read_pair(mri, partner, lambda fraction, message="": fractions.append(fraction))
    assert [volume.modality for volume in volumes] == ["MR", "PT"]
    assert [volume.geometry.size[2] for volume in volumes] == [5, 3]
    assert fractions == sorted(fractions)
    assert any(fraction < 0.5 for fraction in fractions)
    assert fractions[-1] == 1


def test_reading_can_be_cancelled(study):
    def cancel(fraction: float, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pipeline.read_pair(*study.series[:2], cancel)
