"""Marks of places: where the crosshair leaves a gap, what of a region is drawn, and on which slices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.case.layers import Layer
from app.case.regions import Region
from app.core.planes import plane_of
from app.view.marks import Ellipse, Fill, Polyline, Text
from app.view.memo import Memo
from app.view.places import crosshair, rectangle, regions
from app.view.state import ViewState, at_slice
from app.view.viewport import viewport
from tests.scenes import head, pair

MRI, PET = head(32, 24)
SCENE = pair(MRI, PET)
STATE = ViewState(**at_slice(ViewState(), MRI.geometry, 12))


def seen(state=STATE, width=500.0, axis=2):
    plane = plane_of(MRI.geometry, axis)
    return viewport(state, plane, state.slice_of(MRI.geometry, axis), width, 400.0)


def drawn(region, view):
    return regions(SCENE.having(regions=(region,)), view, lambda words, size, bold: 6.0 * len(words), Memo())


def test_the_crosshair_leaves_what_it_points_at_in_sight():
    view = seen()
    x, y, _ = view.to_pane(STATE.crosshair_mm)
    for mark in crosshair(STATE, view):
        assert isinstance(mark, Fill)
        left, top, width, height = mark.box
        assert min(width, height) == 1
        assert not (left < x + 8 and left + width > x - 8 and top < y + 8 and top + height > y - 8)


def test_a_crosshair_outside_the_pane_has_no_bars_there():
    far = replace(STATE, zoom=30.0, crosshair_mm=(-15.0, 0.5, 0.5), centre_mm=(10.0, 0.5, 0.5))
    assert len(crosshair(far, seen(far))) == 3


def test_the_zoom_rectangle_is_closed_and_has_four_handles():
    line, *handles = rectangle((10, 20, 30, 40))
    assert line.points[0] == line.points[-1] == (10, 20)
    assert {handle.box[:2] for handle in handles} == {(7, 17), (37, 17), (7, 57), (37, 57)}


def test_a_length_is_drawn_on_its_slice_alone():
    length = Region(1, "length", ((-5.0, 0.5, 0.5), (5.0, 0.5, 0.5)), Layer.of(MRI).end)
    line, words = drawn(length, seen())
    assert isinstance(line, Polyline)
    assert [point[0] for point in line.points] == [seen().to_pane(mm)[0] for mm in length.points_mm]
    assert words.words == "10.0 mm"
    assert words.at[0] > max(x for x, _ in line.points)
    next_slice = replace(STATE, **at_slice(STATE, MRI.geometry, 14))
    assert drawn(length, seen(next_slice)) == []
    assert drawn(length, seen(axis=0)) == []
    across = replace(STATE, crosshair_mm=(0.0, 0.5, 0.5))
    assert drawn(length, seen(across, axis=1))  # it lies in this coronal slice as well


@pytest.mark.parametrize(("width", "lines"), [(500.0, 2), (300.0, 1)])
def test_the_values_of_an_ellipse_stand_beside_it_where_there_is_room(width, lines):
    ellipse = Region(1, "ellipse", ((6.0, 6.0, 0.5), (-4.0, -3.0, 0.5)), Layer.of(MRI).end)
    shape, *words = drawn(ellipse, seen(width=width))
    assert isinstance(shape, Ellipse)
    assert min(shape.box[2:]) > 0
    assert all(isinstance(mark, Text) for mark in words)
    assert len(words) == lines
