"""The fusion panel: networks with their times, windows with what they clip, palettes and presets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.core.palettes import PALETTES, Palette, palette
from app.core.values import FusionWindow
from app.fusion import registry, weights
from app.ui.flow.pair_flow import PairFlow
from app.ui.panels.fusion_panel import FusionPanel
from tests.ui.panels.pairs import give_pair


@pytest.fixture
def fusion(workspace):
    one = FusionPanel(workspace, PairFlow(workspace))
    yield one
    one.close()


def networks_of(fusion):
    return {fusion.network.itemData(n): fusion.network.itemText(n) for n in range(fusion.network.count())}


def test_the_fusion_panel_shows_windows_and_what_they_clip(fusion, workspace, volumes):
    give_pair(workspace, volumes)
    assert (fusion.windows["mri"].low.value(), fusion.windows["mri"].high.value()) == (0, 600)
    assert fusion.windows["partner"].unit.text() == "SUVbw"
    assert fusion.windows["mri"].clipped.text().startswith("0 % above")
    assert "12 of 12 axial slices fused on cpu" in fusion.told.text()


def test_every_network_is_offered_with_its_time(fusion, workspace, volumes):
    assert list(networks_of(fusion)) == [spec.name for spec in registry.NETWORKS]
    assert networks_of(fusion)["lightfusionnet"] == "LightFusionNet, 8 ms a slice, published, 98% of lesions"
    give_pair(workspace, volumes)
    fusion._flow.times.note(replace(workspace.case.stack, slice_s=0.0312))
    assert networks_of(fusion)["average"] == "Average, about 31 ms a slice"
    assert "48 × 48" in fusion.network.toolTip()
    at = fusion.network.findData("maximum")
    fusion.network.setCurrentIndex(at)
    fusion.network.activated.emit(at)
    assert workspace.case.network == "maximum"


def test_a_refused_network_cannot_be_chosen_and_says_why(fusion):
    error = weights.WeightsAlteredError(Path("light.safetensors"), "11aa", "22bb")
    fusion._flow.refused["lightfusionnet"] = error
    fusion._flow.network_refused.emit("lightfusionnet")
    at = fusion.network.findData("lightfusionnet")
    assert fusion.network.itemText(at) == "LightFusionNet: cannot run here"
    tip = fusion.network.itemData(at, Qt.ItemDataRole.ToolTipRole)
    assert "22bb, but the manifest vouches for 11aa" in tip
    assert not fusion.network.model().item(at).isEnabled()
    assert fusion.network.model().item(fusion.network.findData("average")).isEnabled()


def test_a_network_without_weights_is_listed_and_cannot_be_chosen(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "model_weights", lambda: tmp_path)
    panel = FusionPanel(workspace, PairFlow(workspace))
    enabled = {
        panel.network.itemData(n): panel.network.model().item(n).isEnabled() for n in range(panel.network.count())
    }
    assert enabled == {spec.name: spec.classical for spec in registry.NETWORKS}
    at = panel.network.findData("lightfusionnet")
    assert "missing" in panel.network.itemData(at, Qt.ItemDataRole.ToolTipRole)
    panel.close()


def test_the_time_for_the_whole_volume_is_told_before_and_the_rest_while_it_is_fused(fusion, workspace, volumes):
    give_pair(workspace, volumes)
    stack = workspace.case.stack
    fusion._flow.times.known["average cpu 48x48"] = 6000.0
    workspace.blockSignals(True)  # or the flow would begin to fuse
    workspace.set_case(stack=None)
    fusion.show_case(workspace.case)
    assert fusion.told.text() == "12 axial slices to fuse: about 72 s"
    half = np.arange(12) < 6
    workspace.set_case(stack=replace(stack, done=half))
    workspace.blockSignals(False)
    fusion.show_case(workspace.case)
    assert fusion.told.text().splitlines()[0] == "6 of 12 axial slices fused on cpu, about 36 s left"


def test_another_fusion_window_blanks_the_fusion_and_one_upside_down_is_refused(fusion, workspace, volumes):
    give_pair(workspace, volumes)
    workspace.blockSignals(True)
    fusion.windows["partner"].high.setValue(20)
    assert workspace.case.partner_fusion_window == FusionWindow(0, 20, "SUVbw")
    assert workspace.case.stack is None
    fusion.windows["partner"].low.setValue(30)
    workspace.blockSignals(False)
    assert workspace.case.partner_fusion_window == FusionWindow(0, 20, "SUVbw")
    assert fusion.windows["partner"].low.value() == 0


def test_an_overlay_that_is_clear_without_uptake_is_a_box_and_can_be_undone(fusion, workspace, volumes):
    give_pair(workspace, volumes)
    fusion.fading.click()
    assert workspace.case.fading
    workspace.undo()
    assert not workspace.case.fading
    assert not fusion.fading.isChecked()


def test_a_palette_changes_colours_and_keeps_the_fusion(fusion, workspace, volumes):
    give_pair(workspace, volumes)
    stack = workspace.case.stack
    fusion.palette_box.setCurrentText("Cividis")
    fusion.palette_box.activated.emit(fusion.palette_box.currentIndex())
    assert workspace.case.palette == "Cividis"
    assert workspace.case.stack is stack


def test_window_presets_follow_the_volume(fusion, workspace, volumes):
    give_pair(workspace, volumes)
    box = fusion.preset_boxes["partner"]
    assert [box.itemText(n) for n in range(box.count())][:2] == ["Default  [0]", "SUV 0–5  [1]"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert workspace.case.partner_layer.window == (2.5, 5)
    workspace.change_layer("partner", window=(1.0, 2.0))
    assert box.currentIndex() == -1  # the reader's own


def test_a_palette_added_to_the_list_is_offered(workspace, monkeypatch):
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    monkeypatch.setitem(PALETTES, "Rust", Palette("Rust", lambda: ramp))
    panel = FusionPanel(workspace, PairFlow(workspace))
    for box in (panel.palette_box, panel.alone_box):
        assert [box.itemText(n) for n in range(box.count())] == list(PALETTES)
    panel.close()
    palette.cache_clear()
