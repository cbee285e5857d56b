"""The sliders of overlay and fusion."""

from __future__ import annotations

from app.ui.panels.overlay_bar import OverlayBar
from tests.scenes import pair


def test_the_sliders_show_and_change_the_state(workspace, volumes):
    bar = OverlayBar(workspace)
    assert not bar.overlay.isEnabled()
    workspace.set_case(pair(*volumes))
    assert bar.overlay.isEnabled()
    workspace.update(overlay=0.25, fusion=1.0)
    assert (bar.overlay.value(), bar.fusion.value()) == (25, 100)
    bar.overlay.setValue(80)
    bar.fusion.setValue(0)
    assert (workspace.state.overlay, workspace.state.fusion) == (0.8, 0.0)
    bar.deleteLater()
