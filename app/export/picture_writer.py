"""PNG and TIFF: one file a slice, turned for the eye, with or without text and colour bar; no patient data inside."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from PIL.PngImagePlugin import PngInfo

from app import NOT_FOR_DIAGNOSIS
from app.export import wording
from app.export.colour import Colouring
from app.export.sheet import annotated, squared


def write_picture(file: BinaryIO, form: str, colouring: Colouring, k: int, *, annotate: bool) -> None:
    """Slice k as "png" or "tiff".

    The file states the size of its pixels in the patient (pHYs, or XResolution and YResolution), of pictures without
    millimetres none.
    """
    stack = colouring.stack
    picture, pixel_mm = annotated(colouring, k) if annotate else squared(colouring, k, longest=0)
    comment = "; ".join((*wording.caption(stack, k, colouring), NOT_FOR_DIAGNOSIS))
    has_scale = stack.aligned.mri.geometry.in_mm
    content = io.BytesIO()
    options: dict[str, Any] = {}
    if form == "png":
        info = PngInfo()
        info.add_text("Software", wording.SOFTWARE)
        info.add_text("Description", comment)
        if has_scale:
            options["dpi"] = (25.4 / pixel_mm, 25.4 / pixel_mm)
        picture.save(content, "PNG", pnginfo=info, **options)
    else:
        if has_scale:
            options |= {"resolution": 10 / pixel_mm, "resolution_unit": "cm"}
        picture.save(content, "TIFF", compression="tiff_lzw", software=wording.SOFTWARE, description=comment, **options)
    file.write(content.getbuffer())
