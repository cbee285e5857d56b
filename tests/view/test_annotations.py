"""Where words and scales stand, and what gives way where there is little room."""

from __future__ import annotations

import pytest

from app import NOT_FOR_DIAGNOSIS
from app.core.planes import plane_of
from app.registration.verdict import Verdict
from app.view.annotations import (
    banner,
    banner_size,
    bar_width,
    colour_bar,
    corners,
    fitting,
    letters,
    message,
    scale_bar,
)
from app.view.annotations import scale_length_mm as length_mm
from app.view.bars import Bar
from app.view.labels import About, Labels, Line, verdict_line
from app.view.marks import BANNER_HEIGHT, MARGIN, Frame, Polyline, Ramp, Text
from app.view.mixing import Mix
from tests.scenes import head

FRAME = Frame.of_pane(400, 300)


def measure(words: str, size: float, bold: bool) -> float:
    return 0.6 * size * len(words)


def texts(marks):
    return [mark for mark in marks if isinstance(mark, Text)]


@pytest.mark.parametrize(("most", "expected"), [(9.99, 5), (10, 10), (19.9, 10), (20, 20), (55, 50), (0.4, 0.2)])
def test_the_scale_bar_has_the_longest_round_length_that_fits(most, expected):
    assert length_mm(2.0, 2.0 * most) == pytest.approx(expected)


def test_the_scale_bar_is_as_long_as_it_says_and_at_the_lower_right():
    line, words = scale_bar(3.0, FRAME)
    assert isinstance(line, Polyline)
    assert words.words == "2 cm"  # of at most 100 pixels, 33 mm
    xs = [x for x, _ in line.points]
    assert max(xs) - min(xs) == pytest.approx(60)
    assert max(xs) == 400 - MARGIN
    assert max(y for _, y in line.points) < 300 - BANNER_HEIGHT
    assert scale_bar(30.0, FRAME)[1].words == "2 mm"


def test_letters_stand_at_the_sides_they_name():
    mri, _ = head(32, 24)
    left, right, top, bottom = letters(plane_of(mri.geometry, 2), FRAME, right_inset=20)
    assert [mark.words for mark in (left, right, top, bottom)] == ["R", "L", "A", "P"]
    assert left.at[0] == MARGIN
    assert right.at[0] == 400 - MARGIN - 20
    assert top.at[1] < left.at[1] == right.at[1] < bottom.at[1] < 300 - BANNER_HEIGHT


def test_corners_grow_from_their_edges_and_leave_the_scale_bar_its_place():
    one, two = Line("first", About.PLACE), Line("second", About.PLACE)
    wide = Line("so many words that half a pane is not enough for them", About.WINDOW)
    marks = texts(corners(Labels((one, two), (two,), (wide, one)), FRAME, measure))
    assert [mark.anchor for mark in marks] == ["left", "left", "right", "left", "left"]
    first, second, _, lowest, above = marks
    assert second.at[1] > first.at[1]
    assert (lowest.words, above.words) == ("first", wide.text)  # the lowest line has half the width, others all of it
    assert above.at[1] < lowest.at[1] < 300 - BANNER_HEIGHT
    assert texts(corners(Labels((), (), (wide,)), FRAME, measure))[0].words.endswith("…")


def test_a_warning_is_written_small_rather_than_cut():
    words, size = fitting(verdict_line(Verdict.UNVERIFIED), 64, 11, measure)
    assert words == "UNVERIFIED"
    assert size < 11
    assert measure(words, size, False) <= 64


@pytest.mark.parametrize("width", [125, 160, 300])
def test_the_whole_warning_stands_in_every_pane(width):
    strip, words = banner(Frame.of_pane(width, 120), measure)
    assert strip.box == (0, 120 - BANNER_HEIGHT, width, BANNER_HEIGHT)
    assert words.words == NOT_FOR_DIAGNOSIS
    assert measure(words.words, banner_size(width, measure), True) <= width


def test_a_colour_bar_has_its_high_end_on_top():
    mix = Mix("PET", inverted=True)
    ramp, caption, high, low = colour_bar(Bar(mix, "0", "10", "SUVbw"), FRAME, measure)
    assert isinstance(ramp, Ramp)
    assert ramp.mix == mix
    assert (caption.words, high.words, low.words) == ("SUVbw", "10", "0")
    assert caption.at[1] < high.at[1] < ramp.box[1] < ramp.box[1] + ramp.box[3] < low.at[1]


def test_a_colour_bar_on_greys_is_wide_and_says_where_scales_differ():
    bar = Bar(Mix("PET", overlay=0.5), "0", "10", "SUVbw", "fused 0 to 20")
    ramp, _, _, low, other = colour_bar(bar, FRAME, measure)
    assert ramp.box[2] == bar_width(bar) > bar_width(Bar(Mix("PET"), "0", "10", "SUVbw"))
    assert ramp.box[0] + ramp.box[2] == FRAME.width - MARGIN
    assert (other.words, other.ink) == ("fused 0 to 20", "warn")
    assert other.at[1] > low.at[1] + 11


def test_a_message_stands_in_the_middle():
    first, second = message("two\nlines", FRAME, "stop", measure)
    assert (first.ink, first.bold, first.anchor) == ("stop", True, "middle")
    assert (first.at[1] + second.at[1]) / 2 == 150
