"""The words on a pane: whose picture, where, how aligned, in which window, and every warning a reader must not miss.

Pure text, so that tests read it as a reader does. `tone` is "plain", "warn" or "stop"; warnings stay in sight also
when the annotations are switched off.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.modalities import PICTURED
from app.core.volume import Volume
from app.fusion.registry import listed
from app.view.compose import Picture
from app.view.probe import number, percent, unit_text
from app.view.scene import Scene
from app.view.state import ViewState
from app.view.windows import volume_of, window_of

MODALITY_NAMES = {"MR": "MRI", "CT": "CT", "PT": "PET", "NM": "SPECT"} | PICTURED
CLIPPING_WARNS = 0.5  # percent of the PET's or SPECT's voxels above the fusion window


@dataclass(frozen=True)
class Line:
    """short : what is said where `text` has no room; a warning is never cut off in the middle"""

    text: str
    tone: str = "plain"
    short: str = ""


@dataclass(frozen=True)
class Labels:
    """Lines for three corners of a pane, from the top down."""

    top_left: tuple[Line, ...] = ()
    top_right: tuple[Line, ...] = ()
    bottom_left: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Bar:
    """A colour bar: palette, whether it runs backwards, the values at its ends, and what they are."""

    palette: str
    inverted: bool
    low: str
    high: str
    caption: str


def labels(state: ViewState, scene: Scene, role: str, picture: Picture) -> Labels:
    """What stands in the corners of one pane."""
    if picture.plane is None or (picture.pixels is None and picture.kind == "" and scene.grid is None):
        return Labels()
    top_left = [*_titles(state, scene, role, picture)]
    top_right = [*_alignment(scene, role, picture)]
    top_right += [
        Line(
            note,
            "warn" if "nterpolated" in note or "INTERP" in note or "not aligned" in note else "plain",
            note.removeprefix("partner "),
        )
        for note in picture.notes
    ]
    bottom_left = [*_fusion_facts(scene, picture), *_windows(state, scene, picture), *_place(picture)]
    every = Labels(tuple(top_left), tuple(top_right), tuple(bottom_left))
    if state.annotations == "none":
        return Labels(
            *(
                tuple(line for line in corner if line.tone != "plain")
                for corner in (every.top_left, every.top_right, every.bottom_left)
            )
        )
    return every


def name_of(volume: Volume) -> str:
    """ "MRI", "CT", "PET", "SPECT", "visible", "infrared", or "image"."""
    return MODALITY_NAMES.get(volume.modality, volume.modality or "image")


def bar(state: ViewState, scene: Scene, picture: Picture) -> Bar | None:
    """The colour bar of a picture; of a fusion it explains the hue only, for a fused pixel has no value."""
    partner = scene.partner
    if partner is None or partner.rgb is not None or picture.pixels is None or picture.kind in ("", "mri"):
        return None
    inverted = partner.inverted != state.partner_inverted
    if picture.kind == "fusion":
        if scene.stack is None or state.palette in ("Grey", "Inverted Grey"):
            return None
        window = scene.stack.request.partner_window
        return Bar(
            state.palette,
            False,
            number(window.low),
            number(window.high),
            f"hue: {name_of(partner)} {unit_text(window.unit)}",
        )
    shown = window_of(state, scene, "partner")
    assert shown is not None  # there is a partner
    centre, width = shown
    palette = state.palette_alone if picture.kind == "partner" else state.palette
    return Bar(palette, inverted, number(centre - width / 2), number(centre + width / 2), unit_text(partner.unit))


def _titles(state: ViewState, scene: Scene, role: str, picture: Picture) -> list[Line]:
    mri, partner = scene.mri, scene.partner
    if role == "fused" and mri is not None and partner is not None:
        if picture.kind == "fusion" and scene.stack is not None:
            share = "" if state.fusion >= 1 else f" {state.fusion:.0%}"
            title = listed(scene.stack.request.network).title
            return [Line(f"Fusion{share}: {title}", short=f"{title}{share}"), *_fused_plane(scene, picture)]
        if picture.kind == "overlay":
            share = f"{name_of(partner)} {state.overlay:.0%} on {name_of(mri)}"
            return [Line(f"Overlay: {share}", short=share)]
        if picture.kind == "mri":
            return [Line(f"{name_of(mri)} alone")]
        return []
    shown = picture.kind if picture.kind in ("mri", "partner") else role
    volume = volume_of(scene, shown)
    if volume is None:
        return []
    description = volume.series.description
    lines = [Line(f"{name_of(volume)}  {description}".strip())]
    if state.annotations == "full":
        patient = volume.series.patient
        who = "  ".join(part for part in (patient.name.replace("^", " ").strip(), patient.id) if part)
        lines += [Line(who)] if who else []
    warnings = len(volume.series.warnings)
    if warnings:
        count = f"{warnings} warning{'s' if warnings > 1 else ''}"
        lines.append(Line(f"{count}: see the series list", "warn", count))
    return lines


def _fused_plane(scene: Scene, picture: Picture) -> list[Line]:
    if scene.stack is None or scene.mri is None or picture.plane is None or not picture.plane.name:
        return []
    fused = scene.mri.geometry.plane
    lines = [Line(f"fused plane: {fused}", short=f"fused {fused}")]
    if picture.plane.axis != 2:
        lines = [Line(f"reformatted from fused {fused} slices", short=f"from {fused} slices")]
    network = listed(scene.stack.request.network)
    if network.of_patients and not network.classical and fused != "axial":
        lines.append(Line("network was trained on axial slices", "warn", "trained on axial"))
    if not network.of_patients and scene.mri.modality not in ("", *PICTURED):
        lines.append(Line("network was never trained on patients", "warn", "not for patients"))
    return lines


def _alignment(scene: Scene, role: str, picture: Picture) -> list[Line]:
    if scene.mri is None or scene.partner is None or role == "mri" or picture.pixels is None:
        return []
    if "own grid" in picture.notes or picture.kind in ("", "mri") or scene.registration is None:
        return []
    return [verdict_line(str(scene.registration.verdict))]


def verdict_line(verdict: str) -> Line:
    """The label of a verdict's word."""
    return {
        "header-aligned": Line("aligned by header", short="by header"),
        "registered": Line("registered, confirmed", short="confirmed"),
        "unverified": Line("ALIGNMENT NOT VERIFIED", "warn", "UNVERIFIED"),
        "rejected": Line("REGISTRATION REJECTED", "stop", "REJECTED"),
    }[verdict]


