"""Panels and browser: they draw what the scene says, and ask for what is clicked."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from app.core.transforms import rigid
from app.core.values import FusionWindow
from app.core.volume import Study
from app.files.scan_result import Skipped
from app.fusion import registry, weights
from app.registration import register as registration
from app.registration.verdict import Verdict
from app.ui.flow.opening import Opening
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.workspace import Workspace
from app.ui.panels import thumbnails
from app.ui.panels.fusion_panel import FusionPanel
from app.ui.panels.metrics_pane import MetricsPane
from app.ui.panels.registration_panel import RegistrationPanel
from app.ui.panels.study_browser import StudyBrowser
from app.ui.panes.image_pane import SERIES_MIME
from tests.scenes import ANNA, aligned, fused, head, series, volume
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def volumes():
    return head(size=48, slices=12)


@pytest.fixture
def workspace(qapp):
    one = Workspace()
    yield one
    one.tasks.stop()


def _pair(workspace, volumes, **changes):
    """A pair whose fusion is given, so that nothing has to be computed."""
    mri, partner = volumes
    there = replace(registration.identity(mri, partner), **changes)
    onto = aligned(mri, partner, there)
    luma = np.where(onto.inside, np.linspace(0, 1, 48, dtype=np.float32), 0).astype(np.float32)
    windows = {"mri_fusion_window": FusionWindow(0, 600, "a.u."), "partner_fusion_window": FusionWindow(0, 10, "SUVbw")}
    workspace.set_scene(mri=mri, partner=partner)
    workspace.set_scene(registration=there, aligned=onto, stack=fused(onto, luma), **windows)


class Chooser:
    """Stands in for Opening: notes what it is asked."""

    def __init__(self, workspace):
        self.opening = Opening(workspace, palette_of=lambda _: "PET")
        self.asked = []
        self.opening.choose = lambda role, one: self.asked.append((role, one.uid if one else None))


# Study browser -------------------------------------------------------------------------------------------------

MR = replace(series("MR", (256, 256, 160), "a.u."), warnings=("Slice 4 is missing.",))
CT = series("CT", (512, 512, 90), "HU")
BROKEN = replace(series("US", (1, 1, 1), "unknown"), problem="It has no positions.")


@pytest.fixture
def browser(workspace):
    chooser = Chooser(workspace)
    one = StudyBrowser(workspace, chooser.opening)
    one.asked = chooser.asked
    skipped = (Skipped(Path("notes.txt"), "this is no image"),)
    workspace.set_scene(studies=(Study(ANNA, "1", (MR, CT, BROKEN), "Head", "20240131"),), skipped=skipped)
    yield one
    one.close()


def test_the_browser_lists_series_with_grid_unit_warnings_and_what_was_skipped(browser):
    study, skipped = (browser.tree.topLevelItem(n) for n in range(2))
    assert study.text(0) == "Muster Anna · P1 · born 1970-01-01 · F\nHead · 2024-01-31"
    rows = [study.child(n).text(0) for n in range(3)]
    assert "256 × 256 × 160" in rows[0]
    assert "⚠ Slice 4 is missing." in rows[0]
    assert "HU" in rows[1]
    assert "⛔ It has no positions." in rows[2]
    assert skipped.text(0) == "Skipped: 1 file"
    assert skipped.child(0).text(0) == "notes.txt\nthis is no image"


def test_a_series_dragged_onto_a_role_is_chosen(browser):
    item = browser._series_items()[1]
    slot = browser.slots_of_roles["partner"]
    dragged = browser.tree.mimeData([item])
    assert bytes(dragged.data(SERIES_MIME).data()).decode() == CT.uid
    drop = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, dragged, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    slot.dropEvent(drop)
    assert browser.asked == [("partner", CT.uid)]


def test_a_drag_of_something_else_is_not_taken(browser):
    data = QMimeData()
    data.setText(MR.uid)
    assert not data.hasFormat(SERIES_MIME)


def test_the_menu_of_a_series_offers_both_roles_but_not_for_one_that_cannot_be_read(browser):
    menu = browser.menu_of(CT)
    assert [action.text() for action in menu.actions()[:2]] == ["Use as MRI", "Use as Partner"]
    menu.actions()[0].trigger()
    assert browser.asked == [("mri", CT.uid)]
    assert [action.text() for action in browser.menu_of(BROKEN).actions()] == ["Open files or a folder…"]


def test_the_cross_of_a_role_empties_it(browser):
    slot = browser.slots_of_roles["mri"]
    slot.show_series(MR)
    QTest.mouseClick(slot.clear, Qt.MouseButton.LeftButton)
    assert browser.asked == [("mri", None)]


def test_a_thumbnail_keeps_the_slice_s_shape_and_inverts_pet(volumes):
    wide = volume(np.tile(np.arange(10, 50, dtype=np.int16), (1, 10, 1)), window=(25.0, 50.0))
    picture = thumbnails.of_volume(wide)
    assert picture.shape == (thumbnails.SIZE, thumbnails.SIZE)
    lit = np.flatnonzero(picture.any(axis=1))
    assert lit.size == thumbnails.SIZE / 4
    assert thumbnails.of_volume(volumes[1])[32].max() == 255  # air of a PET is white


# Registration panel --------------------------------------------------------------------------------------------


@pytest.fixture
def panel(workspace):
    one = RegistrationPanel(workspace, PairFlow(workspace))
    yield one
    one.close()


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({"verdict": Verdict.HEADER_ALIGNED, "method": "header"}, "Aligned by header"),
        ({"verdict": Verdict.UNVERIFIED, "method": "identity"}, "Not registered (as the coordinates stand)"),
        ({"verdict": Verdict.UNVERIFIED, "method": "automatic"}, "Not verified (automatic, rigid)"),
        ({"verdict": Verdict.UNVERIFIED, "method": "manual"}, "Not verified (by hand)"),
        ({"verdict": Verdict.REGISTERED, "method": "manual"}, "Registered and confirmed (by hand)"),
        ({"verdict": Verdict.REJECTED, "method": "automatic"}, "Registration rejected (automatic, rigid)"),
    ],
)
def test_the_verdict_is_said_in_words_and_colour(panel, workspace, volumes, changes, heading):
    _pair(workspace, volumes, **changes)
    assert panel.verdict.text() == heading
    assert panel.verdict.property("verdict") == changes["verdict"].value


def test_warnings_and_the_gain_are_shown(panel, workspace, volumes):
    changes = {"warnings": ("This is no head.",), "metric_before": 0.5, "metric_after": 0.75}
    _pair(workspace, volumes, method="automatic", verdict=Verdict.UNVERIFIED, **changes)
    assert "This is no head." in panel.sentence.text()
    assert panel.measured.text() == "Mutual information 0.5000 → 0.7500 nats"


def test_fields_show_how_far_the_partner_was_moved_and_move_it_when_typed(panel, workspace, volumes):
    _pair(workspace, volumes, verdict=Verdict.HEADER_ALIGNED)
    panel.moves[0].setValue(7.0)
    matrix = workspace.scene.registration.fixed_to_moving
    np.testing.assert_allclose(matrix, rigid((0, 0, 0), (-7, 0, 0)), atol=1e-12)  # seen 7 mm further left
    panel.turns[2].setValue(10.0)
    centre = volumes[0].geometry.centre_mm
    expected = np.linalg.inv(rigid((0, 0, 10), (7, 0, 0), centre))
    np.testing.assert_allclose(workspace.scene.registration.fixed_to_moving, expected, atol=1e-9)
    assert workspace.scene.stack is None
    workspace.undo()
    assert panel.moves[0].value() == 0  # both fields were one gesture within a second


def test_nothing_can_be_registered_without_a_pair(panel):
    assert panel.verdict.text() == "No pair yet"
    assert not panel.register_button.isEnabled()
    assert not panel.confirm_button.isEnabled()
    assert not panel.moves[0].isEnabled()


# Fusion panel --------------------------------------------------------------------------------------------------


@pytest.fixture
def fusion(workspace):
    one = FusionPanel(workspace, PairFlow(workspace))
    yield one
    one.close()


def test_the_fusion_panel_shows_windows_and_what_they_clip(fusion, workspace, volumes):
    _pair(workspace, volumes)
    assert (fusion.windows["mri"].low.value(), fusion.windows["mri"].high.value()) == (0, 600)
    assert fusion.windows["partner"].unit.text() == "SUVbw"
    assert fusion.windows["mri"].clipped.text().startswith("0 % above")
    assert "12 of 12 axial slices fused on cpu" in fusion.told.text()


def _networks(fusion):
    return {fusion.network.itemData(n): fusion.network.itemText(n) for n in range(fusion.network.count())}


def test_every_network_is_offered_with_its_time(fusion, workspace, volumes):
    assert list(_networks(fusion)) == [spec.name for spec in registry.NETWORKS]
    assert _networks(fusion)["lightfusionnet"] == "LightFusionNet, 8 ms a slice, published"
    _pair(workspace, volumes)
    fusion._flow.times.note(replace(workspace.scene.stack, slice_s=0.0312))
    assert _networks(fusion)["average"] == "Average, about 31 ms a slice"
    assert "48 × 48" in fusion.network.toolTip()
    at = fusion.network.findData("maximum")
    fusion.network.setCurrentIndex(at)
    fusion.network.activated.emit(at)
    assert workspace.scene.network == "maximum"


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
    _pair(workspace, volumes)
    stack = workspace.scene.stack
    fusion._flow.times.known["average cpu 48x48"] = 6000.0
    workspace.blockSignals(True)  # or the flow would begin to fuse
    workspace.set_scene(stack=None)
    fusion.show_scene(workspace.scene)
    assert fusion.told.text() == "12 axial slices to fuse: about 72 s"
    half = np.arange(12) < 6
    workspace.set_scene(stack=replace(stack, done=half))
    workspace.blockSignals(False)
    fusion.show_scene(workspace.scene)
    assert fusion.told.text().splitlines()[0] == "6 of 12 axial slices fused on cpu, about 36 s left"


def test_another_fusion_window_blanks_the_fusion_and_one_upside_down_is_refused(fusion, workspace, volumes):
    _pair(workspace, volumes)
    workspace.blockSignals(True)
    fusion.windows["partner"].high.setValue(20)
    assert workspace.scene.partner_fusion_window == FusionWindow(0, 20, "SUVbw")
    assert workspace.scene.stack is None
    fusion.windows["partner"].low.setValue(30)
    workspace.blockSignals(False)
    assert workspace.scene.partner_fusion_window == FusionWindow(0, 20, "SUVbw")
    assert fusion.windows["partner"].low.value() == 0


def test_an_overlay_that_is_clear_without_uptake_is_a_box_and_can_be_undone(fusion, workspace):
    fusion.fading.click()
    assert workspace.state.fading
    workspace.undo()
    assert not workspace.state.fading
    assert not fusion.fading.isChecked()


def test_a_palette_changes_colours_and_keeps_the_fusion(fusion, workspace, volumes):
    _pair(workspace, volumes)
    stack = workspace.scene.stack
    fusion.palette_box.setCurrentText("Cividis")
    fusion.palette_box.activated.emit(fusion.palette_box.currentIndex())
    assert workspace.state.palette == "Cividis"
    assert workspace.scene.stack is stack


def test_window_presets_follow_the_volume(fusion, workspace, volumes):
    _pair(workspace, volumes)
    box = fusion.preset_boxes["partner"]
    assert [box.itemText(n) for n in range(box.count())][:2] == ["Default  [0]", "SUV 0–5  [1]"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert workspace.state.partner_window == (2.5, 5)
    workspace.update(partner_window=(1.0, 2.0))
    assert box.currentIndex() == -1  # the reader's own


# Metrics -------------------------------------------------------------------------------------------------------


@pytest.fixture
def metrics(workspace):
    one = MetricsPane(workspace, curve_metric="EN")
    yield one
    one.close()


def test_a_metric_that_is_undefined_says_why(metrics, workspace, volumes):
    _pair(workspace, volumes)
    onto = workspace.scene.aligned
    workspace.set_scene(stack=fused(onto, np.zeros(onto.values.shape, np.float32)))
    wait_until(lambda: not metrics.pending and metrics.table.rowCount() == 10)
    rows = {metrics.table.item(n, 0).text(): metrics.table.item(n, 1) for n in range(10)}
    assert rows["CC"].text() == "undefined"
    assert "Undefined here: " in rows["CC"].toolTip()
    assert rows["EN"].text() == "0"
    assert len(metrics.region.text().splitlines()) > 1


def test_the_curve_measures_every_slice_in_the_field_of_view_and_a_click_goes_there(metrics, workspace, volumes):
    _pair(workspace, volumes)
    metrics.show()
    metrics.curve_button.click()
    wait_until(lambda: metrics.curve.values)
    stack = workspace.scene.stack
    inside = [k for k in range(12) if stack.aligned.inside[k].any()]
    assert sorted(metrics.curve.values) == inside
    assert metrics.curve.values[6] == pytest.approx(stack.metrics(6, ["EN"])[0].value)
    metrics.curve.picked.emit(2)
    assert workspace.state.slice_of(volumes[0].geometry, 2) == 2


def test_another_fusion_leaves_no_point_of_the_old_curve(metrics, workspace, volumes):
    _pair(workspace, volumes)
    metrics.show()
    metrics.curve_button.click()
    wait_until(lambda: metrics.curve.values)
    workspace.set_scene(network="maximum")
    assert metrics.curve.values == {}
    assert metrics.heading.text() == "No fused slice yet"


def test_thumbnails_go_with_their_study_and_follow_what_was_read_again(workspace, volumes):
    """Another patient's files can come with the same UID; and of a closed study nothing stays in memory."""
    mri = volumes[0]
    browser = StudyBrowser(workspace, Chooser(workspace).opening)

    def show(one):
        workspace.set_scene(studies=(Study(ANNA, "study", (one.series,)),))
        workspace.set_scene(mri=one)

    show(mri)
    first = browser.thumbnail_of(mri.series.uid)
    show(replace(mri, stored=np.zeros_like(mri.stored), series=replace(mri.series)))
    assert first.max() > browser.thumbnail_of(mri.series.uid).max() == 0
    workspace.set_scene(studies=(), mri=None)
    assert browser.thumbnail_of(mri.series.uid) is None


def test_a_thumbnail_of_a_large_picture_looks_at_few_of_its_pixels():
    """It is made in the GUI thread: the whole picture as numbers would take 1.5 s and 400 MB."""
    large = volume(np.zeros((1, 6000, 8000), np.uint8), modality="", in_mm=False)
    thumbnails.of_volume(large)
    tracemalloc.start()
    thumbnails.of_volume(large)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000
