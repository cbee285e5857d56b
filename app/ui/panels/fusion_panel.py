"""Fusion and display: network and device, the fusion windows and what they clip, palettes, window presets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPixmap, QStandardItemModel
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.case.document import Case
from app.core.palettes import PALETTES, palette
from app.core.values import Clipped, FusionWindow
from app.core.volume import Volume
from app.fusion import cards, registry
from app.fusion.spec import concerns
from app.ui.flow.opening import title_of
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import plain_label
from app.view.presets import presets
from app.view.probe import percent

DEVICES = {"auto": "Automatic", "cpu": "CPU", "cuda": "NVIDIA GPU"}
_SWATCH = QSize(64, 12)


class WindowFields(QWidget):
    """Low and high of one fusion window, and how much of the volume lies beyond it."""

    def __init__(self, workspace: Workspace, role: str) -> None:
        super().__init__()
        self._workspace, self._field_name = workspace, f"{role}_fusion_window"
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        self.unit, self.clipped = plain_label(wrap=False), plain_label(name="quiet", wrap=False)
        for field, tip in ((self.low, "becomes 0 for the network"), (self.high, "becomes 1 for the network")):
            field.setRange(-1e7, 1e7)
            field.setKeyboardTracking(False)
            field.setToolTip(f"This value, and all beyond it, {tip}. Changing it fuses again.")
            field.setMinimumWidth(64)
            field.valueChanged.connect(self._typed)
        row = QHBoxLayout()
        row.setSpacing(3)
        row.addWidget(self.low, 1)
        row.addWidget(QLabel("to"))
        row.addWidget(self.high, 1)
        row.addWidget(self.unit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addLayout(row)
        column.addWidget(self.clipped)

    def show_window(self, window: FusionWindow | None, clipped: Clipped | None) -> None:
        self.setEnabled(window is not None)
        told = "" if clipped is None else f"{percent(clipped.above)} above, {percent(clipped.below)} below (air too)"
        self.clipped.setText(told)
        if window is None:
            self.unit.setText("")
            return
        self.unit.setText(window.unit)
        decimals = 1 if window.high - window.low > 50 else 3
        for field, value in ((self.low, window.low), (self.high, window.high)):
            with QSignalBlocker(field):
                field.setDecimals(decimals)
                field.setValue(value)

    def _typed(self) -> None:
        now: FusionWindow | None = getattr(self._workspace.case, self._field_name)
        low, high = self.low.value(), self.high.value()
        if now is None:
            return
        if high <= low:
            self.show_window(now, None)  # the other number has to move first
            return
        self._set(replace(now, low=low, high=high))

    def _set(self, window: FusionWindow) -> None:
        changes: dict[str, Any] = {self._field_name: window}
        self._workspace.change(**changes)


class FusionPanel(QWidget):
    """Asks the workspace for another network, device, fusion window, palette or display window."""

    def __init__(self, workspace: Workspace, flow: PairFlow) -> None:
        super().__init__()
        self._workspace, self._flow = workspace, flow
        self.network, self.device = QComboBox(), QComboBox()
        self.network.setMinimumContentsLength(8)
        self.network.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for spec in registry.networks():
            self.network.addItem(spec.title, spec.name)
        for name, title in DEVICES.items():
            self.device.addItem(title, name)
        self._missing = {spec.name: registry.missing(spec) for spec in registry.networks()}
        self.windows = {role: WindowFields(workspace, role) for role in ("mri", "partner")}
        self.again = QPushButton("Go on fusing")
        self.again.setToolTip("After a cancel or a failure, fuse what is left")
        self.again.clicked.connect(flow.go_on)
        self.told = plain_label(name="quiet")
        self.palette_box, self.alone_box = _palette_box(), _palette_box()
        self.fading = QCheckBox("Overlay clear where there is no uptake")
        self.preset_boxes = {"mri": QComboBox(), "partner": QComboBox()}
        for box in self.preset_boxes.values():
            box.setMinimumContentsLength(8)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

        self.base_titles = (QLabel(), QLabel())

        fusion = QGroupBox("Network")
        form = _form(fusion)
        form.addRow(self.network)
        form.addRow("Device", self.device)
        form.addRow(self.base_titles[0], self.windows["mri"])
        form.addRow("Partner", self.windows["partner"])
        form.addRow(self.told)
        form.addRow(self.again)
        display = QGroupBox("Display: colours and windows")
        form = _form(display)
        form.addRow("Palette", self.palette_box)
        form.addRow(self.fading)
        form.addRow("Alone", self.alone_box)
        form.addRow(self.base_titles[1], self.preset_boxes["mri"])
        form.addRow("Partner", self.preset_boxes["partner"])
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(fusion)
        column.addWidget(display)
        column.addStretch(1)

        self.palette_box.setToolTip("Colours of the partner over the MRI and in the fusion; nothing is fused again")
        self.fading.setToolTip(
            "The overlay's colour grows over the first quarter of its window: no uptake leaves the MRI clean"
        )
        self.alone_box.setToolTip("Colours of the partner in its own pane")
        self.network.activated.connect(self._choose_network)
        self.device.activated.connect(lambda: workspace.set_case(device=self.device.currentData()))
        self.palette_box.activated.connect(
            lambda: workspace.change_layer("partner", palette=self.palette_box.currentText())
        )
        self.fading.clicked.connect(lambda checked: workspace.change_layer("partner", fading=checked))
        self.alone_box.activated.connect(
            lambda: workspace.change_layer("partner", palette_alone=self.alone_box.currentText())
        )
        for role, box in self.preset_boxes.items():
            box.activated.connect(lambda _, role=role: self._choose_window(role))
        self._presets_of: dict[str, object] = {"mri": None, "partner": None}
        workspace.case_changed.connect(self.show_case)
        workspace.slice_fused.connect(self._tell)
        flow.network_refused.connect(lambda _: self._name_networks())
        flow.given_up.connect(lambda _: self._tell())
        flow.topic_cleared.connect(lambda _: self._tell())  # such as that of a fusion that goes on
        flow.times.changed.connect(self._name_networks)
        workspace.tasks.changed.connect(lambda _: self._offer_to_go_on())
        self.show_case(workspace.case)

    def show_case(self, case: Case) -> None:
        self._name_networks()
        self.network.setCurrentIndex(self.network.findData(case.network))
        self.device.setCurrentIndex(self.device.findData(case.device))
        stack = case.stack
        clipped = (None, None) if stack is None else stack.clipped_percent
        self.windows["mri"].show_window(case.mri_fusion_window, clipped[0])
        self.windows["partner"].show_window(case.partner_fusion_window, clipped[1])
        for label in self.base_titles:
            label.setText(title_of("mri", case.mri.series if case.mri else None))
        self._tell()
        for role, volume in (("mri", case.mri), ("partner", case.partner)):
            if volume is not self._presets_of[role]:
                self._presets_of[role] = volume
                box = self.preset_boxes[role]
                box.clear()
                for preset in presets(volume):
                    box.addItem(preset.label, preset)
                box.setEnabled(volume is not None)
        self._show_display(case)

    def _choose_network(self) -> None:
        self._flow.stand_in = ""
        self._workspace.set_case(network=self.network.currentData())

    def _name_networks(self) -> None:
        """Each network with its time; one that cannot run cannot be chosen, and its tip says why."""
        case, item = self._workspace.case, cast(QStandardItemModel, self.network.model()).item
        for at, spec in enumerate(registry.networks()):
            refused = self._flow.refused.get(spec.name, self._missing[spec.name])
            lesions = registry.measured(spec).lesions
            kept = f", {lesions.share_shown:.0%} of lesions" if lesions else ""
            text = f"{spec.title}: cannot run here" if refused else f"{self._flow.times.beside_name(spec, case)}{kept}"
            tip = f"{refused} {refused.hint}" if refused else self._flow.times.explained(spec, case)
            if self.network.itemText(at) != text:
                self.network.setItemText(at, text)
            self.network.setItemData(at, tip, Qt.ItemDataRole.ToolTipRole)
            item(at).setEnabled(refused is None)
            if spec.name == case.network:
                self.network.setToolTip(tip)

    def _offer_to_go_on(self) -> None:
        self.again.setEnabled(self._flow.can_go_on)

    def _tell(self, _: int = 0) -> None:
        """How far the fusion is, where it runs and with what; called as slices arrive."""
        self._offer_to_go_on()
        case, times = self._workspace.case, self._flow.times
        stack, mri = case.stack, case.mri
        rows = []
        if stack is not None and mri is not None:
            done, count = int(stack.done.sum()), len(stack.done)
            left = times.slices(registry.listed(case.network), case, count - done)
            rows.append(f"{done} of {count} {_slices(mri)} fused on {stack.device}")
            if stack.elapsed_s:
                rows[-1] += f" in {stack.elapsed_s:.1f}\N{NO-BREAK SPACE}s"
            elif done < count and self._flow.fusion_ended:
                rows[-1] += ", then stopped"
            elif left and done < count:
                rows[-1] += f", {left} left"
            network = registry.listed(stack.request.network)
            if plane := concerns(network, (), mri.geometry.plane).plane:
                rows.append(f"⚠ The network was trained on {cards.planes(network)} slices; these are {plane}.")
            rows += [f"weights {stack.weights_sha256[:12]}…"] if stack.weights_sha256 else ["no trained weights"]
            rows += [f"⚠ {note}" for note in stack.notes]
        elif mri is not None and case.partner is not None and not case.stopped:
            count = mri.geometry.size[2]
            whole = times.slices(registry.listed(case.network), case, count)
            if self._flow.fusion_ended:
                rows.append(f"0 of {count} {_slices(mri)} fused, then stopped")
            elif whole:
                rows.append(f"{count} {_slices(mri)} to fuse: {whole}")
        self.told.setText("\n".join(rows))

    def _show_display(self, case: Case) -> None:
        self.palette_box.setCurrentText(case.palette)
        self.fading.setChecked(case.fading)
        self.alone_box.setCurrentText(case.palette_alone)
        for role, box in self.preset_boxes.items():
            layer = case.of_role(role)
            window = None if layer is None else layer.window
            at = next((n for n in range(box.count()) if box.itemData(n).window == window), -1)
            box.setCurrentIndex(at)  # none: the reader has a window of their own

    def _choose_window(self, role: str) -> None:
        self._workspace.change_layer(role, window=self.preset_boxes[role].currentData().window)


def _slices(volume: Volume) -> str:
    return f"{volume.geometry.plane} slices" if volume.geometry.in_mm else "pictures"


def _palette_box() -> QComboBox:
    box = QComboBox()
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setIconSize(_SWATCH)
    for at, (name, entry) in enumerate(PALETTES.items()):
        row = palette(name).tobytes()
        image = QImage(row, 256, 1, 768, QImage.Format.Format_RGB888).scaled(_SWATCH)
        box.addItem(QIcon(QPixmap.fromImage(image)), name)
        if entry.every_eye:
            box.setItemData(at, "In fusions its order is seen with any colour blindness", Qt.ItemDataRole.ToolTipRole)
    return box


def _form(box: QGroupBox) -> QFormLayout:
    form = QFormLayout(box)
    form.setContentsMargins(6, 4, 6, 4)
    form.setVerticalSpacing(4)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
