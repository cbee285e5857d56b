"""Real pairs whose header was moved by a known transform; plain SimpleITK's figures are those of their manifest."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from app.core.geometry import transform_points
from app.files import readers
from app.registration.register import register
from app.registration.verdict import Verdict

PLAIN_MM = {
    "brain-mri-ct-case34": 2.0,
    "brain-mri-pet-case41": 3.4,
    "brain-mri-spect-case10": 5.5,
    "mni-t1-ct-medium": 2.0,
    "mni-t1-pet-medium": 3.0,
}
LIMBS = ("sts-002-ct-pet-small", "sts-003-ct-mr-medium", "sts-012-ct-mr-small")
LPS = np.array([-1, -1, 1])


def _pair(name):
    folder = Path(os.environ["SYNOPTIC_DATA"]) / "volumes" / "misaligned" / name
    volumes = []
    for image in ("fixed", "moving"):
        (study,) = readers.scan([folder / f"{image}.nii.gz"]).studies
        volumes.append(readers.read(study.series[0]))
    truth = json.loads((folder / "ground_truth.json").read_text())
    fixed, moving = (np.array([p[key] for p in truth["tre_points"]]) * LPS for key in ("fixed_ras", "moving_ras"))

    def error_mm(matrix):
        return float(np.linalg.norm(transform_points(matrix, fixed) - moving, axis=1).mean())

    return *volumes, np.array(truth["itk_fixed_to_moving_lps"]), error_mm


@pytest.mark.data
@pytest.mark.parametrize("name", PLAIN_MM)
def test_a_moved_head_is_brought_back_as_well_as_plain_simpleitk_does(name):
    fixed, moving, truth, error_mm = _pair(name)
    found = register(fixed, moving)
    assert error_mm(found.fixed_to_moving) < PLAIN_MM[name] + 0.5
    assert found.metric_after > found.metric_before
    assert not any("certain" in warning for warning in found.warnings)
    assert error_mm(register(fixed, moving, start=truth).fixed_to_moving) < PLAIN_MM[name] + 0.5


@pytest.mark.data
@pytest.mark.parametrize("name", LIMBS)
def test_a_cropped_limb_is_never_called_good_and_warned_of(name):
    fixed, moving, _, _ = _pair(name)
    found = register(fixed, moving)
    assert found.verdict in (Verdict.UNVERIFIED, Verdict.REJECTED)
    assert any("rigid" in warning for warning in found.warnings)
