"""The whole window, driven by keys and mouse over a phantom pair without a display."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app import NOT_FOR_DIAGNOSIS
from app.ui.application import make_window
from tests.scenes import BERT
from tests.ui.windows import give, press
from tests.waiting import wait_until


def test_an_empty_window_says_what_to_do_and_that_it_is_not_for_diagnosis(empty):
    texts = [label.text() for label in empty.findChildren(QLabel) if label.isVisibleTo(empty)]
    assert NOT_FOR_DIAGNOSIS in texts
    assert any("Drop files" in text for text in texts)
    assert empty.windowTitle() == "Synoptic"


def test_the_metrics_of_the_slice_in_view_are_shown(window):
    table = window.metrics_pane.table
    names = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert names == ["EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIFF", "Qabf", "SSIM"]
    assert window.metrics_pane.heading.text().startswith("Slice 7")
    expected = {one.metric.name: one.value for one in window.workspace.case.stack.metrics(6)}
    assert table.item(0, 1).text() == f"{expected['EN']:.4g}"
    assert "bits" in table.item(0, 2).text()
    assert "doi" in table.item(0, 0).toolTip()


def test_no_number_of_another_slice_stays_under_a_new_heading(window):
    press(window, Qt.Key.Key_Down)
    pane = window.metrics_pane
    assert pane.heading.text() == "Slice 8"
    assert pane.table.item(0, 1).text() == "…"
    wait_until(lambda: not pane.pending)
    assert pane.heading.text().startswith("Slice 8: fused")


def test_two_patients_are_stopped_in_red_until_confirmed(empty, volumes):
    mri, partner = volumes
    give(empty, mri, replace(partner, series=replace(partner.series, patient=BERT)))
    wait_until(lambda: not empty.pending)
    assert empty.stop.isVisible()
    assert not empty.actions_by_name["export"].isEnabled()
    assert empty.views.panes["fused"].picture().pixels is None
    QTest.mouseClick(empty.stop.confirm_button, Qt.MouseButton.LeftButton)
    wait_until(lambda: not empty.pending)
    assert not empty.stop.isVisible()
    assert empty.workspace.case.stack.complete


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


def test_the_context_menu_of_a_pane_offers_its_windows(window):
    titles = [action.text() for action in window.menu_of("partner").actions()]
    assert "Partner window" in titles
    assert "MRI window" not in titles
    assert {"MRI window", "Partner window"} <= {action.text() for action in window.menu_of("fused").actions()}


def test_settings_are_what_was_chosen_and_hold_no_patient(window):
    window.workspace.update(layout="planes")
    window.workspace.change_layer("partner", palette="Cividis")
    kept = window.settings()
    assert (kept.layout, kept.palettes["PT"], kept.network) == ("planes", "Cividis", "average")
    assert "Muster" not in repr(kept)


def test_annotations_switched_off_are_not_remembered(window, qapp):
    window.workspace.update(annotations="none")
    later = make_window(window.settings())
    assert later.workspace.state.annotations == "full"
    later.leave()
    assert later.workspace.tasks.stop()
    later.deleteLater()


def test_a_picture_of_the_window_is_saved(window, tmp_path):
    from PIL import Image

    assert window.save_picture(tmp_path / "window.png")
    with Image.open(tmp_path / "window.png") as picture:
        assert picture.size[0] >= 1000
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50
    assert not window.save_picture(tmp_path / "not" / "there.png")
