"""PNG and TIFF: one file a slice, turned for the eye, with or without text and colour bar; never any patient data."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from app import NOT_FOR_DIAGNOSIS
from app.core.planes import Plane, plane_of
from app.export import wording
from app.export.colour import Colouring, hatch
from app.export.lettering import font, wrapped

if TYPE_CHECKING:
    from app.case.fusing import FusionStack

_LONGEST = 640  # pixels: a smaller slice is enlarged to it, so that text beside it fits
_INK, _DIM, _WARNING, _PAPER = (230, 230, 230), (170, 170, 170), (255, 190, 60), (0, 0, 0)
_HATCH_LEVEL = 96


def write_picture(file: BinaryIO, form: str, colouring: Colouring, k: int, *, annotate: bool) -> None:
    """Slice k as "png" or "tiff".

    Pixels are square: a slice with longer pixels in one direction is stretched, linearly, to the finer spacing. The
    file states their size in the patient (pHYs, or XResolution and YResolution), of pictures without millimetres none.
    """
    stack = colouring.stack
    view = plane_of(stack.aligned.mri.geometry, 2)
    picture, pixel_mm = annotated(colouring, k, view) if annotate else plain(colouring, k, view)
    comment = "; ".join((*wording.caption(stack, k, colouring), NOT_FOR_DIAGNOSIS))
    known = stack.aligned.mri.geometry.in_mm
    content = io.BytesIO()
    options: dict[str, Any] = {}
    if form == "png":
        info = PngInfo()
        info.add_text("Software", wording.SOFTWARE)
        info.add_text("Description", comment)
        if known:
            options["dpi"] = (25.4 / pixel_mm, 25.4 / pixel_mm)
        picture.save(content, "PNG", pnginfo=info, **options)
    else:
        if known:
            options |= {"resolution": 10 / pixel_mm, "resolution_unit": "cm"}
        picture.save(content, "TIFF", compression="tiff_lzw", software=wording.SOFTWARE, description=comment, **options)
    file.write(content.getbuffer())


def plain(colouring: Colouring, k: int, view: Plane) -> tuple[Image.Image, float]:
    """The fused slice alone, grey (L) or RGB, and the size of its pixels in mm."""
    size, pixel_mm = _square(colouring.stack, view, 0)
    return _picture(colouring, k, view, size, rgb=False), pixel_mm


def annotated(colouring: Colouring, k: int, view: Plane) -> tuple[Image.Image, float]:
    """The fused slice with caption, letters, scale and colour bar around it, and the size of its pixels in mm."""
    (width, height), pixel_mm = _square(colouring.stack, view, _LONGEST)
    face = font(max(13, width // 44))
    step = int(face.size * 1.35) if hasattr(face, "size") else 18
    margin = step
    bar = 0 if colouring.lut is None else 6 * step
    full_width = width + 2 * margin + bar
    lines = [
        part
        for line in wording.caption(colouring.stack, k, colouring)
        for part in wrapped(line, face, full_width - 2 * margin)
    ]
    top = step * len(lines) + margin
    canvas = Image.new("RGB", (full_width, top + height + 3 * step), _PAPER)
    canvas.paste(_picture(colouring, k, view, (width, height), rgb=True), (margin, top))
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((margin, step // 2 + step * number), line, fill=_INK, font=face)
    _letters(draw, view, margin, top, width, height, face)
    if colouring.stack.aligned.mri.geometry.in_mm:
        _scale(draw, margin, top, width, height, pixel_mm, face)
    if colouring.lut is not None:
        _colour_bar(canvas, colouring, (margin + width + step, top + step, 2 * step, height - 2 * step), face)
    notice = font(int(step * 1.1))
    draw.text((full_width / 2, top + height + step), NOT_FOR_DIAGNOSIS, fill=_WARNING, font=notice, anchor="ma")
    return canvas, pixel_mm


def _square(stack: FusionStack, view: Plane, longest: int) -> tuple[tuple[int, int], float]:
    """Width and height that make pixels square, the longer at least `longest`; and the size of a pixel in mm."""
    rows, columns = view.show(stack.fused[0]).shape
    row_mm, column_mm = view.spacing_mm
    pixel_mm = min(row_mm, column_mm)
    width, height = columns * column_mm / pixel_mm, rows * row_mm / pixel_mm
    enlarged = max(1.0, longest / max(width, height))
    return (max(1, round(width * enlarged)), max(1, round(height * enlarged))), pixel_mm / enlarged


def _picture(colouring: Colouring, k: int, view: Plane, size: tuple[int, int], *, rgb: bool) -> Image.Image:
    pixels = colouring.rgb(k) if rgb else colouring.pixels(k)
    picture = Image.fromarray(np.ascontiguousarray(view.show(pixels)))
    inside = view.show(colouring.stack.aligned.inside[k])
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
        mask = Image.fromarray(np.ascontiguousarray(inside)).convert("L").resize(size, Image.Resampling.NEAREST)
        inside = np.asarray(mask) > 0
    if inside.all():
        return picture
    turned: NDArray[np.uint8] = np.array(picture)
    hatch(turned, inside, _HATCH_LEVEL)
    return Image.fromarray(turned)


def _letters(draw: ImageDraw.ImageDraw, view: Plane, left: int, top: int, width: int, height: int, face: Any) -> None:
    places = (
        ((left + 4, top + height / 2), "lm"),
        ((left + width - 4, top + height / 2), "rm"),
        ((left + width / 2, top + 4), "ma"),
        ((left + width / 2, top + height - 4), "md"),
    )
    for letter, (place, anchor) in zip(view.letters, places, strict=True):
        draw.text(place, letter, fill=_INK, font=face, anchor=anchor, stroke_width=2, stroke_fill=_PAPER)


def _scale(draw: ImageDraw.ImageDraw, left: int, top: int, width: int, height: int, pixel_mm: float, face: Any) -> None:
    """A bar of a round length, at most a quarter of the width."""
    lengths = [mm for mm in (1, 2, 5, 10, 20, 50, 100, 200) if mm / pixel_mm <= width / 4]
    if not lengths:
        return
    end, below = left + 8 + lengths[-1] / pixel_mm, top + height - 10
    draw.line((left + 8, below, end, below), fill=_INK, width=3)
    place = (left + 8, below - 4)
    draw.text(place, f"{lengths[-1]} mm", fill=_INK, font=face, anchor="ld", stroke_width=2, stroke_fill=_PAPER)


def _colour_bar(canvas: Image.Image, colouring: Colouring, box: tuple[int, int, int, int], face: Any) -> None:
    """The palette from the low to the high end of the partner's fusion window, with its unit."""
    assert colouring.lut is not None  # the caller draws it for palettes only
    left, top, width, height = box
    window = colouring.stack.request.partner_window
    ramp = colouring.lut[np.linspace(255, 0, height).round().astype(int)]
    canvas.paste(Image.fromarray(np.repeat(ramp[:, None], width, axis=1)), (left, top))
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((left - 1, top - 1, left + width, top + height), outline=_DIM)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value = window.low + share * (window.high - window.low)
        at = top + (1 - share) * (height - 1)
        draw.line((left + width, at, left + width + 4, at), fill=_DIM)
        draw.text((left + width + 7, at), f"{value:.4g}", fill=_INK, font=face, anchor="lm")
    unit = "" if window.unit == "unknown" else window.unit
    draw.text((left, top + height + 6), wording.ascii_only(unit), fill=_INK, font=face)
