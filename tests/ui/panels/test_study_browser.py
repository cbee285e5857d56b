"""The study browser: it lists what was found, and asks for what is clicked or dragged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from app.core.volume import Study
from app.files.scan_result import Skipped
from app.ui.panels.study_browser import StudyBrowser
from app.ui.panes.image_pane import SERIES_MIME
from tests.scenes import ANNA, series
from tests.ui.panels.pairs import Chooser

MR = replace(series("MR", (256, 256, 160), "a.u."), warnings=("Slice 4 is missing.",))


CT = series("CT", (512, 512, 90), "HU")


BROKEN = replace(series("US", (1, 1, 1), "unknown"), problem="It has no positions.")


@pytest.fixture
def browser(workspace):
    chooser = Chooser(workspace)
    one = StudyBrowser(workspace, chooser.opening)
    one.asked = chooser.asked
    skipped = (Skipped(Path("notes.txt"), "this is no image"),)
    workspace.set_case(studies=(Study(ANNA, "1", (MR, CT, BROKEN), "Head", "20240131"),), skipped=skipped)
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


def test_without_patient_data_the_list_names_no_study_no_date_no_file_and_no_identifier(browser):
    told = replace(MR, frame_of_reference_uid="1.2.840.99.123456789012")
    study = Study(ANNA, "1", (told, CT), "Head of Mr Muster", "20240131")
    browser._workspace.set_case(studies=(study,))
    item = browser._series_items()[0]
    item.setSelected(True)
    assert "123456789012" in browser.details.text()
    browser._workspace.update(annotations="no patient data")
    tops = [browser.tree.topLevelItem(n) for n in range(2)]
    assert [top.text(0) for top in tops] == ["patient 1 (hidden)", "Skipped: 1 file"]
    assert tops[1].childCount() == 0
    browser._series_items()[0].setSelected(True)
    for text in (browser.details.text(), browser._series_items()[0].toolTip(0)):
        assert "MR head" in text
        assert "123456789012" not in text
    browser._workspace.update(annotations="full")
    assert "Head of Mr Muster" in browser.tree.topLevelItem(0).text(0)


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


def test_thumbnails_go_with_their_study_and_follow_what_was_read_again(workspace, volumes):
    """Another patient's files can come with the same UID; and of a closed study nothing stays in memory."""
    mri = volumes[0]
    browser = StudyBrowser(workspace, Chooser(workspace).opening)

    def show(one):
        workspace.set_case(studies=(Study(ANNA, "study", (one.series,)),))
        workspace.set_case(mri=one)

    show(mri)
    first = browser.thumbnail_of(mri.series.uid)
    show(replace(mri, stored=np.zeros_like(mri.stored), series=replace(mri.series)))
    assert first.max() > browser.thumbnail_of(mri.series.uid).max() == 0
    workspace.set_case(studies=(), mri=None)
    assert browser.thumbnail_of(mri.series.uid) is None
