"""What a compressed frame says about itself: its size, the bits of its samples, and whether its end is there.

Read without decoding, so that a decoder never allocates, or makes up, what a header only claims.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_ENDS = {b"\xff\xd8": b"\xff\xd9", b"\xff\x4f": b"\xff\xd9"}  # SOI with EOI (T.81), SOC with EOC (ISO 15444-1)
_NO_FRAME = (0xC4, 0xC8, 0xCC)  # DHT, JPG and DAC among the SOF markers


class StreamHeader(NamedTuple):
    """Rows, columns, and the bits of one sample as coded (its precision)."""

    rows: int
    columns: int
    bits: int


def stream_header(code: bytes) -> StreamHeader | None:
    """What a JPEG, JPEG-LS or JPEG 2000 stream states; None for another kind of stream (RLE states nothing)."""
    if code[:4] == b"\xff\x4f\xff\x51" and len(code) >= 43:  # SOC, SIZ (ISO 15444-1 A.5.1)
        right, bottom, left, top = struct.unpack(">4I", code[8:24])
        return StreamHeader(bottom - top, right - left, (code[42] & 0x7F) + 1)  # Ssiz: the sign, and bits less one
    if code[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(code) and code[at] == 0xFF:
        marker = code[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME):  # SOF (T.81 B.2.2, T.87)
            bits, rows, columns = struct.unpack(">BHH", code[at + 4 : at + 9])
            return StreamHeader(rows, columns, bits)
        at += 2 + struct.unpack(">H", code[at + 2 : at + 4])[0]
    return None


def is_cut_short(code: bytes) -> bool:
    """Whether a stream that ends in a marker lacks it."""
    end = _ENDS.get(code[:2])
    return end is not None and end not in code[-16:]
