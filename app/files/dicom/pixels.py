"""Pixel data of one DICOM file: decode, sign, padding; before any rescale.

Uncompressed data are read in place from where the scan found them. Everything else is decoded by pydicom with its
plug-ins (Pillow, CharLS, GDCM), after the compressed frame's own size was compared with the header's.
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
UNCOMPRESSED = {f"1.2.840.10008.1.2{tail}" for tail in ("", ".1", ".1.99", ".2")}
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
    valid = None
    if pixels.padding is not None and raw.dtype.kind in "iu":
        low, high = pixels.padding
        valid = (raw < low) | (raw > high)
        if valid.all():  # a series of nothing but padding says more about the tag than about the patient
            valid = None
    stored = _stored_bits(raw, pixels) if pixels.syntax in UNCOMPRESSED else raw
    if valid is not None and stored is not raw:
        stored[~valid] = raw[~valid]
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
    if data.file_meta.TransferSyntaxUID.is_encapsulated:
        if "PixelData" not in data:  # pydicom drops an element that the end of the file cuts off
            raise DamagedFileError(path, "it is cut short in its pixel data.")
        _check_streams(path, data, pixels)
    if pixels.syntax == JPEG_EXTENDED and pixels.bits_stored > 8:
        from app.files.dicom.jpeg12 import decode_jpeg12  # brings GDCM

        streams = list(generate_frames(data.PixelData, number_of_frames=pixels.frames))
        return decode_jpeg12((streams[index] for index in indices), pixels.rows, pixels.columns)
    frames = iter_pixels(data, indices=list(indices), raw=True, decoding_plugin=plugin)
    return np.stack([np.asarray(frame) for frame in frames])


def _stored_bits(raw: Stored, pixels: Pixels) -> Stored:
    """Only BitsStored below HighBit are the value; older files keep overlays in the rest (PS3.5 8.1.1)."""
    if raw.dtype.kind not in "iu" or pixels.bits_stored == pixels.bits_allocated:
        return raw
    down = pixels.high_bit + 1 - pixels.bits_stored
    up = pixels.bits_allocated - pixels.high_bit - 1
    return (raw << up) >> (up + down)  # arithmetic for signed types: the sign goes along


def _check_streams(path: Path, data: Dataset, pixels: Pixels) -> None:
    """A compressed frame states its size and its end: refuse before a decoder allocates, or makes up, the rest."""
    for code in generate_frames(data.PixelData, number_of_frames=pixels.frames):
        if code[:2] in (b"\xff\xd8", b"\xff\x4f") and b"\xff\xd9" not in code[-16:]:  # EOI, EOC
            raise DamagedFileError(path, "its compressed image is cut short.")
        size = frame_size(code)
        if size is not None and size != (pixels.rows, pixels.columns):
            raise DamagedFileError(
                path,
                f"its compressed image is {size[0]} x {size[1]}, its header says {pixels.rows} x {pixels.columns}.",
            )


def frame_size(code: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 stream states; None for another kind of stream (RLE)."""
    if code[:4] == b"\xff\x4f\xff\x51" and len(code) >= 24:  # SOC, SIZ (ISO 15444-1 A.5.1)
        right, bottom, left, top = struct.unpack(">4I", code[8:24])
        return bottom - top, right - left
    if code[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(code) and code[at] == 0xFF:
        marker = code[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):  # SOF (T.81 B.2.2, T.87)
            rows, columns = struct.unpack(">HH", code[at + 5 : at + 9])
            return rows, columns
        at += 2 + struct.unpack(">H", code[at + 2 : at + 4])[0]
    return None
