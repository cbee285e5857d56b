"""The middle of the window: a widget for each of PANES, laid out as the present one of LAYOUTS says."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QWidget

from app.case.document import Case
from app.ui.flow.workspace import Workspace
from app.ui.panes.image_pane import ImagePane
from app.ui.panes.live_layers import LiveLayers
from app.ui.panes.live_overlay import LivePartner
from app.view.layouts import LAYOUTS, PANES
from app.view.memo import Memo
from app.view.state import ViewState


class ViewArea(QWidget):
    """Shows the panes of the state's layout, or the maximised one alone.

    All panes exist from the start, so that switching is instant; those out of sight compose and paint nothing.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._live = LivePartner(workspace)
        self._layers = LiveLayers(workspace)
        self._memo = Memo()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._shown: tuple[str, str] | None = None
        self._generation = -1
        self.panes = {
            name: ImagePane(workspace, spec, self._live, self._layers, self._memo) for name, spec in PANES.items()
        }
        for pane in self.panes.values():
            pane.setParent(self)
            pane.hide()
        workspace.changed.connect(self._arrange)
        workspace.case_changed.connect(self._on_case)
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
            for covered in range(row, row + rows):
                self._grid.setRowStretch(covered, 1)
            self.panes[place.pane].setVisible(True)

    def _on_case(self, case: Case) -> None:
        if case.generation != self._generation:
            self._generation = case.generation
            self._memo.clear()  # it must not keep a closed study in memory
