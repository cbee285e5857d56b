"""One level of refinement by SimpleITK, from starts whose distance to the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from app.base.errors import RegistrationError
from app.base.progress import Cancelled
from app.core.transforms import rigid
from app.registration.prepare import prepare
from app.registration.refine import COARSE, FINE, Stage, refine
from app.registration.verdict import Stopped
from tests.heads import error_mm, mri, partner

TRUTH = rigid((5, -4, 7), (6, -3, 4), (3, -14, 21))
NEAR = TRUTH @ rigid((2, -2, 1), (2, 3, -2), (3, -14, 21))


@pytest.mark.parametrize(("stage", "limit_mm"), [(COARSE, 1.5), (FINE, 0.7)], ids=["coarse", "fine"])
def test_a_near_start_is_brought_to_the_truth(stage, limit_mm):
    fixed, moving = (prepare(volume, stage.spacing_mm) for volume in (mri(), partner("ct", TRUTH)))
    result = refine(fixed, moving, NEAR, stage)
    assert error_mm(NEAR, TRUTH) > 3
    assert error_mm(result.fixed_to_moving, TRUTH) < limit_mm
    np.testing.assert_allclose(result.fixed_to_moving[:3, :3] @ result.fixed_to_moving[:3, :3].T, np.eye(3), atol=1e-9)
    assert 0 < result.iterations <= stage.iterations


def test_a_stage_that_ends_too_early_says_so():
    fixed, moving = (prepare(volume, 4.0) for volume in (mri(), partner("ct", TRUTH)))
    hasty = Stage(spacing_mm=4.0, points=2000, iterations=3, step_mm=0.5, last_step_mm=1e-6)
    result = refine(fixed, moving, NEAR, hasty)
    assert result.iterations == 3
    assert result.stopped is Stopped.OUT_OF_STEPS


def test_images_that_do_not_overlap_are_told_in_a_sentence():
    fixed, moving = (prepare(volume, 4.0) for volume in (mri(), partner("ct", TRUTH)))
    with pytest.raises(RegistrationError, match="do not overlap"):
        refine(fixed, moving, rigid((0, 0, 0), (900, 0, 0)), COARSE)


def test_what_progress_raises_comes_out_as_it_was():
    """An exception inside an ITK observer would arrive as a RuntimeError, without its kind."""
    fixed, moving = (prepare(volume, 4.0) for volume in (mri(), partner("ct", TRUTH)))

    def cancel(fraction: float, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        refine(fixed, moving, NEAR, COARSE, cancel)
