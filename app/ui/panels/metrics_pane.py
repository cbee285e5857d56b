"""The metrics of the slice in view, and one of them as a curve over all fused slices; measured off the GUI thread."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.base.progress import Progress
from app.case.document import Case
from app.ui.flow.workspace import Workspace
from app.ui.panels.curve import Curve
from app.ui.shell.messages import plain_label
from app.view.series_text import tooltip
from app.view.state import ViewState, at_slice

if TYPE_CHECKING:  # metrics bring scipy with them
    from app.case.fusing import FusionStack
    from app.metrics.catalogue import Metric, MetricReading

ARROWS = {"higher": "↑", "lower": "↓"}
BEWARE = "These numbers reward contrast and edges, wanted or not: they do not say which picture is right."
_CALM_MS = 60  # while the reader scrolls, only the slice they stop at is measured
_BEST_FIRST = "SSIM"


class MetricsPane(QWidget):
    """The ten metrics of the current slice.

    measured : the k whose readings are shown now; grown : the curve is shown and wants room; failed : what, error
    """

    measured = Signal(int)
    grown = Signal()
    failed = Signal(str, object)

    def __init__(self, workspace: Workspace, *, curve_metric: str = _BEST_FIRST) -> None:
        super().__init__()
        self._workspace = workspace
        self._curve_metric = curve_metric
        self._key = ""
        self._readings: dict[int, tuple[MetricReading, ...]] = {}
        self._curves: dict[str, dict[int, float]] = {}
        self._asked: int | None = None
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(_CALM_MS)
        self._calm.timeout.connect(self._measure)

        self.heading = plain_label("No fused slice yet", name="heading")
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["Metric", "Value", "Unit"])
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(21)
        self.table.verticalHeader().setMinimumSectionSize(18)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self.region = plain_label(name="quiet")
        self.curve_button = QPushButton("Curve over all slices")
        self.curve_button.setCheckable(True)
        self.curve_button.toggled.connect(self._show_curve)
        self.metric_box = QComboBox()
        self.metric_box.currentTextChanged.connect(self._choose_curve)
        self.metric_box.hide()
        self.curve = Curve()
        self.curve.hide()
        self.curve.picked.connect(self._go_to)

        row = QHBoxLayout()
        row.addWidget(self.curve_button, 1)
        row.addWidget(self.metric_box)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        for widget in (self.heading, self.table, self.region):
            column.addWidget(widget)
        column.addLayout(row)
        column.addWidget(self.curve)
        column.addStretch(1)
        self._fit_table()
        self.table.hide()

        workspace.changed.connect(self._show_state)
        workspace.case_changed.connect(self._show_case)
        workspace.slice_fused.connect(self._slice_fused)

    @property
    def pending(self) -> bool:
        """Whether a measurement of the slice in view is on its way."""
        return self._calm.isActive() or self._asked is not None

    @property
    def curve_metric(self) -> str:
        return self._curve_metric

    # What changed ----------------------------------------------------------------------------------------------

    def _show_case(self, case: Case) -> None:
        key = case.stack.key if case.stack is not None else ""
        if key != self._key:
            self._key = key
            self._readings.clear()
            self._curves.clear()
            self._asked = None
            self._workspace.tasks.cancel("metrics")
            self._workspace.tasks.cancel("curve")
            self._blank("No fused slice yet" if not key else "Measuring…")
            self.curve.show_values({}, 0)
        self._show_state(self._workspace.state)
        if case.stack is not None and case.stack.complete:
            self._measure_curve()

    def _show_state(self, state: ViewState) -> None:
        k = self._slice()
        if k is None:
            return
        self.curve.show_current(k)
        if k in self._readings:
            self._show(k, self._readings[k])
        elif k != self._asked:
            fused = self._workspace.case.stack is not None and self._workspace.case.stack.done[k]
            self._blank(_named(k) if fused else f"{_named(k)}: not fused yet")
            self._calm.start()

    def _slice_fused(self, k: int) -> None:
        if k == self._slice() and k not in self._readings:
            self._calm.start()

    def _slice(self) -> int | None:
        case = self._workspace.case
        if case.stack is None or case.mri is None:
            return None
        return self._workspace.state.slice_of(case.mri.geometry, 2)

    # The slice in view -----------------------------------------------------------------------------------------

    def _measure(self) -> None:
        k, stack = self._slice(), self._workspace.case.stack
        if k is None or stack is None or k in self._readings or k == self._asked or not stack.done[k]:
            return
        if not stack.aligned.inside[k].any():
            self._blank(f"{_named(k)}: outside the partner's field of view")
            return
        self._asked = k
        self._workspace.tasks.start(
            "Measuring",
            lambda progress: stack.metrics(k),
            partial(self._measured, stack.key, k),
            failed=partial(self._not_measured, k),
            cancelled=partial(self._not_measured, k),
            key="metrics",
        )

    def _measured(self, key: str, k: int, readings: tuple[MetricReading, ...]) -> None:
        self._asked = None
        if key != self._key:
            return
        self._readings[k] = readings
        if k == self._slice():
            self._show(k, readings)

    def _not_measured(self, k: int, error: Exception | None = None) -> None:
        self._asked = None
        self._blank(f"{_named(k)}: not measured")
        if error is not None:
            self.failed.emit("Measuring", error)

    def _show(self, k: int, readings: tuple[MetricReading, ...]) -> None:
        self.heading.setText(f"{_named(k)}: fused against its two sources")
        self.heading.setToolTip(tooltip(BEWARE))
        self.table.show()
        self.table.setRowCount(len(readings))
        for row, reading in enumerate(readings):
            metric = reading.metric
            defined = math.isfinite(reading.value)
            value = f"{reading.value:.4g}" if defined else "undefined"
            unit = "" if metric.unit == "1" else metric.unit
            told = _told(metric) if defined else f"{_told(metric)}\nUndefined here: {reading.reason}"
            for column, text in enumerate((metric.name, value, f"{ARROWS[metric.better]} {unit}".strip())):
                item = QTableWidgetItem(text)
                item.setToolTip(tooltip(told))
                if column == 1:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    if not defined:
                        item.setForeground(QColor("#9aa1ab"))
                self.table.setItem(row, column, item)
        undefined = sorted({one.reason for one in readings if not math.isfinite(one.value)})
        measured = readings[0].region if readings else ""
        self.region.setText("\n".join([f"Measured over {measured}. ↑ higher, ↓ lower is better.", *undefined]))
        self._fit_table()
        self._fill_metric_box([one.metric.name for one in readings])
        self.measured.emit(k)

    def _blank(self, heading: str) -> None:
        """No number of another slice, or of another fusion, may stay under a new heading."""
        self.heading.setText(heading)
        for row in range(self.table.rowCount()):
            item = self.table.item(row, 1)
            if item is not None:
                item.setText("…")
        self.region.setText("")

    def _fit_table(self) -> None:
        rows = sum(self.table.rowHeight(row) for row in range(self.table.rowCount()))
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + rows + 4)

    # The curve -------------------------------------------------------------------------------------------------

    def _fill_metric_box(self, names: list[str]) -> None:
        if self.metric_box.count() == 0:
            self.metric_box.blockSignals(True)
            self.metric_box.addItems(names)
            self.metric_box.setCurrentText(self._curve_metric)
            self.metric_box.blockSignals(False)

    def _show_curve(self, shown: bool) -> None:
        self.curve.setVisible(shown)
        self.metric_box.setVisible(shown)
        self._measure_curve()
        if shown:
            self.grown.emit()

    def _choose_curve(self, name: str) -> None:
        self._curve_metric = name
        self._measure_curve()

    def _measure_curve(self) -> None:
        stack, name = self._workspace.case.stack, self._curve_metric
        if stack is None or not self.curve.isVisibleTo(self):
            return
        known = self._curves.setdefault(name, {})
        count = len(stack.done)
        self.curve.show_values(known, count)
        left = [k for k in range(count) if stack.done[k] and k not in known and stack.aligned.inside[k].any()]
        if left and stack.complete:
            self._workspace.tasks.start(
                f"Curve of {name}",
                _curve_work(stack, left, name),
                partial(self._curve_measured, stack.key, name),
                failed=lambda error: self.failed.emit("Measuring the curve", error),
                key="curve",
            )

    def _curve_measured(self, key: str, name: str, values: dict[int, float]) -> None:
        if key == self._key:
            self._curves[name].update(values)
            if name == self._curve_metric:
                stack = self._workspace.case.stack
                self.curve.show_values(self._curves[name], 0 if stack is None else len(stack.done))

    def _go_to(self, k: int) -> None:
        mri = self._workspace.case.mri
        if mri is not None:
            self._workspace.update(**at_slice(self._workspace.state, mri.geometry, k, 2))


def _named(k: int) -> str:
    """As the panes and file names count, from 1; the command line counts from 0."""
    return f"Slice {k + 1}"


def _told(metric: Metric) -> str:
    unit = "a plain number" if metric.unit == "1" else metric.unit
    facts = f"Unit: {unit}; {metric.better} is better."
    rows = (f"{metric.title} ({metric.name})", facts, metric.source, metric.beware)
    return "\n".join(row for row in rows if row)


def _curve_work(stack: FusionStack, slices: list[int], name: str) -> Callable[[Progress], dict[int, float]]:
    def work(progress: Progress) -> dict[int, float]:
        values = {}
        for count, k in enumerate(slices, 1):
            values[k] = stack.metrics(k, [name])[0].value
            progress(count / len(slices), f"slice {count} of {len(slices)}")
        return values

    return work
