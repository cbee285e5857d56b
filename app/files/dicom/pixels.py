"""Pixel data of one DICOM file: decode, sign, padding; before any rescale.

Uncompressed data are read in place, from where the scan found them, and not by pydicom, which parses every header again
and so takes four times as long for a series of 88 slices. Everything else is decoded by pydicom with its plug-ins
(Pillow, CharLS, GDCM), after the compressed frame's own size was compared with the header's.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID

from app.core.limits import BoundedFile, require
from app.files.dicom import gdcm_child
from app.files.dicom.codestream import is_cut_short, stream_header
from app.files.dicom.header import MALFORMED, DamagedFileError, Pixels, hush

Stored = NDArray[Any]
_LONG_VRS = (b"OB", b"OW", b"OF", b"OD", b"UN", b"OV", b"OL")
_FLOAT = {b"\xe0\x7f\x08\x00": "<f4", b"\xe0\x7f\x09\x00": "<f8"}
PLUGINS = {  # decoders that report damage instead of ending the process
    "1.2.840.10008.1.2.4.50": "pillow", "1.2.840.10008.1.2.4.51": "pillow",
    "1.2.840.10008.1.2.4.80": "pyjpegls", "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pillow", "1.2.840.10008.1.2.4.91": "pillow",
    "1.2.840.10008.1.2.5": "pydicom",
}  # fmt: skip
BY_GDCM = {f"1.2.840.10008.1.2.4.{tail}" for tail in ("51", "57", "70")}  # JPEG extended (12 bits), JPEG lossless
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_GDCM_PROGRAM = "from app.files.dicom.pixels import serve_gdcm; serve_gdcm()"
_PIXEL_DATA = b"\xe0\x7f\x10\x00"


def missing_bytes(length: int, pixels: Pixels) -> int:
    """How many bytes of uncompressed pixel data a file of `length` bytes lacks; 0 where it is whole or compressed."""
    if pixels.offset is None:
        return 0
    return max(0, pixels.offset + (12 if pixels.explicit else 8) + pixels.frames * pixels.frame_bytes - length)


def decode(path: Path, pixels: Pixels, indices: Sequence[int]) -> tuple[Stored, NDArray[np.bool_] | None]:
    """Frames `indices` of a file as stored [n, j, i], and False where a voxel is padding (None: nowhere).

    Raises
    ------
    DamagedFileError : the pixel data are cut short, damaged, or of another size than the header says
    TooLargeError : more than the memory budget
    """
    require(len(indices) * pixels.rows * pixels.columns * 8, path.name)
    try:
        raw = _in_place(path, pixels, indices) if pixels.offset is not None else _by_decoder(path, pixels, indices)
    except DamagedFileError:
        raise
    except MALFORMED as error:
        message = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise DamagedFileError(path, f"its pixel data cannot be decoded ({message}).") from error
    if raw.shape != (len(indices), pixels.rows, pixels.columns):
        raise DamagedFileError(path, f"its pixel data are {raw.shape[1:]}, not {pixels.rows} x {pixels.columns}.")
    stored = _stored_bits(raw, pixels)
    valid = None
    if pixels.padding is not None and raw.dtype.kind in "iu":
        low, high = pixels.padding
        padding = (raw >= low) & (raw <= high)  # it may need more bits than BitsStored
        if stored is not raw:
            stored[padding] = raw[padding]
            padding |= (stored >= low) & (stored <= high)
        valid = None if not padding.any() else ~padding
    return stored, valid


def _in_place(path: Path, pixels: Pixels, indices: Sequence[int]) -> Stored:
    assert pixels.offset is not None
    if missing_bytes(path.stat().st_size, pixels):
        raise DamagedFileError(path, "it is cut short in its pixel data.")
    with path.open("rb") as file:
        file.seek(pixels.offset)
        tag = file.read(4)
        if pixels.explicit:
            vr, _ = struct.unpack("<2sH", file.read(4))
            if vr not in _LONG_VRS:
                raise DamagedFileError(path, f"its pixel data have the unexpected VR {vr!r}.")
        length = struct.unpack("<I", file.read(4))[0]
        if tag not in _FLOAT and tag != _PIXEL_DATA:
            raise DamagedFileError(path, "its pixel data are not where the header ends.")
        kind = np.dtype(_FLOAT.get(tag) or f"<{'i' if pixels.signed else 'u'}{pixels.bits_allocated // 8}")
        if pixels.bits_allocated not in (8, 16, 32, 64) or kind.itemsize * 8 != pixels.bits_allocated:
            raise DamagedFileError(path, f"{pixels.bits_allocated} bits per pixel cannot be read.")
        if length != 0xFFFFFFFF and length < pixels.frames * pixels.frame_bytes:
            raise DamagedFileError(
                path, f"its pixel data have {length} bytes, too few for {pixels.rows} x {pixels.columns}."
            )
        start = file.tell()
        frames = np.empty((len(indices), pixels.rows, pixels.columns), kind)
        for n, index in enumerate(indices):
            file.seek(start + index * pixels.frame_bytes)
            if file.readinto(frames[n].data.cast("B")) != pixels.frame_bytes:
                raise DamagedFileError(path, "it is cut short in its pixel data.")
    return frames.astype(kind.newbyteorder("="), copy=False)


def _by_decoder(path: Path, pixels: Pixels, indices: Sequence[int]) -> Stored:
    """Compressed or big-endian frames: by a decoder that raises on damage; by GDCM, in a process of its own, else."""
    lossy12 = pixels.syntax == JPEG_EXTENDED and pixels.bits_stored > 8
    plugin = "" if lossy12 else PLUGINS.get(pixels.syntax, "")
    if not plugin and pixels.syntax in BY_GDCM:
        return gdcm_child.decode_in_child(path, pixels, indices, program=_GDCM_PROGRAM)
    return decode_here(path, pixels, indices, plugin)


def serve_gdcm() -> None:
    """What the child of `gdcm_child` runs: decode by GDCM whatever it is asked for."""
    gdcm_child.serve(lambda path, pixels, indices: decode_here(path, pixels, indices, "gdcm"))


def decode_here(path: Path, pixels: Pixels, indices: Sequence[int], plugin: str) -> Stored:
    """Decode in this process, by the plug-in of pydicom of that name ("": none is needed)."""
    hush()
    with BoundedFile(path) as file:
        data = dcmread(file, force=True)
    if "TransferSyntaxUID" not in data.file_meta:
        data.file_meta.TransferSyntaxUID = UID(pixels.syntax)
    frames: Stored
    bits = 0
    if data.file_meta.TransferSyntaxUID.is_encapsulated:
        if "PixelData" not in data:  # pydicom drops an element that the end of the file cuts off
            raise DamagedFileError(path, "it is cut short in its pixel data.")
        bits = _check_streams(path, data, pixels)
    if pixels.syntax == JPEG_EXTENDED and pixels.bits_stored > 8:
        from app.files.dicom.jpeg12 import decode_jpeg12  # brings GDCM

        streams = list(generate_frames(data.PixelData, number_of_frames=pixels.frames))
        frames = decode_jpeg12((streams[index] for index in indices), pixels.rows, pixels.columns)
        return frames.view(np.int16) if pixels.signed else frames
    options: dict[str, Any] = {"correct_unused_bits": False}  # which pydicom would do without regard to HighBit
    frames = np.stack(list(iter_pixels(data, indices=list(indices), raw=True, decoding_plugin=plugin, **options)))
    if bits == pixels.bits_stored <= pixels.high_bit:  # coded without the bits below: put where HighBit says
        frames = frames.astype(f"{frames.dtype.kind}{pixels.bits_allocated // 8}") << pixels.high_bit + 1 - bits
    return frames


def _stored_bits(raw: Stored, pixels: Pixels) -> Stored:
    """Only BitsStored up to HighBit are the value, the sign its highest; the rest is no part of it (PS3.5 8.1.1).

    Above it older files keep overlays, and codecs code whatever stands there: a decoder that returns the 16 bits of a
    signed frame of 12 returns 3096 for -1000 where the four above were 0. What a decoder has extended stays as it is.
    """
    width = 8 * raw.dtype.itemsize  # that of the decoded type, which may be narrower than BitsAllocated
    if raw.dtype.kind not in "iu" or pixels.bits_stored >= width:
        return raw
    high_bit = min(pixels.high_bit, width - 1)
    down, up = high_bit + 1 - pixels.bits_stored, width - 1 - high_bit
    return (raw << up) >> (up + down)  # arithmetic for signed types: the sign goes along


def _check_streams(path: Path, data: Dataset, pixels: Pixels) -> int:
    """Refuse before a decoder allocates, or makes up, what is not there; gives the bits of a sample (0: not stated)."""
    bits = 0
    for code in generate_frames(data.PixelData, number_of_frames=pixels.frames):
        if is_cut_short(code):
            raise DamagedFileError(path, "its compressed image is cut short.")
        header = stream_header(code)
        if header is None:
            continue
        bits = max(bits, header.bits)
        if (header.rows, header.columns) != (pixels.rows, pixels.columns):
            raise DamagedFileError(
                path,
                f"its compressed image is {header.rows} x {header.columns}, its header says {pixels.rows} x"
                f" {pixels.columns}.",
            )
    return bits
