"""What marks places in the patient: the crosshair, the rectangle of the zoom, what was measured."""

from __future__ import annotations

from functools import partial
from math import floor

from app.case.document import Case
from app.case.regions import Region
from app.view.drawing import in_plane
from app.view.marks import BANNER_HEIGHT, Box, Fill, Mark, Measure, Polyline, Text
from app.view.memo import Memo
from app.view.state import ViewState
from app.view.tools import drawing_of
from app.view.viewport import Viewport

_GAP = 9.0  # the crosshair leaves what it points at in sight
_ROOMY = 450  # logical pixels: a narrower pane shows the size alone, the values would cover the picture
_LINE = 15.0  # logical pixels from line to line of what was measured


def crosshair(state: ViewState, view: Viewport) -> list[Mark]:
    """Thin lines with a gap around the point; filled boxes, since filling is much quicker than drawing a line."""
    x, y, _ = view.to_pane(state.crosshair_mm)
    column, row = float(floor(x)), float(floor(y))
    boxes: tuple[Box, ...] = (
        (0, row, x - _GAP, 1),
        (x + _GAP, row, view.width - x - _GAP, 1),
        (column, 0, 1, y - _GAP),
        (column, y + _GAP, 1, view.height - y - _GAP),
    )
    return [Fill(box, "crosshair") for box in boxes if box[2] > 0 and box[3] > 0]


def rectangle(box: Box) -> list[Mark]:
    """The zoom rectangle with its handles."""
    x, y, width, height = box
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    handles: list[Mark] = [Fill((left - 3, top - 3, 6, 6), "rectangle") for left, top in corners]
    return [Polyline((*corners, corners[0]), "rectangle", 1.5), *handles]


def regions(case: Case, view: Viewport, measure: Measure, memo: Memo) -> list[Mark]:
    """Those that lie in the slice shown, with their values beside them."""
    marks: list[Mark] = []
    for region in case.regions:
        placed = case.placed(region)
        spots = () if placed is None else _in_the_slice(placed, view)
        if not spots:
            continue
        drawing = drawing_of(region)
        marks.append(drawing.outline(spots))
        lines = memo.get(view.plane, ("measured", region, case.generation), partial(drawing.lines, region, case))
        lines = lines if view.width >= _ROOMY else lines[:1]
        room = max(measure(line, 12, False) for line in lines)
        x = min(max(x for x, _ in spots) + 8, view.width - room - 4)
        lowest = view.height - BANNER_HEIGHT - 40 - _LINE * (len(lines) - 1)
        y = min(max(y for _, y in spots), lowest)
        marks += [Text((x, y + _LINE * row), line) for row, line in enumerate(lines)]
    return marks


def _in_the_slice(region: Region, view: Viewport) -> tuple[tuple[float, float], ...]:
    """Its points in the pane; () where one lies more than half a slice off, or what is flat stands across the slice."""
    places = [view.to_pane(point_mm) for point_mm in region.points_mm]
    across = drawing_of(region).flat and not in_plane(region, view)
    return () if across or any(abs(off) > 0.5 for _, _, off in places) else tuple((x, y) for x, y, _ in places)
