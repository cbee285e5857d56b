"""The pixels of an exported slice: those of the window's fused pane at 100 % fusion, by the same `compose`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.case.document import Case
from app.core.modalities import modality_of
from app.core.palettes import find_palette
from app.core.planes import Plane, plane_of
from app.view.colours import rgb
from app.view.compose import compose
from app.view.fused_pixels import fused_pixels, own_colours
from app.view.memo import Memo
from app.view.state import ViewState, at_slice

if TYPE_CHECKING:
    from app.case.fusing import FusionStack
    from app.core.volume import Volume
    from app.view.picture import Picture

OWN_COLOURS = "own colours"


@dataclass(frozen=True, eq=False)
class Colouring:
    """How fused slices of one stack become 8-bit pixels.

    case : what the window holds, or would hold, when it shows this stack
    lender : whose values, or own colours, give the chroma; None where the result is grey
    """

    stack: FusionStack
    case: Case
    lender: Volume | None
    _memo: Memo = field(default_factory=lambda: Memo(entries=8), repr=False)

    @property
    def grey(self) -> bool:
        return self.lender is None

    @property
    def name(self) -> str | None:
        """The palette, OWN_COLOURS for a colour picture, or None where the result is grey."""
        if self.lender is None:
            return None
        own = own_colours(self.stack.aligned.mri, self.stack.aligned.partner)
        return self.case.palette if own is None else OWN_COLOURS

    @cached_property
    def plane(self) -> Plane:
        """The plane of the slices that were fused, as it is shown."""
        return plane_of(self.stack.aligned.mri.geometry, 2)

    def state(self, k: int) -> ViewState:
        """How the window looks at slice k when nothing but the fusion is shown, and nothing of the patient is said."""
        state = ViewState(fusion=1.0, layout="overlay", annotations="no patient data", tool="", show_crosshair=False)
        return replace(state, **at_slice(state, self.plane.grid, k, 2))

    def picture(self, k: int) -> Picture:
        """Slice k as the fused pane shows it, in screen order, lines outside the partner's field of view included."""
        return compose(self.state(k), self.case, "fused", axis=2, memo=self._memo)

    def shown(self, k: int) -> NDArray[np.uint8]:
        """The same as uint8 [row, column], or [row, column, 3] where not grey, in screen order."""
        pixels = self.picture(k).pixels
        assert pixels is not None  # only slices that are done are exported
        return rgb(pixels)[..., 0] if self.grey else rgb(pixels)

    def stored(self, k: int) -> NDArray[np.uint8]:
        """The same as uint8 [j, i] or [j, i, 3], in the MRI's own order of rows and columns."""
        return self.plane.stored(self.shown(k))

    def plain_rgb(self, k: int) -> NDArray[np.uint8]:
        """uint8 [j, i, 3] without lines: 0 outside the common field of view."""
        pixels = self.plane.stored(rgb(fused_pixels(self.stack, self.plane, k, self.case.palette, self._memo)))
        return np.where(self.stack.aligned.inside[k][..., None], pixels, np.uint8(0))


def colouring(stack: FusionStack, name: str | None = None, case: Case | None = None) -> Colouring:
    """For a palette's name; None takes what suits the pair. UnknownPaletteError for a name that is none.

    case : the one that shows this stack, whose windows and regions are then those of the export; None for a stack alone
    A colour picture keeps its own colours whatever the name, as in the window.
    """
    mri, partner = stack.aligned.mri, stack.aligned.partner
    case = _of_stack(stack) if case is None else case.having(aligned=stack.aligned, stack=stack)
    if case.mri is not mri or case.partner is not partner:
        raise ValueError("the case shows another pair than the stack's")
    palette = find_palette(name or modality_of(partner.modality).palette)
    lender = own_colours(mri, partner) or (partner if palette.coloured else None)
    return Colouring(stack, case.with_layer(case.partner_uid, palette=palette.name), lender)


def _of_stack(stack: FusionStack) -> Case:
    aligned = stack.aligned
    return Case().having(
        mri=aligned.mri,
        partner=aligned.partner,
        registration=aligned.registration,
        aligned=aligned,
        stack=stack,
        different_patients_confirmed=True,  # whoever fused them has confirmed it
    )
