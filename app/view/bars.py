"""Colour bars: which colours stand for which values on a picture, and on what scale."""

from __future__ import annotations

from dataclasses import dataclass

from app.case.document import Case
from app.case.layers import Layer
from app.core.modalities import modality_of
from app.core.palettes import PALETTES
from app.view.fused_pixels import own_colours
from app.view.labels import name_of
from app.view.mixing import Mix, mix_of
from app.view.picture import Picture
from app.view.probe import number, unit_text
from app.view.state import ViewState
from app.view.windows import is_inverted, shown_window, window_of


@dataclass(frozen=True)
class Bar:
    """A colour bar: its colours, the values at its ends, and what they are.

    other : the scale of the fusion beside that of the panes, or the other way round, where they differ; or ""
    """

    mix: Mix
    low: str
    high: str
    caption: str
    other: str = ""


def bar(state: ViewState, case: Case, picture: Picture) -> Bar | None:
    """The colour bar of a picture; of a fusion it explains the colour only, for a fused pixel has no value."""
    if picture.kind == "layer":
        return _layer_bar(case.overlays[-1])
    partner, stack = case.partner, case.stack
    if partner is None or partner.rgb is not None or picture.pixels is None or picture.kind in ("", "mri"):
        return None
    shown = window_of(case, "partner")
    assert shown is not None  # there is a partner
    pane = number(shown[0] - shown[1] / 2), number(shown[0] + shown[1] / 2)
    fused = None if stack is None else stack.request.partner_window
    ends = pane if fused is None else (number(fused.low), number(fused.high))
    if picture.kind == "fusion":
        if fused is None or case.mri is None or not PALETTES[case.palette].coloured:
            return None
        if own_colours(case.mri, partner) is not None:  # the picture is in those, not in a palette's
            return None
        caption = f"colour: {name_of(partner)} {unit_text(fused.unit)}"
        other = "" if pane == ends else f"pane {pane[0]} to {pane[1]}"
        return Bar(mix_of(state, case), *ends, caption, other)
    alone = Mix(case.palette_alone, is_inverted(case, "partner"))
    mix = mix_of(state, case) if picture.kind == "overlay" and case.mri is not None else alone
    other = "" if pane == ends or not modality_of(partner.modality).uptake else f"fused {ends[0]} to {ends[1]}"
    return Bar(mix, *pane, unit_text(partner.unit), other)


def _layer_bar(layer: Layer) -> Bar | None:
    """Of a layer in its own pane; none for a colour picture."""
    if layer.volume.rgb is not None:
        return None
    centre, width = shown_window(layer)
    low, high = number(centre - width / 2), number(centre + width / 2)
    inverted = layer.volume.inverted != layer.inverted
    return Bar(Mix(layer.palette_alone, inverted), low, high, unit_text(layer.volume.unit))
