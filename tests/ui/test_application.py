"""Starting the program: a picture of the window without a display, and every reason why it cannot start, in words."""

from __future__ import annotations

import gc
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app.base import settings, terminal
from app.base.assets import model_weights
from app.base.errors import FusionError
from app.fusion import registry, weights
from app.ui import application
from tests.network_packages import site_on_path
from tests.scenes import head
from tests.ui.program import run_program


@pytest.fixture(scope="module")
def pair_folder(tmp_path_factory):
    """A small head as two NIfTI files whose names say what they are."""
    folder = tmp_path_factory.mktemp("pair")
    for name, volume in zip(("mr", "pet"), head(size=48, slices=12), strict=True):
        to_ras = np.diag([-1.0, -1, 1, 1])
        image = nib.Nifti1Image(volume.values().T, to_ras @ volume.geometry.affine)
        nib.save(image, folder / f"{name}.nii.gz")
    return folder


@pytest.fixture(autouse=True)
def nothing_left(qapp):
    yield
    for widget in QApplication.topLevelWidgets():
        widget.close()
        widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_screenshot_waits_for_the_fusion_and_shows_it(pair_folder, tmp_path):
    picture = tmp_path / "window.png"
    shown = ("--network", "average", "--layout", "overlay", "--screenshot", str(picture))
    done = run_program("view", str(pair_folder), *shown)
    assert (done.returncode, done.stdout) == (0, "")
    assert all(re.match(r" *\d+% \w", line) for line in done.stderr.splitlines()), done.stderr  # progress alone
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape == (900, 1440, 3)
    pane = pixels[100:800, 300:1100]
    hot = (pane[..., 0] > pane[..., 2] + 60).mean()
    assert hot > 0.05  # the PET's colours lie over the MRI
    yellow = np.abs(pixels - [255, 212, 121]).max(axis=-1) < 12
    assert yellow[850:, 1100:].sum() > 50  # "not for diagnostic use", at the lower right
    metrics = pixels[500:750, 1160:1430].reshape(-1, 3)
    assert (metrics.min(axis=1) > 180).sum() > 300  # numbers in the table


def test_a_screenshot_of_nothing_readable_ends_with_the_reason(tmp_path):
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    done = run_program("view", str(tmp_path), "--screenshot", str(tmp_path / "w.png"), "--json")
    assert done.returncode == 2
    assert "no image that can be read" in json.loads(done.stdout)["error"]
    assert (tmp_path / "w.png").is_file()


def test_what_a_screenshot_waits_for_is_told(qapp, pair_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(terminal, "_LOG_S", 0.0)
    assert application.run([pair_folder], network="average", screenshot=tmp_path / "window.png") == 0
    assert re.search(r"^ *\d+% Fusing with ", capsys.readouterr().err, re.M)


def test_only_the_window_collects_garbage_from_its_start_until_it_has_closed(qapp, monkeypatch):
    from PySide6.QtCore import QTimer

    from app.ui.main_window import MainWindow

    seen: list[bool] = []
    close = MainWindow.closeEvent

    def closed(window, event):
        close(window, event)
        seen.append(gc.isenabled())

    monkeypatch.setattr(MainWindow, "closeEvent", closed)
    QTimer.singleShot(0, lambda: seen.append(gc.isenabled()))
    QTimer.singleShot(100, qapp.quit)
    assert application.run([], network="average") == 0
    assert seen == [False, False]
    assert gc.isenabled()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_before_the_window_waits_is_not_lost(qapp, number):
    window = application.make_window(settings.Settings())
    with application._heard(qapp, window):
        signal.raise_signal(number)
        assert qapp.exec() == 130


def test_a_fault_in_a_slot_is_shown_in_the_window(qapp, capsys):
    from PySide6.QtCore import QTimer

    window = application.make_window(settings.Settings())

    header = {"PatientName": "Muster^Anna"}

    def faulty():
        raise KeyError(header["PatientName"])

    with application._heard(qapp, window):
        QTimer.singleShot(0, faulty)
        QTimer.singleShot(50, qapp.quit)
        qapp.exec()
    assert "KeyError" in window.notices.notices[-1].text
    assert "Muster" not in capsys.readouterr().err


def test_a_misspelt_network_is_told_before_any_window(qapp):
    with pytest.raises(FusionError, match="no network 'avrage'"):
        application.run([], network="avrage")
    assert QApplication.topLevelWidgets() == []


def test_a_screenshot_into_no_folder_is_refused_before_any_work(qapp, tmp_path):
    with pytest.raises(application.ScreenshotError):
        application.run([], screenshot=tmp_path / "not" / "there.png")


def test_the_window_starts_as_it_was_left(qapp):
    application.make_application()
    window = application.make_window(settings.Settings(layout="planes", network="maximum", device="cpu"))
    assert window.workspace.state.layout == "planes"
    assert (window.workspace.case.network, window.workspace.case.device) == ("maximum", "cpu")
    other = application.make_window(settings.Settings(network="gone since"), layout="overlay", network="laplacian")
    assert other.workspace.case.network == "laplacian"
    assert other.workspace.state.layout == "overlay"


def test_a_package_whose_network_cannot_be_used_is_told_once_in_a_notice(qapp, tmp_path, monkeypatch):
    with site_on_path(tmp_path, monkeypatch) as site:
        site.net("pkg_good", "good")
        site.net("pkg_bad", "bad", trained_on=None)
        site.net("pkg_clash", "maximum")
        window = application.make_window(settings.Settings(network="good"))
    first, second = (notice for notice in window.notices.notices if notice.topic.startswith("packages"))
    assert first.text.startswith("The network bad of the package pkg_bad 1.2 cannot be used: its entry in ")
    assert second.text.endswith("there are two networks of that name, and Synoptic's own comes first.")
    assert "pip uninstall pkg_clash" in second.hint
    assert window.workspace.case.network == "good"
    window.leave()


def test_a_network_that_is_gone_is_told_and_the_first_that_can_run_is_used(qapp):
    window = application.make_window(settings.Settings(network="gone since"))
    assert window.workspace.case.network == registry.available()[0].name
    (told,) = window.notices.notices
    assert told.text == "There is no network 'gone since'."
    assert told.hint == f"It was chosen last time. {registry.available()[0].title} is used instead."
    assert window.settings().network == "gone since"  # it may be back next time
    box = window.fusion_panel.network
    box.activated.emit(box.currentIndex())  # chosen, though it was there already
    assert window.settings().network == registry.available()[0].name


def test_times_of_slices_outlive_the_window(qapp):
    known = {"lightfusionnet cpu 256x256": 12.5}
    window = application.make_window(settings.Settings(slice_ms=known))
    window.flow.times.known["average cpu 48x48"] = 0.5
    assert window.settings().slice_ms == {**known, "average cpu 48x48": 0.5}
    assert known == {"lightfusionnet cpu 256x256": 12.5}


def test_altered_weights_asked_for_are_refused_before_any_window(qapp, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(model_weights(), tmp_path / "weights"))
    (folder / "lightfusionnet.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(registry, "model_weights", lambda: folder)
    with pytest.raises(weights.WeightsAlteredError, match=hashlib.sha256(b"other weights").hexdigest()):
        application.run([], network="lightfusionnet")
    assert QApplication.topLevelWidgets() == []


def test_starting_imports_no_heavy_library():
    code = (
        "import sys, app.ui.application, app.ui.main_window;"
        "print([m for m in ('torch','SimpleITK','scipy','pydicom','nibabel','pyqtgraph','PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
