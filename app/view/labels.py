"""The words on a pane: whose picture, where, how aligned, in which window, and every warning a reader must not miss.

Pure text, so that tests read it as a reader does. This is where facts become sentences: each line keeps what it is
about and how grave it is as fields, and warnings and the verdict on the alignment stay in sight also when the
annotations are switched off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache
from typing import Literal

from app.case.document import Case
from app.core.modalities import modality_of
from app.core.person_name import readable
from app.core.planes import Plane
from app.core.volume import Volume
from app.fusion import cards, registry
from app.fusion.registry import listed
from app.fusion.spec import NetworkSpec, concerns
from app.registration.verdict import Verdict
from app.view.picture import Blank, Note, Picture
from app.view.probe import number, percent, unit_text
from app.view.state import ViewState
from app.view.windows import volume_of, window_of, windowed_roles

CLIPPING_WARNS = 0.5  # percent of the PET's or SPECT's voxels above the fusion window


Tone = Literal["plain", "warn", "stop"]


class About(Enum):
    """What a line speaks of."""

    SERIES = auto()
    PATIENT = auto()
    FUSION = auto()  # the network, its share, the plane it fused
    ALIGNMENT = auto()
    PIXELS = auto()  # how they were interpolated
    WINDOW = auto()
    PLACE = auto()


@dataclass(frozen=True)
class Line:
    """short : what is said where `text` has no room; a warning is never cut off in the middle"""

    text: str
    about: About
    tone: Tone = "plain"
    short: str = ""


@dataclass(frozen=True)
class Labels:
    """Lines for three corners of a pane, from the top down."""

    top_left: tuple[Line, ...] = ()
    top_right: tuple[Line, ...] = ()
    bottom_left: tuple[Line, ...] = ()


_NOTES = {
    Note.RESAMPLED: Line("resampled", About.PIXELS),
    Note.OWN_GRID: Line("own grid", About.PIXELS),
    Note.NOT_ALIGNED: Line("not aligned yet", About.ALIGNMENT, "warn"),
    Note.INTERPOLATED: Line("INTERPOLATED SLICE", About.PIXELS, "warn"),
    Note.HOLDS_INTERPOLATED: Line("holds interpolated slices", About.PIXELS, "warn"),
}
_VERDICTS = {
    Verdict.HEADER_ALIGNED: Line("HEADER ONLY, NOT CHECKED", About.ALIGNMENT, "warn", "NOT CHECKED"),
    Verdict.REGISTERED: Line("registered, confirmed", About.ALIGNMENT, short="confirmed"),
    Verdict.UNVERIFIED: Line("ALIGNMENT NOT VERIFIED", About.ALIGNMENT, "warn", "UNVERIFIED"),
    Verdict.REJECTED: Line("REGISTRATION REJECTED", About.ALIGNMENT, "stop", "REJECTED"),
}
_PARTNER_RESAMPLED = Line("partner resampled", About.PIXELS, short="resampled")  # on a picture of both
_BLANKS = {
    Blank.NOTHING: "nothing shown yet",
    Blank.NO_MRI: "No MRI chosen",
    Blank.NO_PARTNER: "No partner chosen (CT, PET or SPECT)",
    Blank.STOPPED: "TWO DIFFERENT PATIENTS\nnothing is laid together until this is confirmed",
    Blank.NOT_ALIGNED: "not aligned yet",
    Blank.RESAMPLING: "laying the partner over the MRI…",
    Blank.NO_LAYER: "No layer shown\nchoose “Show as a layer” in the list of series",
    Blank.NOT_LINKED: "not linked: register it, or open it as the partner",
    Blank.OTHER_PATIENT: "another patient than the base\nit is laid over nothing",
    Blank.RESAMPLING_LAYER: "laying the layer over the MRI…",
}


def labels(state: ViewState, case: Case, role: str, picture: Picture) -> Labels:
    """What stands in the corners of one pane."""
    if picture.plane is None:
        return Labels()
    corners = (
        _titles(state, case, role, picture),
        [*_alignment(case, role, picture), *_notes(picture), *_layers(case, role, picture)],
        [*_fusion_facts(state, case, picture), *_windows(state, case, picture), *_place(picture)],
    )
    return Labels(*(tuple(line for line in corner if _wanted(line, state.annotations)) for corner in corners))


def blank_message(picture: Picture) -> str:
    """Why a pane is blank, in one or two lines; "" where it has pixels."""
    return "" if picture.blank is None else _BLANKS[picture.blank]


def _wanted(line: Line, annotations: str) -> bool:
    if annotations == "none":
        return line.tone != "plain" or line.about is About.ALIGNMENT
    return annotations == "full" or line.about is not About.PATIENT


def _notes(picture: Picture) -> list[Line]:
    both = picture.kind in ("overlay", "fusion")
    notes = [note for note in picture.notes if note is not Note.NOT_FUSED]  # stands with the title
    return [_PARTNER_RESAMPLED if both and note is Note.RESAMPLED else _NOTES[note] for note in notes]


def name_of(volume: Volume) -> str:
    """ "MRI", "CT", "PET", "SPECT", "visible", "infrared", or "image"."""
    return modality_of(volume.modality).name or "image"


def _titles(state: ViewState, case: Case, role: str, picture: Picture) -> list[Line]:
    mri, partner = case.mri, case.partner
    if role == "fused" and mri is not None and partner is not None:
        if picture.kind == "fusion" and case.stack is not None:
            share = "" if state.fusion >= 1 else f" {state.fusion:.0%}"
            title = listed(case.stack.request.network).title
            headline = Line(f"Fusion{share}: {title}", About.FUSION, short=f"{title}{share}")
            return [headline, *_fused_plane(case, picture)]
        if picture.kind == "overlay":
            share = f"{name_of(partner)} {state.overlay:.0%} on {name_of(mri)}"
            return [*_not_fused(picture), Line(f"Overlay: {share}", About.FUSION, short=share)]
        if picture.kind == "mri":
            return [Line(f"{name_of(mri)} alone", About.FUSION)]
        return []
    shown = picture.kind if picture.kind in ("mri", "partner") else role
    uppermost = case.overlays[-1].volume if role == "layer" and case.overlays else None
    volume = uppermost if role == "layer" else volume_of(case, shown)
    if volume is None:
        return []
    description = volume.series.description
    lines = [Line(f"{name_of(volume)}  {description}".strip(), About.SERIES)]
    patient = volume.series.patient
    who = "  ".join(part for part in (readable(patient.name), patient.id) if part)
    lines += [Line(who, About.PATIENT)] if who else []
    warnings = len(volume.series.warnings)
    if warnings:
        count = f"{warnings} warning{'s' if warnings > 1 else ''}"
        lines.append(Line(f"{count}: see the series list", About.SERIES, "warn", count))
    return lines


def _not_fused(picture: Picture) -> list[Line]:
    """That an overlay stands where a fusion was asked for."""
    if Note.NOT_FUSED not in picture.notes:
        return []
    far = f": {picture.done} of {picture.slices} slices" if picture.slices else ""
    return [Line(f"NOT FUSED YET{far}", About.FUSION, "warn", "NOT FUSED")]


def _fused_plane(case: Case, picture: Picture) -> list[Line]:
    if case.stack is None or case.mri is None or picture.plane is None or not picture.plane.name:
        return []
    fused = case.mri.geometry.plane
    lines = [Line(f"fused plane: {fused}", About.FUSION, short=f"fused {fused}")]
    if picture.plane.axis != 2:
        lines = [Line(f"reformatted from fused {fused} slices", About.FUSION, short=f"from {fused} slices")]
    network = listed(case.stack.request.network)
    modalities = (case.mri.modality, case.partner.modality if case.partner else "")
    strange = concerns(network, modalities, fused, case.mri.series.body_part)
    if strange.plane:
        planes = cards.planes(network)
        lines.append(Line(f"network was trained on {planes} slices", About.FUSION, "warn", f"trained on {planes}"))
    lesions = _lesions_of(network)
    if lesions is not None and lesions < registry.LESIONS_KEPT:
        lost = f"network shows {lesions:.0%} of test lesions"
        lines.append(Line(lost, About.FUSION, "warn", f"shows {lesions:.0%} of lesions"))
    if unseen := cards.unseen(network, strange):
        lines.append(Line(f"network was never trained on {unseen}", About.FUSION, "warn", f"not for {unseen}"))
    return lines


@cache
def _lesions_of(network: NetworkSpec) -> float | None:
    """The share of planted lesions that a network shows; read from its manifest once, not at every paint."""
    lesions = registry.measured(network).lesions
    return lesions.share_shown if lesions else None


def _alignment(case: Case, role: str, picture: Picture) -> list[Line]:
    if case.mri is None or case.partner is None or role in ("mri", "layer") or picture.pixels is None:
        return []
    if Note.OWN_GRID in picture.notes or picture.kind in ("", "mri") or case.registration is None:
        return []
    return [verdict_line(case.registration.verdict)]


def _layers(case: Case, role: str, picture: Picture) -> list[Line]:
    """The layers that lie over the picture, or are it: how much of each, and how sure their place is."""
    if picture.pixels is None or role not in ("fused", "layer") or (role == "fused" and not picture.layers):
        return []
    lines: list[Line] = []
    for layer in case.overlays if role == "fused" else case.overlays[-1:]:
        way = None if case.hindrance(layer) else case.way_to(layer)
        if way is None:
            continue
        share = f"contour at {layer.contour_at:.0%}" if layer.shown_as == "contour" else f"{layer.opacity:.0%}"
        if role == "fused":
            lines.append(Line(f"+ {name_of(layer.volume)} {share}", About.FUSION))
        verdict = verdict_line(way.verdict)
        if verdict.tone != "plain" or role == "layer":
            lines.append(replace(verdict, text=f"{name_of(layer.volume)}: {verdict.text}"))
    return lines


def verdict_line(verdict: Verdict) -> Line:
    """What a reader must know about the alignment."""
    return _VERDICTS[verdict]


def _dragged(state: ViewState, picture: Picture, role: str) -> str:
    """Which drag changes a window, on a picture of two."""
    roles = windowed_roles(picture.kind)
    if state.tool != "window" or role not in roles or roles[0] == roles[1]:
        return ""
    return "  (drag)" if role == roles[0] else "  (Ctrl+drag)"


def _fusion_facts(state: ViewState, case: Case, picture: Picture) -> list[Line]:
    stack = case.stack
    if picture.kind != "fusion" or stack is None:
        return []
    lines = []
    windows = (stack.request.mri_window, stack.request.partner_window)
    volumes = (stack.aligned.mri, stack.aligned.partner)
    for role, volume, window, clipped in zip(("mri", "partner"), volumes, windows, stack.clipped_percent, strict=True):
        text = f"{name_of(volume)} fused {number(window.low)} to {number(window.high)} {unit_text(window.unit)}"
        text += ", inverted" if window.inverted else ""
        beyond = f", {percent(clipped.above)} above" if clipped.above else ""
        uptake = modality_of(volume.modality).uptake  # above a CT's window lies bone, as it should
        warns = uptake and clipped.above >= CLIPPING_WARNS
        short = text.replace(" fused ", " ") + (beyond if warns else "")
        whole = text + beyond + _dragged(state, picture, role)
        lines.append(Line(whole, About.WINDOW, "warn" if warns else "plain", short))
    return lines


def _windows(state: ViewState, case: Case, picture: Picture) -> list[Line]:
    roles = {"mri": ("mri",), "partner": ("partner",), "overlay": ("mri", "partner")}.get(picture.kind, ())
    if picture.kind == "layer":
        roles = (case.overlays[-1].uid,)
    lines = []
    for role in roles:
        layer, window = case.of_role(role), window_of(case, role)
        volume = None if layer is None else layer.volume
        if volume is not None and window is not None and volume.rgb is None:
            whose = f"{name_of(volume)}  " if len(roles) > 1 else ""
            words = f"{whose}C {number(window[0])}  W {number(window[1])} {unit_text(volume.unit)}"
            lines.append(Line(words + _dragged(state, picture, role), About.WINDOW, short=words))
    return lines


def _place(picture: Picture) -> list[Line]:
    plane = picture.plane
    assert plane is not None  # labels() looked
    count = f"{picture.index + 1} / {plane.slices}"
    if not plane.grid.in_mm:
        several = plane.slices > 1
        words, short = (f"picture {count}", "") if several else ("picture, no millimetres", "no mm")
        return [Line(words, About.PLACE, short=short)]
    side, at_mm = side_and_mm(plane, picture.index)
    return [
        Line(f"{side} {at_mm:.1f} mm", About.PLACE),
        Line(f"{plane.name} {count}", About.PLACE, short=count),
    ]


def side_and_mm(plane: Plane, index: int) -> tuple[str, float]:
    """How far a slice's centre lies towards a side of the patient, for example ("S", 12.5); for grids in mm alone."""
    centre = [index if axis == plane.axis else (n - 1) / 2 for axis, n in enumerate(plane.grid.size)]
    along = {"sagittal": 0, "coronal": 1, "axial": 2}[plane.name]
    at_mm = float(plane.grid.to_lps(centre)[along])
    return ("LR", "PA", "SI")[along][0 if at_mm >= 0 else 1], abs(at_mm)
