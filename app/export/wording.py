"""What every exported file says about itself: never anything about the patient, always ASCII, never a claim.

No fused pixel is a HU, an SUV or an MR signal, so no unit is ever given to one; units appear only with the windows.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from app import NOT_FOR_DIAGNOSIS, __version__
from app.core.fusion_colours import BAND
from app.core.modalities import modality_of
from app.core.planes import plane_of
from app.export.colour import OWN_COLOURS, Colouring
from app.view.labels import side_and_mm

if TYPE_CHECKING:
    from app.case.fusing import FusionStack
    from app.core.values import FusionWindow
    from app.core.volume import Volume

SOFTWARE = f"Synoptic {__version__}"
_METHODS = {
    "header": "aligned by header",
    "grid": "one grid for both series, not registered",
    "coordinates": "as the coordinates stand",
    "identity": "as the coordinates stand",
    "automatic": "automatic rigid registration",
    "manual": "adjusted by hand",
    "file": "transform read from a file",
    "linked": "by way of other series",
}


def modality(volume: Volume) -> str:
    """A word for the volume: its DICOM code, "visible" or "infrared", or "picture"."""
    return modality_of(volume.modality).short or ("volume" if volume.geometry.in_mm else "picture")


def window(volume: Volume, given: FusionWindow) -> str:
    """For example "PT 0 to 10 SUVbw", or "MR 100 to 900 a.u. inverted as its header asks"."""
    unit = "" if given.unit == "unknown" else f" {given.unit}"
    inverted = " inverted as its header asks" if given.inverted else ""
    return ascii_only(f"{modality(volume)} {given.low:.5g} to {given.high:.5g}{unit}{inverted}")


def windows(stack: FusionStack) -> str:
    aligned, request = stack.aligned, stack.request
    return f"{window(aligned.mri, request.mri_window)}, {window(aligned.partner, request.partner_window)}"


def verdict(stack: FusionStack) -> str:
    return str(stack.aligned.registration.verdict.value)


def slice_position(stack: FusionStack, k: int) -> str:
    """For example "axial slice 41 of 180, S 12.5 mm": from 1, with the place of its centre along the patient's axis."""
    grid = stack.aligned.mri.geometry
    if not grid.in_mm:
        return f"picture {k + 1} of {grid.size[2]}"
    side, at_mm = side_and_mm(plane_of(grid, 2), k)
    return f"{grid.plane} slice {k + 1} of {grid.size[2]}, {side} {at_mm:.1f} mm"


def interpolated(stack: FusionStack, k: int) -> bool:
    marks = stack.aligned.mri.interpolated
    return bool(marks is not None and marks[k])


def series_description(stack: FusionStack) -> str:
    """At most 64 characters (LO)."""
    rest = f" {verdict(stack)} {NOT_FOR_DIAGNOSIS}"
    return f"FUSED {ascii_only(stack.request.network)}"[: 64 - len(rest)] + rest


def derivation(stack: FusionStack, colouring: Colouring | None) -> str:
    """How the pixels came about, at most 1024 characters (ST)."""
    aligned = stack.aligned
    registration = aligned.registration
    matrix = " ".join(f"{value:.7g}" for value in np.asarray(registration.fixed_to_moving)[:3].ravel())
    weights = f"weights SHA-256 {stack.weights_sha256}" if stack.weights_sha256 else "no weights"
    parts = (
        f"{SOFTWARE} fused {modality(aligned.mri)} and {modality(aligned.partner)} by network "
        f"{stack.request.network} ({weights}) on {stack.device}",
        f"registration: {_METHODS.get(registration.method, registration.method)}, verdict {verdict(stack)}",
        f"fixed to moving, LPS mm, 3 rows of 4: {matrix}",
        f"{modality(aligned.partner)} resampled to the {modality(aligned.mri)} grid, linear",
        f"fusion windows {windows(stack)}",
        _colour_meaning(colouring) if colouring else "grey",
        "hatched: outside the field of view common to both",
        f"pixels are neither HU nor SUV nor MR signal; {NOT_FOR_DIAGNOSIS}",
    )
    return ascii_only("; ".join(parts))[:1024]


def _colour_meaning(colouring: Colouring) -> str:
    """What brightness and colour of the pixels stand for."""
    if colouring.lender is None:
        return "grey"
    lender = modality(colouring.lender)
    if colouring.name == OWN_COLOURS:
        return f"luma: fused; chroma: {lender}, {OWN_COLOURS}"
    dark, bright = BAND
    return (
        f"hue and chroma: {lender} in palette {colouring.name}, grey at the window's low end, most colour at its high "
        f"end; lightness: fused, drawn towards {dark:.2f} to {bright:.2f} (OKLab) as colour grows"
    )


def caption(stack: FusionStack, k: int, colouring: Colouring | None) -> tuple[str, ...]:
    """Lines to print beside a slice, and into the comment of its file."""
    place = slice_position(stack, k) + (", interpolated between slices" if interpolated(stack, k) else "")
    partner = modality(stack.aligned.partner)
    how = "resampled" if stack.aligned.mri.geometry.in_mm else "pixel on pixel"
    lines = [
        f"{modality(stack.aligned.mri)} + {partner} fused: {stack.request.network}",
        place,
        f"alignment: {verdict(stack)}; {partner} {how}",
        f"windows: {windows(stack)}",
    ]
    if colouring and colouring.lender:
        lines.append(f"brightness: fused; colour: {modality(colouring.lender)}, {colouring.name}")
    return tuple(ascii_only(line) for line in lines)


def ascii_only(text: str) -> str:
    """Text that no character set, font or header can spoil; mm²/s becomes mm2/s."""
    plain = unicodedata.normalize("NFKC", text).translate({ord("–"): "-", ord("−"): "-", ord("μ"): "u"})
    return plain.encode("ascii", "replace").decode("ascii")
