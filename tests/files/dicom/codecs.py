"""DICOM files whose samples fill only some of their bits, in every lossless coding that is met in practice.

The bits above HighBit are 0, as PS3.5 8.1.1 allows: they are no part of the sample. Encoders code them along with it.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import gdcm
import jpeg_ls
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless

from tests.files.dicom.dicom_files import dataset

Write = Callable[[FileDataset, NDArray[np.uint16], Path], None]


def ramp(bits: int, *, signed: bool) -> NDArray[np.int64]:
    """All of the range that `bits` bits hold, from its lowest to its highest value, 16 x 20."""
    lowest = -(1 << (bits - 1)) if signed else 0
    return np.linspace(lowest, lowest + (1 << bits) - 1, 320).round().astype(np.int64).reshape(16, 20)


def write_ramp(path: Path, bits: int, *, signed: bool, write: Write, shift: int = 0) -> NDArray[np.int64]:
    """A file of `ramp` with 16 bits allocated, `shift` bits below the sample; gives the values it stands for."""
    values = ramp(bits, signed=signed)
    ds = dataset("CT")
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1 + shift, int(signed)
    ds.Rows, ds.Columns = values.shape
    words = ((values & ((1 << bits) - 1)) << shift).astype("<u2")
    ds.PixelData = words.tobytes()
    ds["PixelData"].VR = "OW"
    write(ds, words, path)
    return values


def _plain(ds: FileDataset, words: NDArray[np.uint16], path: Path) -> None:
    ds.save_as(path, enforce_file_format=True)


def _deflated(ds: FileDataset, words: NDArray[np.uint16], path: Path) -> None:
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)


def _encoded(ds: FileDataset, code: bytes, syntax: UID, path: Path) -> None:
    ds.PixelData = encapsulate([code])
    ds["PixelData"].VR = "OB"
    ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(path, enforce_file_format=True)


def _jpeg_ls_of_16_bits(ds: FileDataset, words: NDArray[np.uint16], path: Path) -> None:
    _encoded(ds, bytes(jpeg_ls.encode_buffer(words.tobytes(), *words.shape, 1, 16)), JPEGLSLossless, path)


def _jpeg_ls_of_the_stored_bits(ds: FileDataset, words: NDArray[np.uint16], path: Path) -> None:
    values = words >> (ds.HighBit + 1 - ds.BitsStored)
    _encoded(ds, bytes(jpeg_ls.encode_buffer(values.tobytes(), *words.shape, 1, ds.BitsStored)), JPEGLSLossless, path)


def _jpeg_2000_of_16_bits(ds: FileDataset, words: NDArray[np.uint16], path: Path) -> None:
    code = io.BytesIO()
    Image.fromarray(words).save(code, "JPEG2000", no_jp2=True, irreversible=False)
    _encoded(ds, code.getvalue(), JPEG2000Lossless, path)


def _by_gdcm(syntax: int, *, as_words: bool = False) -> Write:
    """as_words: coded as unsigned words, and what they hold stated afterwards, as some archives recompress."""

    def write(ds: FileDataset, words: NDArray[np.uint16], path: Path) -> None:
        stated = {key: ds[key].value for key in ("BitsStored", "HighBit", "PixelRepresentation")}
        if as_words:
            ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 15, 0
        ds.save_as(path, enforce_file_format=True)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(path))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFileName(str(path))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        if as_words:
            written = dcmread(path)
            written.update(stated)
            written.save_as(path)

    return write


def _by_dcmtk(*command: str) -> Write:
    def write(ds: FileDataset, words: NDArray[np.uint16], path: Path) -> None:
        plain = path.with_suffix(".plain")
        ds.save_as(plain, enforce_file_format=True)
        subprocess.run([*command, str(plain), str(path)], check=True)
        plain.unlink()

    return write


_TS = gdcm.TransferSyntax
WRITERS: dict[str, Write] = {
    "uncompressed": _plain,
    "deflated": _deflated,
    "JPEG-LS of 16 bits": _jpeg_ls_of_16_bits,
    "JPEG-LS of the stored bits": _jpeg_ls_of_the_stored_bits,
    "JPEG-LS by DCMTK": _by_dcmtk("dcmcjpls"),
    "JPEG 2000 of 16 bits": _jpeg_2000_of_16_bits,
    "JPEG 2000 by GDCM": _by_gdcm(_TS.JPEG2000Lossless),
    "JPEG 2000 by GDCM, as words": _by_gdcm(_TS.JPEG2000Lossless, as_words=True),
    "JPEG lossless by GDCM": _by_gdcm(_TS.JPEGLosslessProcess14_1),
    "JPEG lossless by GDCM, as words": _by_gdcm(_TS.JPEGLosslessProcess14_1, as_words=True),
    "JPEG lossless by DCMTK": _by_dcmtk("dcmcjpeg", "+e1"),
    "JPEG lossless, process 14, by DCMTK": _by_dcmtk("dcmcjpeg", "+el"),
    "RLE by DCMTK": _by_dcmtk("dcmcrle"),
    "RLE by GDCM": _by_gdcm(_TS.RLELossless),
}
