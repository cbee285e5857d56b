"""A pane paints what was composed for the present state, pixel on pixel where they fit, and its marks over it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.ui.flow.workspace import Workspace
from app.ui.panes.image_pane import ImagePane
from app.ui.panes.live_layers import LiveLayers
from app.ui.panes.live_overlay import LivePartner
from app.view.colours import rgb
from app.view.layouts import PANES
from app.view.marks import BANNER_HEIGHT, INKS
from app.view.memo import Memo
from tests.scenes import head, pair

SIDE = 160


@pytest.fixture
def pane(qapp):
    workspace = Workspace()
    mri, pet = head(SIDE, 24)
    workspace.set_case(pair(mri, pet, verdict="registered"))  # no warning stands on the picture
    workspace.update(show_crosshair=False, annotations="none", layout="overlay")
    pane = ImagePane(workspace, PANES["fused"], LivePartner(workspace), LiveLayers(workspace), Memo())
    pane.resize(SIDE, SIDE)
    pane.show()
    QApplication.processEvents()
    yield pane
    pane.close()
    assert workspace.tasks.stop()
    pane.deleteLater()


def painted(pane):
    """RGB of the pane as it stands on the screen, [row, column, 3]."""
    image = pane.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return pixels[:, : image.width(), 2::-1].copy()


def test_a_picture_that_fits_is_painted_pixel_on_pixel(pane):
    inner = np.s_[30 : SIDE - int(BANNER_HEIGHT) - 30, 30 : SIDE - 30]  # without border, sides and banner
    for overlay in (0.0, 0.5, 1.0):
        pane.workspace.update(overlay=overlay)
        np.testing.assert_array_equal(painted(pane)[inner], rgb(pane.picture().pixels)[inner])


def test_the_same_state_is_composed_once(pane):
    first = pane.picture()
    assert pane.picture() is first
    pane.workspace.update(overlay=0.7)
    assert pane.picture() is not first


def test_the_crosshair_and_the_border_are_painted_over_the_picture(pane):
    bare = painted(pane)
    pane.workspace.update(show_crosshair=True)
    crossed = painted(pane)
    x, y, _ = pane.view().to_pane(pane.workspace.state.crosshair_mm)
    changed = (bare != crossed).any(-1)
    assert changed[int(y)].sum() > SIDE / 2
    assert changed[:, int(x)].sum() > SIDE / 2
    assert changed.sum() <= changed[int(y)].sum() + changed[:, int(x)].sum()
    blue = INKS["crosshair"][2]
    assert crossed[int(y), 3, 2] == pytest.approx(blue * 190 / 255 + bare[int(y), 3, 2] * 65 / 255, abs=2)


def test_a_pane_without_a_study_says_so(pane):
    pane.workspace.set_case(mri=None, partner=None)
    assert pane.view() is None
    assert not pane.linked()
    assert (painted(pane)[40:-40] > 150).any()  # the letters
