"""What stands beside a region."""

from __future__ import annotations

import pytest

from app.case.document import Case
from app.case.layers import Layer
from app.case.regions import Region
from app.view.measure import ellipse_lines
from app.view.tools import drawing_of
from tests.case.test_regions import grid_volume
from tests.scenes import registered

SIZES = [
    ("length", ((0, 0, 8), (30, 40, 8)), "50.0 mm"),
    ("angle", ((0, 0, 8), (30, 40, 8)), "draw the second leg"),
    ("angle", ((5, 0, 8), (0, 0, 8), (0, 7, 8)), "90.0°"),
]


@pytest.fixture(scope="module")
def case():
    mri, pet = grid_volume(), grid_volume(modality="PT", unit="SUVbw")
    return Case().having(mri=mri, partner=pet).having(registration=registered())


@pytest.mark.parametrize(("kind", "points", "words"), SIZES)
def test_a_line_has_its_size_alone(case, kind, points, words):
    region = Region(1, kind, points, Layer.of(case.mri).end)
    assert drawing_of(region).lines(region, case) == (words,)


def test_an_ellipse_has_the_values_of_both_sources(case):
    drawn = Region(1, "ellipse", ((10, 8, 8), (26, 32, 8)), Layer.of(case.mri).end)
    size, first, second = ellipse_lines(drawn, case)
    assert size == "3.02 cm²"
    assert first.startswith("MRI ")
    assert first.endswith("a.u.")
    assert second.startswith("PET ")
    assert second.endswith("SUVbw")
