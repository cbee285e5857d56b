"""The panel of layers."""

from __future__ import annotations

import numpy as np
import pytest

from app.ui.flow.workspace import Workspace
from app.ui.panels.layer_panel import LayerPanel
from tests.scenes import head, pair, with_layer


@pytest.fixture(scope="module")
def case():
    mri, pet = head(24, 12)
    return with_layer(pair(mri, pet), head(24, 12, seed=1)[0], linked_by=np.eye(4))


@pytest.fixture
def panel(qapp, case):
    workspace = Workspace()
    panel = LayerPanel(workspace)
    workspace.set_case(case)
    yield panel
    panel.close()
    workspace.tasks.stop()


def _over(panel):
    workspace = panel._workspace
    return panel.rows[workspace.case.layers[-1].uid]


def test_every_layer_has_a_row_with_its_part_and_only_those_over_the_pair_have_controls(panel, case):
    assert list(panel.rows) == [layer.uid for layer in reversed(case.layers)]
    assert panel.rows[case.base_uid].standing.text() == "MRI"
    assert panel.rows[case.partner_uid].standing.text() == "Partner"
    assert _over(panel).standing.text() == "header only, not checked"
    assert panel.rows[case.base_uid].remove.isHidden()
    assert not _over(panel).remove.isHidden()
    assert panel.empty.isHidden()


def test_a_row_changes_its_layer_and_undo_takes_it_back(panel):
    row, workspace = _over(panel), panel._workspace
    row.opacity.setValue(80)
    assert workspace.case.layer(row.uid).opacity == 0.8
    row.shown_as.setCurrentIndex(row.shown_as.findData("contour"))
    row.shown_as.activated.emit(row.shown_as.currentIndex())
    assert workspace.case.layer(row.uid).shown_as == "contour"
    row.opacity.setValue(30)
    assert (workspace.case.layer(row.uid).contour_at, workspace.case.layer(row.uid).opacity) == (0.3, 0.8)
    row.visible_box.click()
    assert workspace.case.overlays == ()
    assert row.opacity.isHidden()
    workspace.undo()
    assert row.visible_box.isChecked()


def test_a_layer_taken_away_has_no_row_and_comes_back_by_undo(panel):
    row, workspace = _over(panel), panel._workspace
    row.remove.click()
    assert row.uid not in panel.rows
    workspace.undo()
    assert workspace.case.layer(row.uid) is not None
    assert row.uid in panel.rows


def test_what_is_laid_over_nothing_says_so(panel, case):
    panel._workspace.set_case(with_layer(pair(case.mri, case.partner), head(24, 12, seed=2)[0]))
    assert _over(panel).standing.text() == "not linked: register it, or open it as the partner"
    panel._workspace.set_case(panel._workspace.case.emptied())
    assert not panel.empty.isHidden()
    assert panel.rows == {}
