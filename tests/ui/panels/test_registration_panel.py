"""The registration panel: verdict, warnings, gain, and fields that move the partner."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.transforms import rigid
from app.registration.verdict import Stopped, Verdict
from app.ui.flow.pair_flow import PairFlow
from app.ui.panels.registration_panel import RegistrationPanel
from tests.ui.panels.pairs import give_pair


@pytest.fixture
def panel(workspace):
    one = RegistrationPanel(workspace, PairFlow(workspace))
    yield one
    one.close()


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({"verdict": Verdict.HEADER_ALIGNED, "method": "header"}, "Header only, not checked"),
        ({"verdict": Verdict.UNVERIFIED, "method": "identity"}, "Not registered (as the coordinates stand)"),
        ({"verdict": Verdict.UNVERIFIED, "method": "automatic"}, "Not verified (automatic, rigid)"),
        ({"verdict": Verdict.UNVERIFIED, "method": "manual"}, "Not verified (by hand)"),
        ({"verdict": Verdict.REGISTERED, "method": "manual"}, "Registered and confirmed (by hand)"),
        ({"verdict": Verdict.REJECTED, "method": "automatic"}, "Registration rejected (automatic, rigid)"),
    ],
)
def test_the_verdict_is_said_in_words_and_colour(panel, workspace, volumes, changes, heading):
    give_pair(workspace, volumes, **changes)
    assert panel.verdict.text() == heading
    assert panel.verdict.property("verdict") == changes["verdict"].value


def test_warnings_and_the_gain_are_shown(panel, workspace, volumes):
    changes = {"warnings": ("This is no head.",), "metric_before": 0.5, "metric_after": 0.75}
    give_pair(workspace, volumes, method="automatic", verdict=Verdict.UNVERIFIED, **changes)
    assert "This is no head." in panel.sentence.text()
    assert panel.measured.text() == "Mutual information 0.5000 → 0.7500 nats"


def test_fields_show_how_far_the_partner_was_moved_and_move_it_when_typed(panel, workspace, volumes):
    give_pair(workspace, volumes, verdict=Verdict.HEADER_ALIGNED)
    panel.moves[0].setValue(7.0)
    matrix = workspace.case.registration.fixed_to_moving
    np.testing.assert_allclose(matrix, rigid((0, 0, 0), (-7, 0, 0)), atol=1e-12)  # seen 7 mm further left
    panel.turns[2].setValue(10.0)
    centre = volumes[0].geometry.centre_mm
    expected = np.linalg.inv(rigid((0, 0, 10), (7, 0, 0), centre))
    np.testing.assert_allclose(workspace.case.registration.fixed_to_moving, expected, atol=1e-9)
    assert workspace.case.stack is None
    workspace.undo()
    assert panel.moves[0].value() == 0  # both fields were one gesture within a second


def test_nothing_can_be_registered_without_a_pair(panel):
    assert panel.verdict.text() == "No pair yet"
    assert not panel.register_button.isEnabled()
    assert not panel.confirm_button.isEnabled()
    assert not panel.moves[0].isEnabled()


def test_a_pair_that_follows_other_series_is_not_said_to_share_a_frame(panel, workspace, volumes):
    give_pair(workspace, volumes, method="linked", verdict=Verdict.HEADER_ALIGNED, stopped=Stopped.OTHER_SERIES)
    assert panel.verdict.text() == "Header only, not checked (by way of other series)"
    assert panel.sentence.text() == Stopped.OTHER_SERIES.sentence
