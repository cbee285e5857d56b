"""Drawing a length, an angle or an ellipse by dragging.

A length or an ellipse is one drag. An angle takes two: the first draws one leg towards the vertex, the second, begun
anywhere in the slice, leads the other leg away from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from app.case.document import Case
from app.case.regions import Region
from app.core.geometry import point
from app.view.viewport import Viewport


def begin(
    case: Case, kind: str, view: Viewport, at: tuple[float, float]
) -> Callable[[float, float], tuple[Region, ...]] | None:
    """A drag that draws a region, from `at` (pane pixels): gives the case's regions to be.

    kind : "length", "angle" or "ellipse"; None where there is nothing to draw on
    """
    ground = case.base or case.partner_layer
    if ground is None:
        return None
    before = case.regions
    start = point(view.to_lps(*at))
    across, down = view.plane.geometry(view.index).direction.T[:2]
    waiting = next((region for region in before[-1:] if region.unfinished and in_plane(region, view)), None)
    number = 1 + max((region.number for region in before), default=0)
    fresh = Region(number, kind, (start, start), ground.end, (point(across), point(down)))

    def drag(x: float, y: float) -> tuple[Region, ...]:
        here = point(view.to_lps(x, y))
        if kind == "angle" and waiting is not None:
            return (*before[:-1], replace(waiting, points_mm=(*waiting.points_mm, here)))
        return (*before, replace(fresh, points_mm=(start, here)))

    return drag


def in_plane(region: Region, view: Viewport) -> bool:
    """Whether the region was drawn on slices that lie like the one shown."""
    normal = np.cross(*view.plane.geometry(view.index).direction.T[:2])
    return bool(abs(normal @ region.axes[2]) > 0.999)
