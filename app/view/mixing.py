"""How a palette lies on greys, alone, in an overlay or in a fusion: the tables, and the bars that explain them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from app.case.document import Case
from app.core.palettes import fused_colours
from app.view.colours import Pixels, blend, blended, colours, frozen, packed
from app.view.state import ViewState
from app.view.windows import is_inverted

_FADED_IN = 64  # levels: a quarter of the scale
_BAR_STEP = 17  # levels between two greys of a bar: 16 of them, with black and white


@dataclass(frozen=True)
class Mix:
    """What a value's colour depends on.

    palette, inverted : the partner's; a fusion is never inverted
    overlay : share of the palette's colour in an overlay; at 1 no grey is seen
    fading : whether an overlay is clear where there is no uptake, and reaches its share at a quarter of the scale
    fusion : share of a fusion's colours over that overlay
    grey_inverted : whether the greys beneath an overlay run backwards
    """

    palette: str
    inverted: bool = False
    overlay: float = 1.0
    fading: bool = False
    fusion: float = 0.0
    grey_inverted: bool = False

    @property
    def on_grey(self) -> bool:
        """Whether a value has another colour on another grey."""
        return self.fusion > 0 or self.overlay < 1 or self.fading


def mix_of(state: ViewState, case: Case) -> Mix:
    """What the pane of both shows."""
    return Mix(
        case.palette,
        is_inverted(case, "partner"),
        round(256 * min(max(state.overlay, 0.0), 1.0)) / 256,  # no finer than a blend is
        case.fading,
        min(max(state.fusion, 0.0), 1.0),
        is_inverted(case, "mri"),
    )


def overlay_table(mix: Mix) -> Pixels:
    """65 536 pixels: at [MRI's level * 256 + partner's level] the colour of both, of the overlay alone."""
    return _overlay_table(replace(mix, fusion=0.0))


@lru_cache(maxsize=8)
def _overlay_table(mix: Mix) -> Pixels:
    grey = np.repeat(colours("Grey", mix.grey_inverted), 256)
    uptake = np.tile(colours(mix.palette, mix.inverted), 256)
    if not mix.fading:
        return frozen(blend(grey, uptake, mix.overlay))
    shares = np.rint(256 * mix.overlay * np.minimum(np.arange(256) / _FADED_IN, 1)).astype(np.uint32)
    return frozen(blended(grey, uptake, np.tile(shares, 256)))


@lru_cache(maxsize=4)
def fusion_table(palette: str) -> Pixels:
    """65 536 pixels: at [fused level * 256 + partner's level] the colour of both in the palette's form."""
    return frozen(packed(fused_colours(palette)).ravel())


@lru_cache(maxsize=32)
def colour_bar(mix: Mix) -> Pixels:
    """What the colours of a picture mean, as they really appear: [256 values, the highest on top; greys].

    The greys go from black at the left to white at the right; one column is enough where the colours hide them.
    """
    if not mix.on_grey:
        return frozen(colours(mix.palette, mix.inverted)[::-1, None].copy())
    table = fusion_table(mix.palette) if mix.fusion > 0 else overlay_table(mix)
    if 0 < mix.fusion < 1:
        table = blend(overlay_table(mix), table, mix.fusion)
    greys = table.reshape(256, 256)[:: -_BAR_STEP if mix.grey_inverted and mix.fusion <= 0 else _BAR_STEP]
    return frozen(greys.T[::-1].copy())
