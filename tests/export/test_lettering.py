"""Letters in pixels: broken between words, as large as fits, and never an empty box."""

from __future__ import annotations

import pytest

from app.export.lettering import BannerRoomError, banner, font, printable, wrapped


def test_what_the_font_has_no_letter_for_is_written_with_its_nearest():
    assert printable("1.5 cm² ± 0.1 – 3 µm, é") == "1.5 cm2 ± 0.1 - 3 um, ?"


def test_no_printable_letter_is_drawn_as_the_empty_box_of_an_unknown_one():
    box = bytes(font(20).getmask("\uffff"))
    every = "".join(chr(code) for code in range(0x20, 0x2300))
    assert not [letter for letter in set(printable(every)) if bytes(font(20).getmask(letter)) == box]


def test_lines_are_broken_between_words_only():
    face = font(12)
    lines = wrapped("one two three four", face, int(face.getlength("one two")) + 1)
    assert " ".join(lines) == "one two three four"
    assert all(face.getlength(line) <= face.getlength("one two") + 1 for line in lines if " " in line)


@pytest.mark.parametrize(("rows", "columns"), [(512, 512), (256, 256), (128, 128), (64, 64), (80, 300)])
def test_a_banner_fits_into_the_slice_and_covers_little(rows, columns):
    letters, rim = banner(rows, columns, ("FUSED, header-aligned", "NOT FOR DIAGNOSTIC USE"))
    assert letters.shape == rim.shape == (rows, columns)
    assert rim[letters > 0].all()
    assert not rim[: int(rows * (0.6 if columns > 64 else 0.4))].any()
    assert (letters > 128).sum() > 100
    assert not letters[:, 0].any()
    assert not letters[:, -1].any()


def test_a_slice_too_small_for_the_notice_is_refused():
    with pytest.raises(BannerRoomError, match="20 x 20"):
        banner(20, 20, ("FUSED, unverified", "NOT FOR DIAGNOSTIC USE"))
