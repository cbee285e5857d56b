"""Marks as Qt paints them: in their places, in their inks, readable in a narrow pane."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from app.ui.application import make_application
from app.ui.panes.mark_paint import paint, text_width
from app.view.annotations import SMALLEST, banner
from app.view.marks import INKS, Ellipse, Fill, Frame, Polyline, Ramp, Text
from app.view.mixing import Mix


@pytest.fixture(scope="module", autouse=True)
def application():
    return make_application()


def painted(*marks):
    """RGB of marks on a ground of middle grey, [row, column, 3]."""
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(0xFF808080)
    painter = QPainter(image)
    paint(painter, marks)
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(100, 200, 4)
    return pixels[..., 2::-1].astype(int)


MARKS = [
    (Text((20, 60), "Wide", "warn", 24), (18, 40, 90, 30)),
    (Text((120, 60), "Wide", "stop", 24, bold=True, anchor="right"), (30, 40, 92, 30)),
    (Text((100, 60), "Wide", "plain", 24, anchor="middle"), (60, 40, 80, 30)),
    (Polyline(((20, 20), (20, 80), (90, 80)), "region", 2), (17, 17, 76, 66)),
    (Ellipse((30, 20, 100, 60), "region", 2), (27, 17, 106, 66)),
    (Fill((50, 30, 40, 20), "rectangle"), (50, 30, 40, 20)),
    (Ramp((50, 10, 12, 80), Mix("Grey")), (49, 9, 15, 83)),
]


@pytest.mark.parametrize(("mark", "box"), MARKS)
def test_a_mark_is_painted_in_its_place_and_ink(mark, box):
    pixels = painted(mark)
    left, top, width, height = box
    rows, columns = np.nonzero((pixels != 128).any(-1))
    assert left <= columns.min()
    assert columns.max() < left + width
    assert top <= rows.min()
    assert rows.max() < top + height
    ink = "plain" if isinstance(mark, Ramp) else mark.ink
    assert (np.abs(pixels - INKS[ink][:3]).max(-1) < 12).sum() > 20


def test_words_and_lines_have_a_dark_edge():
    for mark, _ in MARKS[:5]:
        assert painted(mark).min() < 60


def test_a_ramp_has_its_low_end_at_the_bottom():
    column = painted(Ramp((50, 10, 12, 80), Mix("Grey")))[11:89, 56, 0]
    assert (np.diff(column) <= 0).all()
    assert painted(Ramp((50, 10, 12, 80), Mix("Grey", inverted=True)))[12, 56, 0] < 20


def test_no_words_paint_nothing():
    assert (painted(Text((20, 20), "")) == 128).all()


@pytest.mark.parametrize("width", [120, 160, 300])
def test_the_whole_warning_stands_in_every_pane(width):
    _, words = banner(Frame.of_pane(width, 120), text_width)
    assert text_width(words.words, words.size, True) <= width
    assert words.size >= SMALLEST - 1
