"""Words made to fit, and frames."""

from __future__ import annotations

import pytest

from app.view.marks import BANNER_HEIGHT, Frame, elided, wrapped


def seven_a_letter(words: str, size: float, bold: bool) -> float:
    return 7.0 * len(words)


@pytest.mark.parametrize(
    ("room", "expected"), [(70, "ten letter"), (69, "ten lett…"), (35, "ten…"), (14, "t…"), (7, ""), (0, "")]
)
def test_words_without_room_end_in_an_ellipsis(room, expected):
    assert elided("ten letter", room, 12, False, seven_a_letter) == expected


def test_a_message_is_broken_between_words_and_loses_none():
    words = "this plane needs all slices: 130 of 176 are done"
    lines = wrapped(words, 90, 14, seven_a_letter)
    assert " ".join(lines) == words
    assert max(len(line) for line in lines) <= 12
    assert wrapped("unbreakablewords here", 35, 14, seven_a_letter) == ["unbreakablewords", "here"]


def test_a_pane_is_all_picture_down_to_the_banner():
    assert Frame.of_pane(300, 200).picture == (0, 0, 300, 200 - BANNER_HEIGHT)
