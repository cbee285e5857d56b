"""The menu Slices: keys walk through the stack and from series to series."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from tests.ui.windows import press, slice_of


@pytest.mark.parametrize(
    ("key", "moved"),
    [(Qt.Key.Key_Up, -1), (Qt.Key.Key_Down, 1), (Qt.Key.Key_PageDown, 5), (Qt.Key.Key_Home, -6), (Qt.Key.Key_End, 5)],
)
def test_keys_walk_through_the_slices_and_stop_at_the_ends(window, key, moved):
    before = slice_of(window)
    assert before == 6
    press(window, key)
    assert slice_of(window) - before == moved


def test_left_and_right_go_through_the_series_but_not_to_the_other_roles(window):
    """Two series of the study are in use; a third one is the only other choice for the partner."""
    case = window.workspace.case
    third = replace(case.partner.series, uid="1.2.3.CT", modality="CT")
    broken = replace(third, uid="1.2.3.US", problem="It has no positions.")
    (study,) = case.studies
    window.workspace.set_case(studies=(replace(study, series=(*study.series, third, broken)),))
    chosen = []
    window.opening.choose = lambda role, series: chosen.append((role, series.uid))
    window.actions_by_name["next_series"].trigger()
    window.actions_by_name["previous_series"].trigger()
    assert chosen == [("partner", third.uid), ("partner", third.uid)]
