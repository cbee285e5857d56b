"""12-bit lossy JPEG (JPEG Extended, process 4), which pydicom does not hand to GDCM although GDCM decodes it.

pydicom refuses because GDCM's Python class once returned 8 bits here; asked for 16 allocated and 12 stored bits it
returns the right ones (pydicom's own test picture JPGExtended.dcm: 244 and 95 at rows 420 and 230, columns 140, 120).
"""

from __future__ import annotations

from collections.abc import Iterable

import gdcm  # type: ignore[import-untyped]  # GDCM ships no types
import numpy as np
from numpy.typing import NDArray

SYNTAX = "1.2.840.10008.1.2.4.51"


def decode_jpeg12(frames: Iterable[bytes], rows: int, columns: int) -> NDArray[np.uint16]:
    """Unsigned grey frames [n, j, i] from JPEG streams of 12 bits; a damaged one raises ValueError."""
    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    pictures = []
    for stream in frames:
        fragment = gdcm.Fragment()
        fragment.SetByteStringValue(stream)
        sequence = gdcm.SequenceOfFragments.New()
        sequence.AddFragment(fragment)
        element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
        element.SetValue(sequence.__ref__())
        image = gdcm.Image()
        image.SetNumberOfDimensions(2)
        image.SetDimensions((columns, rows, 1))
        image.SetDataElement(element)
        kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
        image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
        image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(SYNTAX)))
        image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, 0))
        pixels = image.GetBuffer()
        data = pixels.encode("utf-8", "surrogateescape") if isinstance(pixels, str) else b""
        if len(data) != 2 * rows * columns:
            raise ValueError("the 12-bit JPEG stream is damaged")
        pictures.append(np.frombuffer(data, "<u2").reshape(rows, columns))
    return np.stack(pictures)
