"""Help > Networks: every card, readable, and why a network cannot run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QTextTable
from shiboken6 import isValid

from app.base.assets import model_weights
from app.fusion import manifest, registry, weights
from app.ui.dialogs.networks_dialog import NetworksDialog, open_networks
from app.ui.flow.slice_times import SliceTimes
from app.ui.flow.workspace import Workspace
from tests.network_packages import site_on_path
from tests.waiting import wait_until

KNOWN = {"lightfusionnet cpu 256x256": 12.0}


@pytest.fixture
def workspace(qapp):
    one = Workspace()
    one.set_case(network="lightfusionnet")
    yield one
    one.tasks.stop()


@pytest.fixture
def altered(tmp_path: Path, monkeypatch) -> Path:
    """The shipped weights, LightFusionNet's with one byte more."""
    folder = Path(shutil.copytree(model_weights(), tmp_path / "weights"))
    with (folder / "lightfusionnet.safetensors").open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr(registry, "model_weights", lambda: folder)
    return folder


def _opened(workspace: Workspace) -> NetworksDialog:
    dialog = open_networks(workspace, SliceTimes(KNOWN), None)
    assert "Checking" in dialog.text.toPlainText()
    wait_until(lambda: dialog.list.count(), "the cards")
    return dialog


def test_networks_of_other_packages_are_listed_and_broken_ones_say_why(workspace, tmp_path, monkeypatch):
    with site_on_path(tmp_path, monkeypatch) as site:
        site.net("pkg_good", "good")
        site.net("pkg_bad", "bad", trained_on=None)
        dialog = _opened(workspace)
    pages = {
        dialog.list.item(n).text(): dialog.list.item(n) for n in range(len(registry.NETWORKS), dialog.list.count())
    }
    assert list(pages) == ["bad\ncannot run here", "Net"]
    dialog.list.setCurrentItem(pages["Net"])
    assert "Comes with: pkg_good 1.2" in dialog.text.toPlainText()
    dialog.list.setCurrentItem(pages["bad\ncannot run here"])
    assert "says not what it was trained_on" in dialog.text.toPlainText()
    assert "pip uninstall pkg_bad" in dialog.text.toPlainText()
    dialog.close()


def test_every_network_is_listed_and_the_one_in_use_is_shown(workspace):
    dialog = _opened(workspace)
    listed = [dialog.list.item(n).text().splitlines()[0] for n in range(dialog.list.count())]
    assert listed == [spec.title for spec in registry.NETWORKS]
    assert dialog.list.currentItem().text() == "LightFusionNet"
    shown = dialog.text.toPlainText()
    assert shown.startswith("LightFusionNet\nName: lightfusionnet\nParameters: 4,467\n")
    assert registry.weights_sha256(registry.find("lightfusionnet")) in shown
    assert "about 12 ms for a slice of 256 × 256, measured on this computer's CPU. 8 ms on a CPU" in shown
    assert "Limits. Trained on adult heads" in shown
    assert shown.index("For readers") < shown.index("How it was made")
    dialog.close()


def test_a_table_of_the_card_is_a_table_with_its_headings_in_bold(workspace):
    dialog = _opened(workspace)
    frames = dialog.text.document().rootFrame().childFrames()
    quality, measured = [frame for frame in frames if isinstance(frame, QTextTable)]
    assert quality.cellAt(1, 0).firstCursorPosition().block().text() == "rank sum"  # the card's, then the manifest's
    assert measured.rows() == 4  # a heading, and each task that the manifest has figures of
    first = [measured.cellAt(0, n).firstCursorPosition().block() for n in range(measured.columns())]
    assert [block.text() for block in first][:4] == ["val", "n", "EN", "SD"]
    assert all(block.begin().fragment().charFormat().fontWeight() >= 600 for block in first)
    assert measured.cellAt(1, 1).firstCursorPosition().block().begin().fragment().charFormat().fontWeight() < 600
    dialog.close()


def test_another_network_s_card_is_a_click_away(workspace):
    dialog = _opened(workspace)
    names = [spec.name for spec in registry.NETWORKS]
    dialog.list.setCurrentRow(names.index("maximum"))
    assert dialog.text.toPlainText().startswith("Maximum\nName: maximum\nParameters: none")
    dialog.close()


def test_altered_weights_are_told_with_both_hashes(workspace, altered):
    dialog = _opened(workspace)
    assert dialog.list.currentItem().text() == "LightFusionNet\ncannot run here"
    shown = dialog.text.toPlainText()
    assert "Cannot run here: " in shown
    assert weights.sha256_of(altered / "lightfusionnet.safetensors") in shown
    assert manifest.read_manifest(altered)["lightfusionnet"]["sha256"] in shown
    dialog.close()


def test_a_broken_manifest_is_told_in_the_dialog(workspace, altered):
    (altered / "manifest.json").write_text("{", encoding="utf-8")
    dialog = open_networks(workspace, SliceTimes({}), None)
    wait_until(lambda: not workspace.tasks.busy)
    assert "manifest.json cannot be used" in dialog.text.toPlainText()
    dialog.close()


def test_a_dialog_closed_early_is_not_written_to(workspace):
    dialog = open_networks(workspace, SliceTimes({}), None)
    dialog.close()
    QCoreApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)
    assert not isValid(dialog)
    wait_until(lambda: not workspace.tasks.busy)  # an answer to a window that is gone would raise here
