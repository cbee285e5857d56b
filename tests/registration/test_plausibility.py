"""Which step of a grid is the distance between slices, and when a reader is warned of it."""

from dataclasses import replace

import numpy as np
import pytest

from app.core.geometry import Geometry
from app.registration.plausibility import _thick_slices
from tests.phantoms import head_volume


def volume(name, size, spacing):
    grid = Geometry(size, np.diag([*spacing, 1.0]))
    stored = np.zeros(size[::-1], np.int16)
    series = replace(head_volume(name).series, size=size, spacing_mm=spacing)
    return replace(head_volume(name), stored=stored, slope=1.0, intercept=0.0, geometry=grid, series=series)


@pytest.mark.parametrize(
    ("size", "spacing", "fact"),
    [
        ((41, 43, 59), (4.688, 4.688, 3.27), ""),  # PET: its pixels are wider than its slices are apart
        ((64, 64, 64), (5.0, 5.0, 5.0), ""),
        ((256, 256, 21), (1.0, 1.0, 6.0), "are 6.0 mm apart (21 of them)"),
        ((256, 21, 256), (1.0, 6.0, 1.0), "are 6.0 mm apart (21 of them)"),  # turned: j goes across the slices
        ((188, 256, 54), (0.858, 0.859, 2.4), ""),
        ((64, 64, 6), (3.0, 3.0, 3.0), "are 3.0 mm apart (6 of them)"),
        ((64, 64, 6), (3.0, 3.00001, 3.0), "are 3.0 mm apart (6 of them)"),
    ],
)
def test_thick_slices_are_told_by_the_distance_between_slices(size, spacing, fact):
    fixed, moving = head_volume("mr"), volume("pet", size, spacing)
    sentence = _thick_slices(fixed, moving)
    assert sentence == "" if not fact else fact in sentence
