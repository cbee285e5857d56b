"""The search from two prepared images: what it finds, and in which direction it is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.base.progress import silent
from app.core.geometry import Geometry
from app.core.transforms import rigid
from app.registration.prepare import prepare
from app.registration.register import (
    register,
)
from app.registration.search import FINE_MM, _length_ratio, find
from app.registration.verdict import Stopped
from tests.heads import error_mm, mri, partner

TURN = rigid((11, -8, 14), (12, -9, 10), (3, -14, 21))


def test_a_head_is_found_in_a_scan_of_the_body():
    pet = partner("pet", TURN)
    k, j, i = pet.stored.shape
    below = 100  # slices: 600 mm of a plain torso
    y, x = np.mgrid[:j, :i]
    torso = ((x - i / 2) / (0.35 * i)) ** 2 + ((y - j / 2) / (0.35 * j)) ** 2 < 1
    stored = np.concatenate([np.repeat(torso[None] * np.int16(4000), below, 0), pet.stored])
    affine = pet.geometry.affine.copy()
    affine[:3, 3] = pet.geometry.to_lps((0, 0, -below))
    slope = np.concatenate([np.full(below, pet.slope.mean()), pet.slope])
    body = replace(
        pet, stored=stored, slope=slope, intercept=np.zeros(k + below), geometry=Geometry((i, j, k + below), affine)
    )
    assert error_mm(register(mri(), body).fixed_to_moving, TURN) < 2
    assert error_mm(np.linalg.inv(register(body, mri()).fixed_to_moving), TURN) < 2


def test_it_gains_and_keeps_what_came_close_best_first():
    near = TURN @ rigid((4, -3, 2), (5, 4, -6), (3, -14, 21))
    fixed, moving = prepare(mri(), FINE_MM), prepare(partner("ct", TURN), FINE_MM)
    result = find(fixed, moving, near, near=True, progress=silent)
    assert error_mm(result.fixed_to_moving, TURN) < 1
    assert result.after > result.before > result.chance
    assert 0.8 < result.overlap <= 1
    assert result.iterations > 0
    assert result.stopped in (Stopped.CONVERGED, Stopped.OUT_OF_STEPS)
    scores = [rival.score for rival in result.rivals]
    assert scores == sorted(scores, reverse=True)
    assert any(np.array_equal(rival.fixed_to_moving, near) for rival in result.rivals)  # the start itself


def test_a_body_is_as_many_times_longer_as_along_the_axis_where_that_is_most():
    image = prepare(mri(), 4.0)
    short = image.cropped(np.zeros(3), np.array([*image.grid.size[:2], image.grid.size[2] // 2]))
    assert _length_ratio(image, image) == pytest.approx(1)
    assert _length_ratio(image, short) > 1.3
    assert _length_ratio(short, image) == pytest.approx(1, abs=0.2)
