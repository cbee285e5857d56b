"""The metrics pane: values of the slice in view, reasons where there are none, and the curve."""

from __future__ import annotations

import numpy as np
import pytest

from app.ui.panels.metrics_pane import MetricsPane
from tests.scenes import fused
from tests.ui.panels.pairs import give_pair
from tests.waiting import wait_until


@pytest.fixture
def metrics(workspace):
    one = MetricsPane(workspace, curve_metric="EN")
    yield one
    one.close()


def test_a_metric_that_is_undefined_says_why(metrics, workspace, volumes):
    give_pair(workspace, volumes)
    onto = workspace.case.aligned
    workspace.set_case(stack=fused(onto, np.zeros(onto.values.shape, np.float32)))
    wait_until(lambda: not metrics.pending and metrics.table.rowCount() == 10)
    rows = {metrics.table.item(n, 0).text(): metrics.table.item(n, 1) for n in range(10)}
    assert rows["CC"].text() == "undefined"
    assert "Undefined here: " in rows["CC"].toolTip()
    assert rows["EN"].text() == "0"
    assert len(metrics.region.text().splitlines()) > 1


def test_the_curve_measures_every_slice_in_the_field_of_view_and_a_click_goes_there(metrics, workspace, volumes):
    give_pair(workspace, volumes)
    metrics.show()
    metrics.curve_button.click()
    wait_until(lambda: metrics.curve.values)
    stack = workspace.case.stack
    inside = [k for k in range(12) if stack.aligned.inside[k].any()]
    assert sorted(metrics.curve.values) == inside
    assert metrics.curve.values[6] == pytest.approx(stack.metrics(6, ["EN"])[0].value)
    metrics.curve.picked.emit(2)
    assert workspace.state.slice_of(volumes[0].geometry, 2) == 2


def test_another_fusion_leaves_no_point_of_the_old_curve(metrics, workspace, volumes):
    give_pair(workspace, volumes)
    metrics.show()
    metrics.curve_button.click()
    wait_until(lambda: metrics.curve.values)
    workspace.set_case(network="maximum")
    assert metrics.curve.values == {}
    assert metrics.heading.text() == "No fused slice yet"
