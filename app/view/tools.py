"""The tools of the left mouse button: TOOLS, which menus, keys, mouse and pictures read.

A new tool is one entry: its name, keys and icon, what a drag does (`drags`), and, where it draws regions of its kind,
how they are drawn and told (`measure`). What lies inside such a region `case.regions.AREAS` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.case.document import Case
from app.case.regions import Region
from app.view import drags, measure
from app.view.drags import Drag, Press
from app.view.marks import Ellipse, Mark, Polyline, Spot

Outline = Callable[[tuple[Spot, ...]], Mark]  # from the region's points in the pane


@dataclass(frozen=True)
class Drawing:
    """How regions of a tool's kind appear.

    outline : their mark; lines : what stands beside them, the size first
    flat : they mean nothing across the slices they were drawn on, and are not shown there
    """

    outline: Outline
    lines: Callable[[Region, Case], tuple[str, ...]]
    flat: bool = False


@dataclass(frozen=True)
class Tool:
    """What the left button does when it is chosen.

    name : in the ViewState, and the kind of the regions it draws; title : in menus; keys : as QKeySequence reads them
    begin : from the press of the button to the drag; drawing : of a tool that draws regions
    icon : resources/icons/ICON.svg in the tool bar, "" for none
    """

    name: str
    title: str
    begin: Callable[[Press], Drag | None]
    keys: tuple[str, ...] = ()
    icon: str = ""
    drawing: Drawing | None = None


def _lines_between(spots: tuple[Spot, ...]) -> Mark:
    return Polyline(spots, "region")


def _ellipse_in_box(spots: tuple[Spot, ...]) -> Mark:
    (x0, y0), (x1, y1) = spots
    return Ellipse((min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)), "region")


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("window", "Window/level", drags.change_window, ("W",), "window"),
        Tool("pan", "Pan", drags.pan, ("P",), "pan"),
        Tool("zoom", "Zoom", drags.zoom, ("Z",), "zoom"),
        Tool("crosshair", "Crosshair", drags.move_crosshair, ("X",), "crosshair"),
        Tool(
            "length", "Length", drags.draw_region("length"), ("L",),
            drawing=Drawing(_lines_between, measure.length_lines),
        ),
        Tool(
            "angle", "Angle", drags.draw_region("angle"), ("A",), drawing=Drawing(_lines_between, measure.angle_lines)
        ),
        Tool(
            "ellipse", "Ellipse", drags.draw_region("ellipse"), ("O",),
            drawing=Drawing(_ellipse_in_box, measure.ellipse_lines, flat=True),
        ),
    )
}  # fmt: skip


def drawing_of(region: Region) -> Drawing:
    """How a region appears: as the tool of its kind says."""
    drawing = TOOLS[region.kind].drawing
    assert drawing is not None, region.kind  # only a tool that draws makes regions
    return drawing
