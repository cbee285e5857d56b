"""The panes and how they are arranged: two lists, and the widget that lays them out.

A new pane is one entry in PANES; a new arrangement one entry in LAYOUTS. `ViewArea` is the middle of the window.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui.flow.workspace import Workspace
from app.ui.panes.image_pane import ImagePane, PaneSpec
from app.ui.panes.live_overlay import LivePartner
from app.view.memo import Memo
from app.view.scene import Scene
from app.view.state import LAYOUT_NAMES, ViewState

PANES: dict[str, PaneSpec] = {
    spec.name: spec
    for spec in (
        PaneSpec("mri", "MRI", "mri"),
        PaneSpec("partner", "Partner", "partner"),
        PaneSpec("fused", "Fused", "fused"),
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
    """places : all have another cell; stretch : widths of the columns relative to each other."""

    title: str
    places: tuple[Place, ...]
    stretch: tuple[int, ...]


LAYOUTS: dict[str, Layout] = {
    "side-by-side": Layout(
        "Side by side", (Place("mri", 0, 0), Place("partner", 0, 1), Place("fused", 0, 2)), (1, 1, 1)
    ),
    "overlay": Layout("Overlay", (Place("fused", 0, 0),), (1,)),
    "zoom": Layout("Zoom", (Place("mri", 0, 0), Place("partner", 1, 0), Place("zoom", 0, 1, rows=2)), (1, 2)),
    "planes": Layout(
        "Three planes", (Place("axial", 0, 0, rows=2), Place("coronal", 0, 1), Place("sagittal", 1, 1)), (3, 2)
    ),
}
if tuple(LAYOUTS) != LAYOUT_NAMES:
    raise AssertionError("view_state.LAYOUT_NAMES and LAYOUTS must name the same layouts")


class ViewArea(QWidget):
    """Shows the panes of the state's layout, or the maximised one alone.

    All panes exist from the start, so that switching is instant; those out of sight compose and paint nothing.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._live = LivePartner(workspace)
        self._memo = Memo()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._shown: tuple[str, str] | None = None
        self._generation = -1
        self.panes = {name: ImagePane(workspace, spec, self._live, self._memo) for name, spec in PANES.items()}
        for pane in self.panes.values():
            pane.setParent(self)
            pane.hide()
        workspace.changed.connect(self._arrange)
        workspace.scene_changed.connect(self._on_scene)
        self._arrange(workspace.state)

    def visible_panes(self) -> list[ImagePane]:
        """The panes of the present layout, in reading order."""
        return [self.panes[name] for name in self._names(self._workspace.state)]

    def _names(self, state: ViewState) -> list[str]:
        names = [place.pane for place in LAYOUTS[state.layout].places]
        return [state.maximised] if state.maximised in names else names

    def _arrange(self, state: ViewState) -> None:
        if self._shown == (state.layout, state.maximised):
            return
        self._shown = state.layout, state.maximised
        names, layout = self._names(state), LAYOUTS[state.layout]
        for pane in self.panes.values():
            self._grid.removeWidget(pane)
            pane.setVisible(False)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 0)
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
        for place in layout.places:
            if place.pane not in names:
                continue
            row, column = (place.row, place.column) if len(names) > 1 else (0, 0)
            rows = place.rows if len(names) > 1 else 1
            self._grid.addWidget(self.panes[place.pane], row, column, rows, place.columns)
            self._grid.setColumnStretch(column, layout.stretch[column] if len(names) > 1 else 1)
            for one in range(row, row + rows):
                self._grid.setRowStretch(one, 1)
            self.panes[place.pane].setVisible(True)

    def _on_scene(self, scene: Scene) -> None:
        if scene.generation != self._generation:
            self._generation = scene.generation
            self._memo.clear()  # it must not keep a closed study in memory
