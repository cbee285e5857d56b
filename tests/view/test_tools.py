"""The list of tools, and a made-up one that is drawn, told and measured by its entry alone."""

from __future__ import annotations

import numpy as np
import pytest

from app.case.regions import AREAS, area_mm2
from app.view import drags, measure
from app.view.marks import Polyline, Text
from app.view.memo import Memo
from app.view.places import regions
from app.view.state import ViewState
from app.view.tools import TOOLS, Drawing, Tool, drawing_of
from tests.view.desks import press


def test_each_tool_is_listed_by_its_name_and_the_first_view_holds_one():
    assert all(TOOLS[name].name == name for name in TOOLS)
    assert ViewState().tool in TOOLS


def test_no_two_tools_share_a_key():
    keys = [key for tool in TOOLS.values() for key in tool.keys]
    assert len(keys) == len(set(keys)) == len(TOOLS)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS.values() if tool.drawing], ids=lambda tool: tool.name)
def test_a_tool_that_draws_makes_regions_of_its_kind_that_are_drawn_and_told(tool):
    begun = press(100, 100)
    tool.begin(begun)(150, 140)
    (region,) = begun.desk.case.regions
    assert region.kind == tool.name
    assert drawing_of(region) is tool.drawing
    outline, *words = regions(begun.desk.case, begun.view, lambda words, size, bold: 8.0 * len(words), Memo())
    assert not isinstance(outline, Text)
    assert all(isinstance(mark, Text) for mark in words)
    assert words


def box(spots):
    (x0, y0), (x1, y1) = spots
    return Polyline(((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)), "region")


def box_lines(region, case):
    return (measure.area_text(area_mm2(region) * 4 / np.pi, case), *measure.value_lines(region, case))


def test_a_tool_added_to_the_list_is_drawn_told_and_measured(monkeypatch):
    tool = Tool("box", "Box", drags.draw_region("box"), ("B",), drawing=Drawing(box, box_lines, flat=True))
    monkeypatch.setitem(TOOLS, "box", tool)
    monkeypatch.setitem(AREAS, "box", lambda places: (np.abs(places) <= 1).all(-1))
    begun = press(100, 100)
    TOOLS["box"].begin(begun)(200, 150)  # 10 mm by 5 mm
    outline, text = regions(begun.desk.case, begun.view, lambda words, *_: 6.0 * len(words), Memo())
    assert outline == box(((100.0, 100.0), (200.0, 150.0)))
    assert text.words == "0.50 cm²"
    (region,) = begun.desk.case.regions
    assert drawing_of(region).lines(region, begun.desk.case)[1].startswith("MRI ")
