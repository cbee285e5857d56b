"""Drawing on a slice: what a drag gives."""

from __future__ import annotations

import numpy as np
import pytest

from app.case.document import Case
from app.core.planes import plane_of
from app.view import drawing
from app.view.state import ViewState
from app.view.viewport import viewport
from tests.scenes import head

MRI, _ = head(32, 24)
CASE = Case().having(mri=MRI)


def seen(axis=2):
    plane = plane_of(MRI.geometry, axis)
    return viewport(ViewState(), plane, ViewState().slice_of(MRI.geometry, axis), 320, 320)


def test_a_length_runs_from_the_press_to_the_mouse():
    view = seen()
    (region,) = drawing.begin(CASE, "length", view, (100, 120))(150, 160)
    assert (region.number, region.kind, region.layer_uid) == (1, "length", MRI.series.uid)
    np.testing.assert_allclose(region.points_mm, [view.to_lps(100, 120), view.to_lps(150, 160)])


def test_an_angle_takes_two_drags_and_a_second_in_another_plane_begins_anew():
    first = CASE.having(regions=drawing.begin(CASE, "angle", seen(), (100, 100))(160, 100))
    (whole,) = drawing.begin(first, "angle", seen(), (0, 0))(160, 160)
    assert len(whole.points_mm) == 3
    assert not whole.unfinished
    before, other = drawing.begin(first, "angle", seen(axis=1), (100, 100))(160, 160)
    assert before.unfinished
    assert other.number == 2


@pytest.mark.parametrize(("axis", "normal"), [(2, (0, 0, 1)), (1, (0, 1, 0)), (0, (1, 0, 0))])
def test_an_ellipse_carries_the_directions_of_its_plane(axis, normal):
    (region,) = drawing.begin(CASE, "ellipse", seen(axis), (100, 100))(160, 180)
    np.testing.assert_allclose(np.abs(region.axes[2]), normal, atol=1e-12)
    assert [drawing.in_plane(region, seen(other)) for other in (0, 1, 2)] == [other == axis for other in (0, 1, 2)]


def test_there_must_be_something_to_draw_on():
    assert drawing.begin(Case(), "length", seen(), (0, 0)) is None
