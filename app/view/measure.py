"""What stands beside a region: its size, and the values of the pair's native voxels inside."""

from __future__ import annotations

from app.case.document import Case
from app.case.regions import Region, angle_deg, area_mm2, length_mm, statistics
from app.view.labels import name_of
from app.view.probe import number, unit_text


def length_lines(region: Region, case: Case) -> tuple[str, ...]:
    """The length; in pixels for pictures."""
    return (f"{length_mm(region):.1f} {'mm' if _in_mm(case) else 'px'}",)


def angle_lines(region: Region, case: Case) -> tuple[str, ...]:
    """The angle, or what is still to be drawn."""
    points = region.points_mm
    whole = len(points) == 3 and points[1] not in (points[0], points[2])
    return (f"{angle_deg(region):.1f}°",) if whole else ("draw the second leg",)


def ellipse_lines(region: Region, case: Case) -> tuple[str, ...]:
    """The area, and the values of each volume inside."""
    return (area_text(area_mm2(region), case), *value_lines(region, case))


def area_text(mm2: float, case: Case) -> str:
    """In square centimetres; in square pixels for pictures."""
    return f"{mm2 / 100:.2f} cm²" if _in_mm(case) else f"{mm2:.2f} px²"


def value_lines(region: Region, case: Case) -> tuple[str, ...]:
    """Mean, spread and ends of the native voxels inside, a line for each layer that has any there."""
    lines = []
    pair = (case.base, None if case.stopped else case.partner_layer)
    overlays = () if case.stopped else case.overlays
    for layer in (*pair, *overlays):
        inside = None if layer is None else statistics(region, layer, case.links)
        if layer is not None and inside is not None:
            lines.append(
                f"{name_of(layer.volume)} {number(inside.mean)} ± {number(inside.deviation)} "
                f"({number(inside.low)} to {number(inside.high)}) {unit_text(layer.volume.unit)}"
            )
    return tuple(lines)


def _in_mm(case: Case) -> bool:
    return case.grid is None or case.grid.in_mm
