"""The sheet of an annotated export: the pane's marks around the picture, none cut, none over another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.regions import Region
from app.core.geometry import Geometry
from app.export.colour import colouring
from app.export.mark_print import measure_at
from app.export.sheet import _frame, annotated, marks, squared
from app.view.marks import INKS, Fill, Frame, Polyline, Text
from app.view.memo import Memo
from app.view.pane_marks import marks_of
from app.view.viewport import viewport
from tests.export.test_picture_writer import covered

GRIDS = {
    "axial": Geometry((64, 60, 3), np.diag([1.0, 1.0, 2.0, 1.0])),
    "flat": Geometry((200, 40, 3), np.diag([1.0, 1.0, 2.0, 1.0])),
    "tall": Geometry((40, 200, 3), np.diag([1.0, 1.0, 2.0, 1.0])),
    "picture": Geometry((64, 48, 1), np.eye(4), in_mm=False),
}


def parts(kind, partner="PT"):
    coloured = colouring(covered(GRIDS[kind], "" if kind == "picture" else partner))
    measure = measure_at(1.25)
    picture, _ = squared(coloured, 0, 640)
    frame = _frame(coloured, 0, picture.width / 1.25, picture.height / 1.25, measure)
    return coloured, frame, marks(coloured, 0, frame, measure), measure


def boxes(texts, measure):
    for text in texts:
        width = measure(text.words, text.size, text.bold)
        left = text.at[0] - {"left": 0, "middle": width / 2, "right": width}[text.anchor]
        yield text.words, (left, text.at[1] - 0.75 * text.size, left + width, text.at[1])


@pytest.mark.parametrize("partner", ["PT", "CT"])
@pytest.mark.parametrize("kind", GRIDS)
def test_no_words_are_cut_and_none_lie_on_others(kind, partner):
    _, frame, printed, measure = parts(kind, partner)
    texts = [mark for mark in printed if isinstance(mark, Text) and mark.words]
    placed = list(boxes(texts, measure))
    for number, (words, (left, top, right, bottom)) in enumerate(placed):
        assert not words.endswith("…")
        assert left >= 0
        assert right <= frame.width
        assert top >= 0
        assert bottom <= frame.height
        for other, (left2, top2, right2, bottom2) in placed[:number]:
            assert left >= right2 or left2 >= right or top >= bottom2 or top2 >= bottom, (words, other)


@pytest.mark.parametrize("partner", ["PT", "CT"])
def test_every_word_of_the_fused_pane_is_on_the_sheet_but_no_crosshair(partner):
    coloured, _, printed, measure = parts("axial", partner)
    state = replace(coloured.state(0), show_crosshair=True)
    picture = coloured.picture(0)
    view = viewport(state, picture.plane, 0, 512.0, 512.0)
    pane = marks_of(state, coloured.case, "fused", picture, view, Frame.of_pane(512, 512), measure, Memo())
    on_pane, on_sheet = ({mark.words for mark in group if isinstance(mark, Text)} for group in (pane, printed))
    lengths = {words for words in on_pane | on_sheet if words.endswith((" mm", " cm"))}
    assert on_pane - lengths == on_sheet - lengths
    assert any(isinstance(mark, Fill) and mark.ink == "crosshair" for mark in pane)
    assert not any(isinstance(mark, Fill) and mark.ink == "crosshair" for mark in printed)
    sheet, _ = annotated(coloured, 0)
    assert not (np.asarray(sheet) == INKS["crosshair"][:3]).all(-1).any()


def test_nothing_of_the_patient_is_on_the_sheet():
    coloured, _, printed, _ = parts("axial")
    assert coloured.stack.aligned.mri.series.patient.name
    lines = " ".join(mark.words for mark in printed if isinstance(mark, Text))
    patient = coloured.stack.aligned.mri.series.patient
    assert not any(part in lines for part in (*patient.name.split("^"), patient.id))


def test_what_the_reader_drew_is_printed_where_it_lies_and_says_its_size():
    stack = covered(GRIDS["axial"])
    case = colouring(stack).case
    length = Region(1, "length", ((10.0, 20.0, 2.0), (40.0, 20.0, 2.0)), case.base.end)
    for k, shown in ((1, True), (2, False)):
        coloured = colouring(stack, "Hot Iron", case.having(regions=(length,)))
        frame = _frame(coloured, k, 500, 468.75, measure_at(1.25))
        printed = marks(coloured, k, frame, measure_at(1.25))
        lines = [mark for mark in printed if isinstance(mark, Polyline) and mark.ink == "region"]
        assert len(lines) == shown
        assert ("30.0 mm" in [mark.words for mark in printed if isinstance(mark, Text)]) == shown
    left, top, width, height = frame.picture
    lines = [mark for mark in marks(coloured, 1, frame, measure_at(1.25)) if getattr(mark, "ink", "") == "region"]
    across, down = width / 64, height / 60
    expected = [(left + (x + 0.5) * across, top + 20.5 * down) for x in (10, 40)]
    np.testing.assert_allclose(lines[0].points, expected, atol=1e-6)


def test_the_slice_lies_in_its_place_unchanged():
    coloured, _, _, _ = parts("axial")
    sheet, pixel_mm = annotated(coloured, 0)
    picture, _ = squared(coloured, 0, 640)
    assert pixel_mm == 0.1
    ratio = 14 / 12
    frame = _frame(coloured, 0, picture.width / ratio, picture.height / ratio, measure_at(ratio))
    left, top = (round(edge * ratio) for edge in frame.picture[:2])
    inner = np.s_[100:500, 60:560]  # no letter and no scale is there
    pixels = np.asarray(sheet)[top:, left:]
    np.testing.assert_array_equal(pixels[inner], np.asarray(picture.convert("RGB"))[inner])
    assert pixels[inner].std() > 5
