"""What must stay readable in a narrow pane."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFontMetricsF

from app import NOT_FOR_DIAGNOSIS
from app.ui.application import make_application
from app.ui.panes import pane_paint
from app.view.labels import verdict_line


@pytest.fixture(scope="module", autouse=True)
def application():
    return make_application()


@pytest.mark.parametrize("width", [120, 160, 300])
def test_the_whole_warning_stands_in_every_pane(width):
    letters = pane_paint.font(pane_paint._banner_size(width), bold=True)
    assert QFontMetricsF(letters).horizontalAdvance(NOT_FOR_DIAGNOSIS) <= width


def test_a_message_is_broken_between_words_and_loses_none():
    words = "this plane needs all slices: 130 of 176 are done"
    lines = pane_paint._wrapped(words, 160)
    assert " ".join(lines) == words
    assert all(pane_paint.text_width(line, 14) <= 160 for line in lines)


def test_a_warning_is_written_small_rather_than_cut():
    words, size = pane_paint._fitting(verdict_line("unverified"), 64, 11)
    assert words == "UNVERIFIED"
    assert pane_paint.text_width(words, size) <= 64
