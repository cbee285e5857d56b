"""The two sliders: from the MRI to the partner, and from the plain overlay to the network's fusion.

Neither recomputes a fusion; a slider that has no meaning yet is disabled, not hidden.
"""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from app.case.document import Case
from app.fusion.registry import listed
from app.ui.flow.workspace import Workspace
from app.view.labels import name_of
from app.view.state import ViewState

_STEPS = 100


class OverlayBar(QWidget):
    """Both sliders with their ends named."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self.overlay = StateSlider("Overlay: from the MRI to its partner")
        self.fusion = StateSlider("Fusion: from the plain overlay to the network's fusion")
        self._mri, self._partner = _end("MRI"), _end("partner")
        self._plain, self._network = _end("overlay"), _end("fusion")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        for widget, stretch in (
            (self._mri, 0),
            (self.overlay, 3),
            (self._partner, 0),
            (self._plain, 0),
            (self.fusion, 2),
            (self._network, 0),
        ):
            if widget is self._plain:
                row.addSpacing(24)
            row.addWidget(widget, stretch)
        self.overlay.valueChanged.connect(lambda percent: workspace.update(overlay=percent / _STEPS))
        self.fusion.valueChanged.connect(lambda percent: workspace.update(fusion=percent / _STEPS))
        workspace.changed.connect(self.show_state)
        workspace.case_changed.connect(self.show_case)
        self.show_state(workspace.state)
        self.show_case(workspace.case)

    def show_state(self, state: ViewState) -> None:
        for slider, share in ((self.overlay, state.overlay), (self.fusion, state.fusion)):
            with QSignalBlocker(slider):  # drawing is not asking
                slider.setValue(round(_STEPS * share))

    def show_case(self, case: Case) -> None:
        pair = case.mri is not None and case.partner is not None and not case.stopped
        self.overlay.setEnabled(pair)
        self.fusion.setEnabled(pair)
        self._mri.setText("MRI" if case.mri is None else name_of(case.mri))
        self._partner.setText("partner" if case.partner is None else name_of(case.partner))
        self._network.setText(listed(case.network).title)


class StateSlider(QSlider):
    """0 to 100; a click goes where it points instead of one page nearer."""

    def __init__(self, name: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, _STEPS)
        self.setPageStep(10)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # arrow keys belong to the slices until asked for

    def sizeHint(self) -> QSize:
        return QSize(220, super().sizeHint().height())


def _end(words: str) -> QLabel:
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
    return label
