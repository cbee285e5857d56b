"""The tools of the left mouse button, which menus, keys and panes read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """name : in the ViewState; title : in menus; keys : as QKeySequence reads them; icon : in the tool bar, or ""."""

    name: str
    title: str
    keys: tuple[str, ...] = ()
    icon: str = ""


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("window", "Window/level", ("W",), "window"),
        Tool("pan", "Pan", ("P",), "pan"),
        Tool("zoom", "Zoom", ("Z",), "zoom"),
        Tool("crosshair", "Crosshair", ("X",), "crosshair"),
        Tool("length", "Length", ("L",)),
        Tool("angle", "Angle", ("A",)),
        Tool("ellipse", "Ellipse", ("O",)),
    )
}
