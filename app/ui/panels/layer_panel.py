"""The layers: every series that was read, its part, and for those over the pair how they lie there."""

from __future__ import annotations

from functools import partial
from typing import get_args

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.case.document import Case, Hindrance
from app.case.layers import Layer, ShownAs
from app.ui.flow.opening import title_of
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import plain_label
from app.view import series_text
from app.view.labels import verdict_line

NONE_YET = "No series is read yet. “Show as a layer” in the list of series lays one more over the pair."
HINDRANCES = {
    Hindrance.NOT_LINKED: "not linked: register it, or open it as the partner",
    Hindrance.OTHER_PATIENT: "another patient than the base: laid over nothing",
}


class LayerRow(QFrame):
    """One layer: shown or not, how strong, in colour or as a contour, and away with it."""

    def __init__(self, workspace: Workspace, layer: Layer) -> None:
        super().__init__()
        self.uid = layer.uid
        self.setObjectName("notice")
        change = partial(workspace.change_layer, layer.uid)
        self.visible_box = QCheckBox()
        self.visible_box.setToolTip("Show it over the pair")
        self.visible_box.toggled.connect(lambda on: change(visible=on))
        self.name = plain_label(series_text.title(layer.series), wrap=False)
        self.name.setMinimumWidth(20)
        self.name.setToolTip(series_text.tooltip(series_text.details(layer.series)))
        self.remove = QToolButton()
        self.remove.setText("×")
        self.remove.setToolTip("Take this layer away; the series stays in the list")
        self.remove.clicked.connect(lambda: workspace.replace_with(workspace.case.without_layer(self.uid)))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("How strong, or where in its window the contour runs")
        self.opacity.valueChanged.connect(self._slid)
        self.shown_as = QComboBox()
        for value in get_args(ShownAs):
            self.shown_as.addItem(value, value)
        self.shown_as.activated.connect(lambda: change(shown_as=self.shown_as.currentData()))
        self.standing = plain_label(name="quiet")
        self._change = change
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 3, 4, 3)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.visible_box, 0, 0)
        grid.addWidget(self.name, 0, 1, 1, 2)
        grid.addWidget(self.remove, 0, 3)
        grid.addWidget(self.opacity, 1, 1)
        grid.addWidget(self.shown_as, 1, 2, 1, 2)
        grid.addWidget(self.standing, 2, 1, 1, 3)

    def _slid(self, percent: int) -> None:
        field = "contour_at" if self.shown_as.currentData() == "contour" else "opacity"
        self._change(**{field: percent / 100})

    def show_layer(self, layer: Layer, case: Case) -> None:
        part = next((role for role in ("mri", "partner") if case.of_role(role) is layer), "")
        over = not part
        for widget in (self.opacity, self.shown_as):
            widget.setVisible(over and layer.visible)
        self.visible_box.setEnabled(over)
        self.remove.setVisible(over)
        share = layer.contour_at if layer.shown_as == "contour" else layer.opacity
        tip = "Where in its window the contour runs" if layer.shown_as == "contour" else "How strong it is"
        self.opacity.setToolTip(f"{tip}: {share:.0%}")
        for field in (self.visible_box, self.opacity, self.shown_as):
            field.blockSignals(True)
        self.visible_box.setChecked(layer.visible or not over)
        self.opacity.setValue(round(100 * share))
        self.shown_as.setCurrentIndex(self.shown_as.findData(layer.shown_as))
        for field in (self.visible_box, self.opacity, self.shown_as):
            field.blockSignals(False)
        self.standing.setText(title_of(part, layer.series) if part else _standing(layer, case))


class LayerPanel(QWidget):
    """Draws `case.layers`, the uppermost first."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.rows: dict[str, LayerRow] = {}
        self.empty = plain_label(NONE_YET, name="quiet")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(4, 4, 4, 4)
        self._column.addWidget(self.empty)
        self._column.addStretch(1)
        workspace.case_changed.connect(self.show_case)
        self.show_case(workspace.case)

    def show_case(self, case: Case) -> None:
        order = [layer.uid for layer in reversed(case.layers)]
        if list(self.rows) != order:
            self._arrange(case, order)
        for layer in case.layers:
            self.rows[layer.uid].show_layer(layer, case)

    def _arrange(self, case: Case, order: list[str]) -> None:
        for uid in set(self.rows) - set(order):
            row = self.rows.pop(uid)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        rows = {}
        for place, uid in enumerate(order):
            layer = case.layer(uid)
            assert layer is not None  # the order is that of the case's layers
            row = self.rows.get(uid) or LayerRow(self._workspace, layer)
            self._column.removeWidget(row)
            self._column.insertWidget(place, row)
            rows[uid] = row
        self.rows = rows
        self.empty.setVisible(not rows)


def _standing(layer: Layer, case: Case) -> str:
    """How the layer lies on the base, or why it does not."""
    if case.base is None and case.partner_layer is None:
        return ""
    hindrance = case.hindrance(layer)
    if hindrance is not None:
        return HINDRANCES[hindrance]
    way = case.way_to(layer)
    return "" if way is None else verdict_line(way.verdict).text.lower()
