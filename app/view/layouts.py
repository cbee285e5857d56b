"""The panes and how they are arranged: PANES and LAYOUTS, which menus, keys, settings and the command line read.

A new pane is one entry in PANES, a new arrangement one entry in LAYOUTS. Nothing else names a layout: what a layout
means for the panes and the mouse follows from the panes in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class PaneSpec:
    """What a pane shows.

    role : "mri", "partner", "fused" (both sliders), or "layer" (the uppermost of the other layers alone)
    plane : "axial", "coronal", "sagittal", "" for the state's axis
    zoomed : it shows the zoom rectangle, each voxel as a square
    """

    name: str
    title: str
    role: str
    plane: str = ""
    zoomed: bool = False


PANES: dict[str, PaneSpec] = {
    spec.name: spec
    for spec in (
        PaneSpec("mri", "MRI", "mri"),
        PaneSpec("partner", "Partner", "partner"),
        PaneSpec("fused", "Fused", "fused"),
        PaneSpec("layer", "Layer", "layer"),
        PaneSpec("zoom", "Zoomed region", "fused", zoomed=True),
        PaneSpec("axial", "Axial", "fused", "axial"),
        PaneSpec("coronal", "Coronal", "fused", "coronal"),
        PaneSpec("sagittal", "Sagittal", "fused", "sagittal"),
    )
}


@dataclass(frozen=True)
class Place:
    """Where a pane stands in the grid of a layout."""

    pane: str
    row: int
    column: int
    rows: int = 1
    columns: int = 1


@dataclass(frozen=True)
class Layout:
    """An arrangement of panes.

    name : on the command line and in the settings; title : in menus; keys : as QKeySequence reads them
    places : each pane's, all different cells; stretch : widths of the columns relative to each other
    icon : resources/icons/ICON.svg, "" for none
    """

    name: str
    title: str
    places: tuple[Place, ...]
    stretch: tuple[int, ...]
    keys: tuple[str, ...] = ()
    icon: str = ""

    @cached_property
    def panes(self) -> tuple[PaneSpec, ...]:
        """In reading order."""
        return tuple(PANES[place.pane] for place in self.places)

    @property
    def has_one_pane(self) -> bool:
        """Whether overlay and fusion have to share one picture."""
        return len(self.places) == 1

    @cached_property
    def has_zoom(self) -> bool:
        """Whether a pane shows the zoom rectangle, so that the others show where it lies."""
        return any(pane.zoomed for pane in self.panes)

    @cached_property
    def has_planes(self) -> bool:
        """Whether panes cut in planes of their own, so that one of them is marked: keys go to it."""
        return any(pane.plane for pane in self.panes)

    @cached_property
    def has_sources(self) -> bool:
        """Whether the whole sources stand beside their fusion, so that this need not show one that is alone."""
        return {"mri", "partner", "fused"} <= {pane.role for pane in self.panes if not pane.zoomed}


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout(
            "side-by-side", "Side by side", (Place("mri", 0, 0), Place("partner", 0, 1), Place("fused", 0, 2)),
            (1, 1, 1), ("Ctrl+1",), "side-by-side",
        ),
        Layout("overlay", "Overlay", (Place("fused", 0, 0),), (1,), ("Ctrl+2",), "overlay"),
        Layout(
            "zoom", "Zoom", (Place("mri", 0, 0), Place("partner", 1, 0), Place("zoom", 0, 1, rows=2)), (1, 2),
            ("Ctrl+3",), "zoom-layout",
        ),
        Layout(
            "planes", "Three planes", (Place("axial", 0, 0, rows=2), Place("coronal", 0, 1), Place("sagittal", 1, 1)),
            (3, 2), ("Ctrl+4",), "planes",
        ),
        Layout("layer", "A layer beside the fusion", (Place("fused", 0, 0), Place("layer", 0, 1)), (1, 1), ("Ctrl+5",)),
    )
}  # fmt: skip
