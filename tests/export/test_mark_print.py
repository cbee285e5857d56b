"""Marks as Pillow prints them: in their places and inks, at every scale."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from app.export.mark_print import measure_at, print_marks
from app.view.marks import INKS, Ellipse, Fill, Polyline, Ramp, Text
from app.view.mixing import Mix

MARKS = [
    Text((20, 60), "Wide", "warn", 24),
    Text((100, 60), "Wide", "plain", 24, bold=True, anchor="middle"),
    Polyline(((20, 20), (20, 80), (90, 80)), "region", 2),
    Ellipse((30, 20, 100, 60), "region", 2),
    Fill((50, 30, 40, 20), "rectangle"),
    Ramp((50, 10, 12, 80), Mix("Grey")),
]


@pytest.mark.parametrize("ratio", [1.0, 1.5])
@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_printed_in_its_place_and_ink(mark, ratio):
    sheet = Image.new("RGB", (round(200 * ratio), round(100 * ratio)), (128, 128, 128))
    print_marks(sheet, [mark], ratio)
    pixels = np.asarray(sheet).astype(int)
    ink = "plain" if isinstance(mark, Ramp) else mark.ink
    rows, columns = np.nonzero(np.abs(pixels - INKS[ink][:3]).max(-1) < 12)
    assert len(rows) > 20
    middle = (columns.min() + columns.max()) / 2 / ratio, (rows.min() + rows.max()) / 2 / ratio
    expected = {Text: None, Polyline: (55, 50), Ellipse: (80, 50), Fill: (70, 40), Ramp: (56, 50)}[type(mark)]
    if expected is not None:
        assert middle == pytest.approx(expected, abs=2)
    else:
        assert middle[1] == pytest.approx(51, abs=4)
        assert (middle[0] == pytest.approx(100, abs=3)) == (mark.anchor == "middle")
    if not isinstance(mark, Fill | Ramp):
        assert pixels.min() < 60  # the dark edge


def test_words_are_as_wide_as_their_measure():
    for ratio in (1.0, 1.5):
        sheet = Image.new("RGB", (600, 60))
        print_marks(sheet, [Text((10, 30), "NOT FOR DIAGNOSTIC USE", "warn", 20)], ratio)
        columns = np.nonzero((np.asarray(sheet) > 128).any((0, 2)))[0]
        assert (columns.max() - columns.min()) / ratio == pytest.approx(
            measure_at(ratio)("NOT FOR DIAGNOSTIC USE", 20, False), abs=4
        )
