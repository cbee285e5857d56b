"""From the state and the case to the pixels of one pane: `compose`, a pure function.

A pane has a role: "mri", "partner" (on the MRI's grid once there is an alignment), "fused" (both sliders, with the
other layers over it), or "layer" (the uppermost of those alone, see overlays.py). What cannot be shown truthfully is
not shown: `Picture.pixels` is then None and `blank` says why. Nothing here remembers an old picture; `Memo` only keeps
steps of the work for the very same inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.case.document import Case
from app.core.planes import Plane, axis_named, plane_of
from app.core.volume import Volume
from app.view.colours import Levels, Pixels, blend, colours, joint, levels, look_up
from app.view.fused_pixels import fused_pixels, pixels_on_grid
from app.view.hatch import hatched
from app.view.layouts import LAYOUTS
from app.view.memo import Memo
from app.view.mixing import mix_of, overlay_table
from app.view.overlays import LayerSlices, layer_alone, with_layers
from app.view.picture import Blank, Note, PartnerSlice, Picture, Resample
from app.view.slices import interpolated, native_levels, native_pixels
from app.view.state import ViewState
from app.view.windows import has_whole_numbers, is_inverted, window_of


def compose(
    state: ViewState,
    case: Case,
    role: str,
    *,
    axis: int | None = None,
    resample: Resample | None = None,
    layers: LayerSlices | None = None,
    memo: Memo | None = None,
) -> Picture:
    """The picture of one pane.

    role : "mri", "partner", "fused" or "layer"; layers : the other layers' slices, which lie over the fused role
    axis : index axis of case.grid the pane cuts across, None for the state's
    """
    grid = case.grid
    if grid is None:
        return Picture(None, blank=Blank.NOTHING)
    plane = plane_of(grid, state.axis if axis is None else axis)
    memo, index = memo or Memo(), state.slice_of(grid, plane.axis)
    if role == "layer":
        return layer_alone(case, plane, index, layers, memo)
    work = _Work(state, case, plane, index, resample, memo)
    if role in ("mri", "partner"):
        return work.mri() if role == "mri" else work.partner()
    picture = work.fused()
    return picture if layers is None or state.hold_mri else with_layers(picture, case, layers, memo)


@dataclass(frozen=True, eq=False)
class _Work:
    """One call of compose: its inputs, and the steps from them to pixels."""

    state: ViewState
    case: Case
    plane: Plane
    index: int
    resample: Resample | None
    memo: Memo

    # The three roles -------------------------------------------------------------------------------------------

    def mri(self) -> Picture:
        volume = self.case.mri
        if volume is None:
            return self._blank(Blank.NO_MRI)
        pixels = self._mri_pixels(volume, is_inverted(self.case, "mri"))
        return self._picture(pixels, "mri", notes=interpolated(volume, self.plane, self.index))

    def partner(self) -> Picture:
        case, volume = self.case, self.case.partner
        if volume is None:
            return self._blank(Blank.NO_PARTNER)
        if case.mri is None:
            return self._own_grid(volume, self.plane, self.index, ())
        if case.registration is None or case.stopped:
            return self._own_grid(volume, *self._matching_slice(volume), (Note.OWN_GRID, Note.NOT_ALIGNED))
        resampled = self._partner_slice()
        if resampled is None:
            return self._blank(Blank.RESAMPLING)
        pixels = self._own_colours(volume)
        if pixels is None:
            inverted = is_inverted(self.case, "partner")
            pixels = look_up(colours(self.case.palette_alone, inverted), self._partner_levels(volume, resampled))
        pixels, has_lines = hatched(pixels, resampled, None, self.memo)
        return self._picture(pixels, "partner", hatched=has_lines, notes=self._resampled())

    def fused(self) -> Picture:
        state, case = self.state, self.case
        if case.mri is None or case.partner is None:
            if LAYOUTS[state.layout].has_sources:  # the only volume is seen in its own pane
                return self._blank(Blank.NO_MRI if case.mri is None else Blank.NO_PARTNER)
            return self.partner() if case.mri is None else self.mri()
        if state.hold_mri:
            return self.mri()
        if case.stopped:
            return self._blank(Blank.STOPPED)
        if state.fusion <= 0 and state.overlay <= 0:
            return self.mri()
        if case.registration is None:
            return self._blank(Blank.NOT_ALIGNED)
        resampled = self._partner_slice()
        if resampled is None:
            return self._blank(Blank.RESAMPLING)
        stack = case.stack if state.fusion > 0 and self._is_fused() else None
        if stack is None:
            pixels = self._overlay_pixels(case.mri, case.partner, resampled)
        else:
            pixels = fused_pixels(stack, self.plane, self.index, case.palette, self.memo)
            if state.fusion < 1:
                pixels = blend(self._overlay_pixels(case.mri, case.partner, resampled), pixels, state.fusion)
        inverted = is_inverted(case, "mri") and stack is None  # a fusion is never inverted
        pixels, has_lines = hatched(pixels, resampled, self._mri_pixels(case.mri, inverted), self.memo)
        notes = (*self._resampled(), *interpolated(case.mri, self.plane, self.index))
        if stack is not None or state.fusion <= 0:
            return self._picture(pixels, "overlay" if stack is None else "fusion", hatched=has_lines, notes=notes)
        return self._waiting(self._picture(pixels, "overlay", hatched=has_lines, notes=(*notes, Note.NOT_FUSED)))

    # Pixels ----------------------------------------------------------------------------------------------------

    def _mri_levels(self, volume: Volume) -> Levels:
        window = window_of(self.case, "mri")
        assert window is not None  # there is a volume
        return native_levels(volume, self.plane, self.index, window, self.memo)

    def _mri_pixels(self, volume: Volume, inverted: bool) -> Pixels:
        window = window_of(self.case, "mri")
        assert window is not None  # there is a volume
        return native_pixels(volume, self.plane, self.index, window, "Grey", inverted, self.memo)

    def _own_colours(self, partner: Volume) -> Pixels | None:
        """A colour picture's own colours, where its pixels lie exactly on the MRI's."""
        matrix = self.case.fixed_to_moving
        return None if matrix is None else pixels_on_grid(partner, self.plane, self.index, matrix, self.memo)

    def _partner_slice(self) -> PartnerSlice | None:
        aligned, plane, index = self.case.aligned, self.plane, self.index
        if aligned is not None:
            return self.memo.get(
                aligned,
                ("partner", plane.axis, index),
                lambda: PartnerSlice(plane.take(aligned.values, index), plane.take(aligned.inside, index)),
            )
        return None if self.resample is None else self.resample(plane, index)

    def _partner_levels(self, volume: Volume, resampled: PartnerSlice) -> Levels:
        window = window_of(self.case, "partner")
        assert window is not None  # there is a volume
        linear = has_whole_numbers(volume)
        return self.memo.get(resampled, ("levels", window), lambda: levels(resampled.values, window, linear=linear))

    def _overlay_pixels(self, mri: Volume, partner: Volume, resampled: PartnerSlice) -> Pixels:
        state, case = self.state, self.case
        own = self._own_colours(partner)
        mri_inverted, inverted = is_inverted(case, "mri"), is_inverted(case, "partner")
        if own is not None or mri.rgb is not None:
            if own is None:
                own = look_up(colours(case.palette, inverted), self._partner_levels(partner, resampled))
            return blend(self._mri_pixels(mri, mri_inverted), own, state.overlay)
        first, second = self._mri_levels(mri), self._partner_levels(partner, resampled)
        both = self.memo.get(
            resampled, ("joint", id(first), id(second)), lambda: (joint(first, second), first, second)
        )[0]
        return look_up(overlay_table(mix_of(state, case)), both)

    # Pictures --------------------------------------------------------------------------------------------------

    def _picture(self, pixels: Pixels, kind: str, *, hatched: bool = False, notes: tuple[Note, ...] = ()) -> Picture:
        return Picture(self.plane, self.index, pixels, hatched=hatched, notes=notes, kind=kind)

    def _blank(self, why: Blank) -> Picture:
        return Picture(self.plane, self.index, blank=why)

    def _is_fused(self) -> bool:
        """Whether this slice is fused; a plane across the slices needs all of them."""
        stack = self.case.stack
        return stack is not None and bool(stack.done[self.index] if self.plane.axis == 2 else stack.done.all())

    def _waiting(self, overlay: Picture) -> Picture:
        """The overlay that stands in for a fusion, with how far that is where it waits for all slices."""
        stack = self.case.stack
        if stack is None or self.plane.axis == 2:
            return overlay
        return replace(overlay, done=int(np.count_nonzero(stack.done)), slices=len(stack.done))

    def _resampled(self) -> tuple[Note, ...]:
        return (Note.RESAMPLED,) if self.plane.grid.in_mm else ()  # plain pictures lie pixel on pixel

    def _own_grid(self, volume: Volume, plane: Plane, index: int, notes: tuple[Note, ...]) -> Picture:
        window = window_of(self.case, "partner")
        assert window is not None  # there is a volume
        inverted = is_inverted(self.case, "partner")
        pixels = native_pixels(volume, plane, index, window, self.case.palette_alone, inverted, self.memo)
        return Picture(plane, index, pixels, notes=(*notes, *interpolated(volume, plane, index)), kind="partner")

    def _matching_slice(self, volume: Volume) -> tuple[Plane, int]:
        """The like plane of an unaligned volume, as far through it as the MRI's slice is through the MRI."""
        named = axis_named(volume.geometry, self.plane.name) if self.plane.name else None
        plane = plane_of(volume.geometry, 2 if named is None else named)
        share = self.index / max(self.plane.slices - 1, 1)
        same_way = self.plane.grid.letter(self.plane.axis) == plane.grid.letter(plane.axis)
        return plane, round((share if same_way else 1 - share) * (plane.slices - 1))