def _fusion_facts(scene: Scene, picture: Picture) -> list[Line]:
    stack = scene.stack
    if picture.kind != "fusion" or stack is None:
        return []
    lines = []
    windows = (stack.request.mri_window, stack.request.partner_window)
    for volume, window, clipped in zip(
        (stack.aligned.mri, stack.aligned.partner), windows, stack.clipped_percent, strict=True
    ):
        text = f"{name_of(volume)} fused {number(window.low)} to {number(window.high)} {unit_text(window.unit)}"
        beyond = f", {percent(clipped.above)} above" if clipped.above else ""
        uptake = volume.modality in ("PT", "NM")  # above a CT's window lies bone, as it should
        warns = uptake and clipped.above >= CLIPPING_WARNS
        short = text.replace(" fused ", " ") + (beyond if warns else "")
        lines.append(Line(text + beyond, "warn" if warns else "plain", short))
    return lines


def _windows(state: ViewState, scene: Scene, picture: Picture) -> list[Line]:
    roles = {"mri": ("mri",), "partner": ("partner",), "overlay": ("mri", "partner")}.get(picture.kind, ())
    lines = []
    for role in roles:
        volume, window = volume_of(scene, role), window_of(state, scene, role)
        if volume is not None and window is not None and volume.rgb is None:
            whose = f"{name_of(volume)}  " if len(roles) > 1 else ""
            lines.append(Line(f"{whose}C {number(window[0])}  W {number(window[1])} {unit_text(volume.unit)}"))
    return lines


def _place(picture: Picture) -> list[Line]:
    plane = picture.plane
    assert plane is not None  # labels() looked
    if not plane.grid.in_mm:
        several = plane.slices > 1
        return [
            Line(
                f"picture {picture.index + 1} / {plane.slices}" if several else "picture, no millimetres",
                short="" if several else "no mm",
            )
        ]
    middle = [picture.index if axis == plane.axis else (n - 1) / 2 for axis, n in enumerate(plane.grid.size)]
    along = {"sagittal": 0, "coronal": 1, "axial": 2}[plane.name]
    at_mm = float(plane.grid.to_lps(middle)[along])
    sides = (("L", "R"), ("P", "A"), ("S", "I"))[along]
    return [
        Line(f"{sides[0] if at_mm >= 0 else sides[1]} {abs(at_mm):.1f} mm"),
        Line(f"{plane.name} {picture.index + 1} / {plane.slices}", short=f"{picture.index + 1} / {plane.slices}"),
    ]
