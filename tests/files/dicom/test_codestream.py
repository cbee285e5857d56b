"""What streams state, in headers written by hand from T.81, T.87 and ISO 15444-1."""

from __future__ import annotations

import pytest

from app.files.dicom.codestream import is_cut_short, stream_header


def test_a_jpeg_states_it_behind_other_segments():
    application = b"\xff\xe0\x00\x06abcd"
    frame = b"\xff\xc3\x00\x11\x10" + (300).to_bytes(2, "big") + (200).to_bytes(2, "big") + b"\0" * 8
    assert stream_header(b"\xff\xd8" + application + frame) == (300, 200, 16)


def test_a_jpeg_ls_stream_states_it():
    assert stream_header(b"\xff\xd8\xff\xf7\x00\x0b\x0c\x00\x05\x00\x07" + b"\0" * 4) == (5, 7, 12)


@pytest.mark.parametrize("sign", [0, 0x80])
def test_a_jpeg_2000_stream_states_it_and_a_sign_is_no_bit(sign):
    code = b"\xff\x4f\xff\x51\x00\x29\x00\x00" + b"".join(n.to_bytes(4, "big") for n in (70, 50, 6, 4))
    code += b"\0" * 16 + b"\x00\x01" + bytes([sign | 11, 1, 1])
    assert stream_header(code) == (46, 64, 12)


def test_rle_states_nothing():
    assert stream_header(b"\x01\0\0\0" + bytes(60)) is None
    assert not is_cut_short(b"\x01\0\0\0" + bytes(60))


@pytest.mark.parametrize("start", [b"\xff\xd8", b"\xff\x4f"])
def test_a_stream_ends_with_its_mark_and_some_padding(start):
    assert is_cut_short(start + bytes(100))
    assert not is_cut_short(start + bytes(100) + b"\xff\xd9\0")
