"""The whole window, driven by keys and mouse over a phantom pair without a display."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QTextBrowser

from app import NOT_FOR_DIAGNOSIS
from app.base.settings import Settings
from app.core.transforms import rigid
from app.core.volume import Study
from app.ui.application import make_application, make_window
from app.ui.dialogs.networks_dialog import NetworksDialog
from app.ui.shell.messages import Notice
from app.view.scene import Scene
from tests.scenes import ANNA, BERT, head
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def volumes():
    found = head(size=48, slices=12)
    return tuple(replace(one, series=replace(one.series, frame_of_reference_uid="1.2.3")) for one in found)


@pytest.fixture
def empty(qapp):
    make_application()
    window = make_window(Settings(), network="average")
    window.show()
    yield window
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)  # or it would live on under the next one


@pytest.fixture
def window(empty, volumes):
    """With a fused pair in it."""
    _give(empty, *volumes)
    wait_until(lambda: not empty.pending, "the pair to be fused")
    return empty


def _give(window, mri, partner):
    window.opening.chosen = {"mri": mri.series, "partner": partner.series}
    study = Study(ANNA, "1", (mri.series, partner.series))
    window.workspace.set_scene(studies=(study,), mri=mri, partner=partner)


def _press(window, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(window.views, key, modifier)


def _state(window):
    return window.workspace.state


def _slice(window):
    return _state(window).slice_of(window.workspace.scene.mri.geometry)


def test_an_empty_window_says_what_to_do_and_that_it_is_not_for_diagnosis(empty):
    texts = [label.text() for label in empty.findChildren(QLabel) if label.isVisibleTo(empty)]
    assert NOT_FOR_DIAGNOSIS in texts
    assert any("Drop files" in text for text in texts)
    assert empty.windowTitle() == "Synoptic"


@pytest.mark.parametrize(
    ("key", "moved"),
    [(Qt.Key.Key_Up, -1), (Qt.Key.Key_Down, 1), (Qt.Key.Key_PageDown, 5), (Qt.Key.Key_Home, -6), (Qt.Key.Key_End, 5)],
)
def test_keys_walk_through_the_slices_and_stop_at_the_ends(window, key, moved):
    before = _slice(window)
    assert before == 6
    _press(window, key)
    assert _slice(window) - before == moved


def test_q_and_e_slide_the_overlay_and_recompute_nothing(window):
    stack = window.workspace.scene.stack
    assert _state(window).fusion == 1  # what the first look left
    _press(window, Qt.Key.Key_E)
    assert _state(window).overlay == pytest.approx(0.55)
    for _ in range(30):
        _press(window, Qt.Key.Key_Q)
    assert _state(window).overlay == 0
    _press(window, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    assert _state(window).fusion == pytest.approx(0.05)
    assert window.workspace.scene.stack is stack
    assert not window.workspace.tasks.busy


def test_space_shows_the_mri_alone_while_it_is_held(window):
    QTest.keyPress(window.views, Qt.Key.Key_Space)
    assert _state(window).hold_mri
    QTest.keyRelease(window.views, Qt.Key.Key_Space)
    assert not _state(window).hold_mri


def test_n_goes_through_the_annotations_and_hides_the_patient(window):
    _press(window, Qt.Key.Key_N)
    assert _state(window).annotations == "no patient data"
    names = [window.browser.tree.topLevelItem(n).text(0) for n in range(window.browser.tree.topLevelItemCount())]
    assert not any("Muster" in name for name in names)
    _press(window, Qt.Key.Key_N)
    assert _state(window).annotations == "none"
    _press(window, Qt.Key.Key_N)
    assert "Muster" in window.browser.tree.topLevelItem(0).text(0)


@pytest.mark.parametrize("tool", ["window", "pan", "zoom", "crosshair"])
def test_letters_choose_what_the_left_drag_does(window, tool):
    keys = {"window": Qt.Key.Key_W, "pan": Qt.Key.Key_P, "zoom": Qt.Key.Key_Z, "crosshair": Qt.Key.Key_X}
    _press(window, keys[tool])
    assert _state(window).tool == tool
    assert window.actions_by_name[f"tool:{tool}"].isChecked()


def test_numbers_choose_the_windows_of_the_partner(window):
    _press(window, Qt.Key.Key_1)
    assert _state(window).partner_window == (2.5, 5)  # SUV 0 to 5
    _press(window, Qt.Key.Key_0)
    assert _state(window).partner_window is None


def test_reset_and_fit_put_the_view_back(window):
    window.workspace.zoom(3)
    _press(window, Qt.Key.Key_F)
    assert _state(window).zoom == 1
    _press(window, Qt.Key.Key_I)
    assert _state(window).partner_inverted
    _press(window, Qt.Key.Key_Down)
    _press(window, Qt.Key.Key_R)
    assert not _state(window).partner_inverted
    assert _slice(window) == 6


def test_ctrl_z_takes_back_and_ctrl_shift_z_does_again(window):
    _press(window, Qt.Key.Key_2)
    _press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert _state(window).partner_window is None
    _press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert _state(window).partner_window == (3.5, 7)


@pytest.mark.parametrize(("n", "layout"), [*enumerate(["side-by-side", "overlay", "zoom", "planes"], 1)])
def test_layouts_have_keys(window, n, layout):
    _press(window, getattr(Qt.Key, f"Key_{n}"), Qt.KeyboardModifier.ControlModifier)
    assert _state(window).layout == layout
    shown = {pane.spec.name for pane in window.views.visible_panes()}
    assert {name for name, pane in window.views.panes.items() if pane.isVisible()} == shown


@pytest.mark.parametrize(("n", "plane"), [(1, "axial"), (2, "coronal"), (3, "sagittal")])
def test_alt_and_a_number_choose_the_plane_of_all_panes_and_the_menu_ticks_it(window, n, plane):
    window.actions_by_name[f"plane:{'coronal' if plane == 'axial' else 'axial'}"].trigger()
    QTest.keyClick(window, Qt.Key(Qt.Key.Key_0 + n), Qt.KeyboardModifier.AltModifier)
    assert [pane.picture().plane.name for pane in window.views.visible_panes()] == [plane] * 3
    assert window.actions_by_name[f"plane:{plane}"].isChecked()


def test_alt_arrows_nudge_the_partner_by_the_chosen_step(window):
    window.registration_panel.step.setCurrentIndex(window.registration_panel.step.findData(5.0))
    _press(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    matrix = window.workspace.scene.registration.fixed_to_moving
    np.testing.assert_allclose(matrix, rigid((0, 0, 0), (-5, 0, 0)), atol=1e-12)  # shown 5 mm further left
    assert window.registration_panel.moves[0].value() == 5


def test_c_confirms_and_the_panel_says_by_whom(window):
    _press(window, Qt.Key.Key_C)
    assert window.workspace.scene.registration.verdict == "registered"
    assert "confirmed by" in window.registration_panel.sentence.text()
    assert not window.registration_panel.confirm_button.isEnabled()


def test_keys_typed_into_a_field_stay_there(window):
    field = window.registration_panel.moves[0]
    field.setFocus()
    before = _slice(window)
    QTest.keyClick(field, Qt.Key.Key_Up)
    assert _slice(window) == before
    assert field.value() == 1
    QTest.keyClick(field.lineEdit(), Qt.Key.Key_1)
    assert _state(window).partner_window is None


def test_a_wheel_over_a_field_changes_neither_network_nor_alignment(window):
    scene = window.workspace.scene
    for field in (window.fusion_panel.network, window.registration_panel.moves[0]):
        at = QPointF(5, 5)
        turned = QWheelEvent(
            at, field.mapToGlobal(at), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(field, turned)
    assert window.workspace.scene is scene


def test_the_metrics_of_the_slice_in_view_are_shown(window):
    table = window.metrics_pane.table
    names = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert names == ["EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIFF", "Qabf", "SSIM"]
    assert window.metrics_pane.heading.text().startswith("Slice 7")
    expected = {one.metric.name: one.value for one in window.workspace.scene.stack.metrics(6)}
    assert table.item(0, 1).text() == f"{expected['EN']:.4g}"
    assert "bits" in table.item(0, 2).text()
    assert "doi" in table.item(0, 0).toolTip()


def test_no_number_of_another_slice_stays_under_a_new_heading(window):
    _press(window, Qt.Key.Key_Down)
    pane = window.metrics_pane
    assert pane.heading.text() == "Slice 8"
    assert pane.table.item(0, 1).text() == "…"
    wait_until(lambda: not pane.pending)
    assert pane.heading.text().startswith("Slice 8: fused")


def test_two_patients_are_stopped_in_red_until_confirmed(empty, volumes):
    mri, partner = volumes
    _give(empty, mri, replace(partner, series=replace(partner.series, patient=BERT)))
    wait_until(lambda: not empty.pending)
    assert empty.stop.isVisible()
    assert not empty.actions_by_name["export"].isEnabled()
    assert empty.views.panes["fused"].picture().pixels is None
    QTest.mouseClick(empty.stop.confirm_button, Qt.MouseButton.LeftButton)
    wait_until(lambda: not empty.pending)
    assert not empty.stop.isVisible()
    assert empty.workspace.scene.stack.complete


def test_files_dropped_on_the_window_are_opened(empty, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(empty.opening, "open", opened.append)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a b.nii")), QUrl.fromLocalFile(str(tmp_path))])
    drop = QDropEvent(
        QPointF(300, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    empty.dropEvent(drop)
    assert opened == [[tmp_path / "a b.nii", Path(tmp_path)]]


def test_the_list_of_keys_opens_with_a_question_mark(window):
    QTest.keyClick(window.views, "?")
    pages = [widget for widget in QApplication.topLevelWidgets() if widget.findChild(QTextBrowser)]
    assert "Show the MRI alone" in pages[0].findChild(QTextBrowser).toPlainText()
    pages[0].close()


def test_help_has_the_networks_cards(window):
    window.actions_by_name["networks"].trigger()
    dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, NetworksDialog))
    wait_until(lambda: dialog.list.count(), "the cards")
    assert dialog.text.toPlainText().startswith("Average\n")  # the network in use
    assert "measured on this computer's CPU" in dialog.text.toPlainText()
    dialog.close()


def test_the_context_menu_of_a_pane_offers_its_windows(window):
    titles = [action.text() for action in window.menu_of("partner").actions()]
    assert "Partner window" in titles
    assert "MRI window" not in titles
    assert {"MRI window", "Partner window"} <= {action.text() for action in window.menu_of("fused").actions()}


def test_settings_are_what_was_chosen_and_hold_no_patient(window):
    window.workspace.update(layout="planes", palette="Cividis")
    kept = window.settings()
    assert (kept.layout, kept.palettes["PT"], kept.network) == ("planes", "Cividis", "average")
    assert "Muster" not in repr(kept)


def test_a_picture_of_the_window_is_saved(window, tmp_path):
    from PIL import Image

    assert window.save_picture(tmp_path / "window.png")
    with Image.open(tmp_path / "window.png") as picture:
        assert picture.size[0] >= 1000
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50
    assert not window.save_picture(tmp_path / "not" / "there.png")


def test_the_probe_reads_both_volumes_and_says_where(window):
    window.workspace.probed.emit((0.0, 0.0, 0.0))
    told = window.status.reading.text()
    assert "MR " in told
    assert "SUVbw" in told
    assert "mm" in told
    window.workspace.probed.emit(None)
    assert window.status.reading.text() == ""


def test_what_runs_is_named_with_a_cancel_that_works(empty):
    def endless(progress):
        while True:
            progress(0.25, "slice 1 of 4")

    empty.workspace.tasks.start("Working", endless, lambda _: None)
    wait_until(lambda: "slice 1 of 4" in empty.status.text.text())
    assert empty.status.text.text() == "Working: slice 1 of 4"
    assert empty.status.bar.value() == 250
    QTest.mouseClick(empty.status.cancel, Qt.MouseButton.LeftButton)
    wait_until(lambda: not empty.workspace.tasks.busy)
    assert empty.status.text.text() == "Ready"
    assert not empty.status.cancel.isVisible()


def test_closing_all_leaves_no_picture_and_no_number(window):
    window.actions_by_name["close_all"].trigger()
    wait_until(lambda: not window.workspace.tasks.busy)
    scene: Scene = window.workspace.scene
    assert scene.mri is None
    assert window.metrics_pane.heading.text() == "No fused slice yet"
    assert window.registration_panel.verdict.text() == "No pair yet"
    window.notices.show_notice(Notice("still alive"))
