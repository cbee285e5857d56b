"""The export dialog: it offers what the list of formats holds, writes what is chosen, and asks before it overwrites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core.values import FusionWindow
from app.core.volume import Patient
from app.export import Options
from app.export.formats import EXPORT_FORMATS, ExportFormat, Switch
from app.registration import register as registration
from app.ui.dialogs.export_dialog import ExportDialog, Exporter
from app.ui.flow.workspace import Workspace
from tests.scenes import aligned, fused, head
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def volumes():
    return head(size=48, slices=12)


@pytest.fixture
def workspace(qapp):
    made = Workspace()
    yield made
    made.tasks.stop()


def _pair(workspace, volumes):
    """A pair whose fusion is given, so that nothing has to be computed."""
    mri, partner = volumes
    identity = replace(registration.identity(mri, partner))
    onto = aligned(mri, partner, identity)
    luma = np.where(onto.inside, np.linspace(0, 1, 48, dtype=np.float32), 0).astype(np.float32)
    windows = {"mri_fusion_window": FusionWindow(0, 600, "a.u."), "partner_fusion_window": FusionWindow(0, 10, "SUVbw")}
    workspace.set_case(mri=mri, partner=partner)
    workspace.set_case(registration=identity, aligned=onto, stack=fused(onto, luma), **windows)


def test_the_dialog_gives_the_options_that_were_chosen(qapp, tmp_path):
    dialog = ExportDialog(count=12, current=6, folder=tmp_path)
    assert dialog.slices() == (6,)
    dialog.formats["dicom"].setChecked(True)
    for box in dialog.switches.values():
        box.setCurrentIndex(1)
    dialog.first.setValue(9)  # as the panes count, from 1
    dialog.last.setValue(11)
    chosen = dialog.options("PET")
    assert tuple(chosen.formats) == ("png", "dicom")
    assert chosen.slices == (8, 9, 10)
    assert (tuple(chosen.switches), chosen.overwrite, chosen.palette) == (("plain", "derived-mr"), False, "PET")
    for check in dialog.formats.values():
        check.setChecked(False)
    assert not dialog.ok.isEnabled()


def test_an_export_writes_its_file_and_says_so(workspace, volumes, tmp_path):
    _pair(workspace, volumes)
    told = []
    exporter = Exporter(None, workspace, told.append)
    options = ExportDialog(12, 6, tmp_path).options("Hot Iron")
    exporter.write(workspace.case, tmp_path / "out", options)
    wait_until(lambda: told)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["fused_0007.png"]
    assert told[0].text == f"Exported 1 file to {tmp_path / 'out'}."


def test_nothing_to_export_is_told(workspace):
    told = []
    Exporter(None, workspace, told.append).ask()
    assert told[0].text == "There is no fused slice to export yet."


def test_an_export_that_would_overwrite_asks_first(workspace, volumes, tmp_path, monkeypatch):
    from app.ui.dialogs import export_dialog

    class Box(export_dialog.QMessageBox):
        """Shown nowhere: the test presses its buttons."""

        shown: list[Box] = []  # noqa: RUF012

        def open(self, *_):
            Box.shown.append(self)

    monkeypatch.setattr(export_dialog, "QMessageBox", Box)
    _pair(workspace, volumes)
    (tmp_path / "fused_0007.png").write_bytes(b"mine")
    told = []
    exporter = Exporter(None, workspace, told.append)
    exporter.write(workspace.case, tmp_path, ExportDialog(12, 6, tmp_path).options("Hot Iron"))
    wait_until(lambda: Box.shown)
    assert (tmp_path / "fused_0007.png").read_bytes() == b"mine"
    assert Box.shown[0].textFormat() == Qt.TextFormat.PlainText
    next(one for one in Box.shown[0].buttons() if one.text() == "Overwrite").click()
    wait_until(lambda: told)
    assert (tmp_path / "fused_0007.png").read_bytes()[:4] == b"\x89PNG"


def test_a_pseudonym_takes_the_patient_out_of_names_and_folder(qapp, tmp_path):
    dialog = ExportDialog(12, 6, tmp_path / "HFN-1_77ac319b", "HFN-1_77ac319b")
    assert dialog.options("PET").subject == "HFN-1_77ac319b"
    dialog.subject.clear()
    QTest.keyClicks(dialog.subject, "S07")
    assert dialog.options("PET").subject == "S07"
    assert dialog.folder() == tmp_path / "S07"
    dialog.path.setText(str(tmp_path / "mine"))
    QTest.keyClicks(dialog.subject, "b")
    assert dialog.folder() == tmp_path / "mine"


def test_two_patients_are_offered_two_folders(workspace, volumes, tmp_path, monkeypatch):
    from app.ui.dialogs import export_dialog

    offered = []

    class Asked(ExportDialog):
        def __init__(self, count, current, folder, subject, parent):
            super().__init__(count, current, folder, subject, parent)
            offered.append((folder, subject))

        def open(self):
            """Shown nowhere."""

    monkeypatch.setattr(export_dialog, "ExportDialog", Asked)
    exporter = Exporter(None, workspace, lambda _: None)
    for patient in (Patient("A"), Patient("B"), Patient("A")):
        pair = [replace(each, series=replace(each.series, patient=patient, study_uid="1.2")) for each in volumes]
        _pair(workspace, pair)
        exporter.ask()
        _, subject = offered[-1]
        exporter.write(workspace.case, tmp_path / "all" / subject, Options(slices=(6,), subject=subject))
        workspace.tasks.stop()
    assert [subject for _, subject in offered] == ["A_77ac319b", "B_77ac319b", "A_77ac319b"]
    assert offered[1][0] == tmp_path / "all" / "B_77ac319b"  # beside the one that was chosen for A
    assert offered[2][0] == tmp_path / "all" / "A_77ac319b"


def test_a_format_added_to_the_list_is_offered_by_the_dialog(qapp, tmp_path, monkeypatch):
    switch = Switch("loud", "With !", "quiet", "loud")
    entry = ExportFormat("digest", "Digests", "a line a slice", (".txt",), lambda job: None, switches=(switch,))
    monkeypatch.setitem(EXPORT_FORMATS, "digest", entry)
    dialog = ExportDialog(3, 1, tmp_path)
    assert dialog.formats["digest"].text() == "Digests"
    assert not dialog.switches["loud"].isEnabled()
    dialog.formats["digest"].setChecked(True)
    assert dialog.switches["loud"].isEnabled()
    dialog.switches["loud"].setCurrentIndex(1)
    chosen = dialog.options("Grey")
    assert tuple(chosen.formats) == ("png", "digest")
    assert tuple(chosen.switches) == ("loud",)
