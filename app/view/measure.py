"""What stands beside a region: its size, and the values of the pair's native voxels inside."""

from __future__ import annotations

from app.case.document import Case
from app.case.regions import Region, angle_deg, area_mm2, length_mm, statistics
from app.view.labels import name_of
from app.view.probe import number, unit_text

KINDS = ("length", "angle", "ellipse")


def describe(region: Region, case: Case) -> tuple[str, ...]:
    """The lines that stand beside a region; pixels instead of millimetres for pictures."""
    in_mm = case.grid is None or case.grid.in_mm
    if region.kind == "length":
        return (f"{length_mm(region):.1f} {'mm' if in_mm else 'px'}",)
    if region.kind == "angle":
        points = region.points_mm
        whole = len(points) == 3 and points[1] not in (points[0], points[2])
        return (f"{angle_deg(region):.1f}°",) if whole else ("draw the second leg",)
    lines = [f"{area_mm2(region) / (100 if in_mm else 1):.2f} {'cm²' if in_mm else 'px²'}"]
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
