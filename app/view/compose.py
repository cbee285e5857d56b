"""From the state and the scene to the pixels of one pane: `compose`, a pure function.

A pane has a role: "mri", "partner" (on the MRI's grid once there is an alignment), or "fused" (both sliders). What
cannot be shown truthfully is not shown: `Picture.pixels` is then None and `message` says why. Nothing here remembers
an old picture; `Memo` only keeps steps of the work for the very same inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.planes import Plane, axis_named, plane_of
from app.core.volume import Volume
from app.view.colours import (
    Levels,
    Pixels,
    blend,
    blend_table,
    colours,
    fusion_table,
    joint,
    levels,
    look_up,
    packed,
    stored_levels,
)
from app.view.memo import Memo
from app.view.scene import Scene
from app.view.state import ViewState
from app.view.windows import has_whole_numbers, is_inverted, window_of

NOTHING = "nothing shown yet"
NO_MRI = "No MRI chosen"
NO_PARTNER = "No partner chosen (CT, PET or SPECT)"
STOPPED = "TWO DIFFERENT PATIENTS\nnothing is laid together until this is confirmed"
NOT_ALIGNED = "not aligned yet"
RESAMPLING = "laying the partner over the MRI…"
FUSING = "not fused yet"  # also true after a cancel or a failure; the status line tells what runs
WHOLE_FUSION = "not fused yet\nthis plane needs all slices: {done} of {all} are done"

_HATCH_STEP = 7  # pixels between two lines


@dataclass(frozen=True, eq=False)
class Picture:
    """What a pane shows.

    pixels : 0xffRRGGBB [row, column] on `plane`, or None with a `message`
    plane, index : where in which grid; the partner's own grid where it is shown unaligned
    hatched : whether some of it lies outside the partner's field of view
    notes : what must be said on the picture: "resampled", "own grid, not aligned", ...
    kind : "mri", "partner", "overlay" or "fusion": whose colours these are
    """

    plane: Plane | None
    index: int = 0
    pixels: Pixels | None = None
    message: str = ""
    hatched: bool = False
    notes: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, eq=False)
class PartnerSlice:
    """The partner on one slice of the MRI's grid: values float32 and inside bool, [row, column] in screen order."""

    values: NDArray[np.float32]
    inside: NDArray[np.bool_]


Resample = Callable[[Plane, int], PartnerSlice | None]
"""Gives the partner on a slice when `scene.aligned` does not; None while it cannot."""


def compose(
    state: ViewState,
    scene: Scene,
    role: str,
    *,
    axis: int | None = None,
    resample: Resample | None = None,
    memo: Memo | None = None,
) -> Picture:
    """The picture of one pane.

    role : "mri", "partner" or "fused"; axis : index axis of scene.grid the pane cuts across, None for the state's
    """
    grid = scene.grid
    if grid is None:
        return Picture(None, message=NOTHING)
    plane = plane_of(grid, state.axis if axis is None else axis)
    work = _Work(state, scene, plane, state.slice_of(grid, plane.axis), resample, memo or Memo())
    if role == "mri":
        return work.mri()
    return work.partner() if role == "partner" else work.fused()


@dataclass(frozen=True, eq=False)
class _Work:
    """One call of compose: its inputs, and the steps from them to pixels."""

    state: ViewState
    scene: Scene
    plane: Plane
    index: int
    resample: Resample | None
    memo: Memo

    # The three roles -------------------------------------------------------------------------------------------

    def mri(self) -> Picture:
        volume = self.scene.mri
        if volume is None:
            return Picture(self.plane, self.index, message=NO_MRI)
        pixels = self._mri_pixels(volume, is_inverted(self.state, volume, "mri"))
        return self._picture(pixels, kind="mri", notes=_interpolated(volume, self.plane, self.index))

    def partner(self) -> Picture:
        scene, volume = self.scene, self.scene.partner
        if volume is None:
            return Picture(self.plane, self.index, message=NO_PARTNER)
        if scene.mri is None:
            return self._own_grid(volume, self.plane, self.index, ())
        if scene.registration is None or scene.stopped:
            plane, index = self._matching_slice(volume)
            return self._own_grid(volume, plane, index, ("own grid", NOT_ALIGNED))
        laid = self._partner_slice()
        if laid is None:
            return Picture(self.plane, self.index, message=RESAMPLING)
        coloured = self._coloured_slice(volume)
        if coloured is None:
            inverted = is_inverted(self.state, volume, "partner")
            coloured = look_up(colours(self.state.palette_alone, inverted), self._partner_levels(volume, laid))
        pixels, hatched = self._hatch(coloured, laid, None)
        notes = ("resampled",) if self.plane.grid.in_mm else ()  # pictures lie pixel on pixel
        return self._picture(pixels, kind="partner", hatched=hatched, notes=notes)

    def fused(self) -> Picture:
        state, scene = self.state, self.scene
        if scene.mri is None or scene.partner is None:
            if state.layout == "side-by-side":  # the one volume is seen in its own pane
                return self._blank(NO_MRI if scene.mri is None else NO_PARTNER)
            return self.partner() if scene.mri is None else self.mri()
        if state.hold_mri:
            return self.mri()
        if scene.stopped:
            return self._blank(STOPPED)
        if state.fusion <= 0 and state.overlay <= 0:
            return self.mri()
        if scene.registration is None:
            return self._blank(NOT_ALIGNED)
        laid = self._partner_slice()
        if laid is None:
            return self._blank(RESAMPLING)
        fusion = None
        if state.fusion > 0:
            fusion, missing = self._fusion_pixels(scene.mri, scene.partner)
            if fusion is None:
                return self._blank(missing)
        if fusion is not None and state.fusion >= 1:
            pixels = fusion
        else:
            pixels = self._overlay_pixels(scene.mri, scene.partner, laid)
            if fusion is not None:
                pixels = blend(pixels, fusion, state.fusion)
        turned = is_inverted(state, scene.mri, "mri") and fusion is None  # a fusion is never inverted
        pixels, hatched = self._hatch(pixels, laid, self._mri_pixels(scene.mri, turned))
        resampled = ("partner resampled",) if self.plane.grid.in_mm else ()
        notes = (*resampled, *_interpolated(scene.mri, self.plane, self.index))
        return self._picture(pixels, kind="overlay" if fusion is None else "fusion", hatched=hatched, notes=notes)

    # Pixels ----------------------------------------------------------------------------------------------------

    def _mri_levels(self, volume: Volume) -> Levels:
        window = window_of(self.state, self.scene, "mri")
        return self._native_levels(volume, self.plane, self.index, window)

    def _mri_pixels(self, volume: Volume, inverted: bool = False) -> Pixels:
        if volume.rgb is not None:
            return self._rgb_pixels(volume, self.plane, self.index)
        level = self._mri_levels(volume)
        return self.memo.get(level, ("grey", inverted), lambda: look_up(colours("Grey", inverted), level))

    def _native_levels(self, volume: Volume, plane: Plane, index: int, window: Any) -> Levels:
        def make() -> Levels:
            linear = has_whole_numbers(volume)
            stored = plane.take(volume.stored, index)
            if plane.axis == 2 or (np.ptp(volume.slope) == 0 and np.ptp(volume.intercept) == 0):
                k = index if plane.axis == 2 else 0
                return stored_levels(stored, float(volume.slope[k]), float(volume.intercept[k]), window, linear=linear)
            values = stored * _along_k(plane, volume.slope) + _along_k(plane, volume.intercept)  # each k has its own
            return levels(values, window, linear=linear)

        return self.memo.get(volume, ("native", plane.axis, index, window), make)

    def _rgb_pixels(self, volume: Volume, plane: Plane, index: int) -> Pixels:
        def make() -> Pixels:
            assert volume.rgb is not None  # asked for by those who looked
            return packed(np.stack([plane.take(volume.rgb[..., c], index) for c in range(3)], axis=-1))

        return self.memo.get(volume, ("rgb", plane.axis, index), make)

    def _coloured_slice(self, partner: Volume) -> Pixels | None:
        """A colour picture's own colours, where its pixels lie exactly on the MRI's."""
        grid, matrix = self.plane.grid, self.scene.fixed_to_moving
        on_grid = partner.rgb is not None and matrix is not None and np.allclose(matrix, np.eye(4))
        if on_grid and partner.geometry.same_grid(grid):
            return self._rgb_pixels(partner, plane_of(partner.geometry, self.plane.axis), self.index)
        return None

    def _partner_slice(self) -> PartnerSlice | None:
        aligned, plane, index = self.scene.aligned, self.plane, self.index
        if aligned is not None:
            return self.memo.get(
                aligned,
                ("laid", plane.axis, index),
                lambda: PartnerSlice(plane.take(aligned.values, index), plane.take(aligned.inside, index)),
            )
        return None if self.resample is None else self.resample(plane, index)

    def _partner_levels(self, volume: Volume, laid: PartnerSlice) -> Levels:
        window = window_of(self.state, self.scene, "partner")
        assert window is not None  # there is a volume
        linear = has_whole_numbers(volume)
        return self.memo.get(laid, ("levels", window), lambda: levels(laid.values, window, linear=linear))

    def _overlay_pixels(self, mri: Volume, partner: Volume, laid: PartnerSlice) -> Pixels:
        state = self.state
        coloured = self._coloured_slice(partner)
        inverted = is_inverted(state, partner, "partner")
        if coloured is not None or mri.rgb is not None:
            if coloured is None:
                coloured = look_up(colours(state.palette, inverted), self._partner_levels(partner, laid))
            return blend(self._mri_pixels(mri, is_inverted(state, mri, "mri")), coloured, state.overlay)
        first, second = self._mri_levels(mri), self._partner_levels(partner, laid)
        both = self.memo.get(laid, ("joint", id(first), id(second)), lambda: (joint(first, second), first, second))[0]
        share = round(256 * min(max(state.overlay, 0.0), 1.0)) / 256
        table = blend_table("Grey", is_inverted(state, mri, "mri"), state.palette, inverted, share)
        return look_up(table, both)

    def _fusion_pixels(self, mri: Volume, partner: Volume) -> tuple[Pixels | None, str]:
        stack, plane, index = self.scene.stack, self.plane, self.index
        if stack is None:
            return None, FUSING
        if not (stack.done[index] if plane.axis == 2 else stack.done.all()):
            done = int(np.count_nonzero(stack.done))
            return None, FUSING if plane.axis == 2 else WHOLE_FUSION.format(done=done, all=len(stack.done))
        fused: Levels = self.memo.get(
            stack.fused,
            ("fused", plane.axis, index),
            lambda: levels(plane.take(stack.fused, index), (0.5, 1.0)),
        )
        coloured = self._coloured_slice(partner)
        if mri.rgb is not None and (coloured is None or partner.modality == "TG"):
            coloured = self._mri_pixels(mri)  # a visible picture keeps its colours
        if coloured is not None:
            made = self.memo.get(fused, ("chroma", id(coloured)), lambda: (_with_chroma(fused, coloured), coloured))
            return made[0], ""
        window = stack.request.partner_window
        scalar = self.memo.get(
            stack,
            ("scalar", plane.axis, index),
            lambda: levels(
                plane.take(stack.aligned.values, index),
                ((window.low + window.high) / 2, window.high - window.low),
            ),
        )
        both = self.memo.get(fused, ("joint", id(scalar)), lambda: (joint(fused, scalar), scalar))[0]
        palette = self.state.palette
        return self.memo.get(both, ("fusion", palette), lambda: look_up(fusion_table(palette), both)), ""

    def _hatch(self, pixels: Pixels, laid: PartnerSlice, beneath: Pixels | None) -> tuple[Pixels, bool]:
        """Where the partner has no data: the MRI (or nothing) with fine lines; never the colour of no uptake."""
        outside: NDArray[np.intp] = self.memo.get(laid, ("outside",), lambda: np.flatnonzero(~laid.inside))
        if not outside.size:
            return pixels, False
        lines: NDArray[np.intp] = self.memo.get(laid, ("lines",), lambda: _lines(outside, laid.inside.shape[1]))
        pixels = pixels.copy()  # they may be remembered without lines
        flat = pixels.reshape(-1)
        flat[outside] = np.uint32(0xFF101014) if beneath is None else beneath.reshape(-1)[outside]
        flat[lines] = (flat[lines] >> np.uint32(1) & np.uint32(0x007F7F7F)) + np.uint32(0xFF30383C)
        return pixels, True

    # Helpers ---------------------------------------------------------------------------------------------------

    def _picture(self, pixels: Pixels, *, kind: str, hatched: bool = False, notes: tuple[str, ...] = ()) -> Picture:
        return Picture(self.plane, self.index, pixels, hatched=hatched, notes=notes, kind=kind)

    def _blank(self, message: str) -> Picture:
        return Picture(self.plane, self.index, message=message)

    def _own_grid(self, volume: Volume, plane: Plane, index: int, notes: tuple[str, ...]) -> Picture:
        if volume.rgb is not None:
            pixels = self._rgb_pixels(volume, plane, index)
        else:
            level = self._native_levels(volume, plane, index, window_of(self.state, self.scene, "partner"))
            table = colours(self.state.palette_alone, is_inverted(self.state, volume, "partner"))
            pixels = look_up(table, level)
        return Picture(plane, index, pixels, notes=(*notes, *_interpolated(volume, plane, index)), kind="partner")

    def _matching_slice(self, volume: Volume) -> tuple[Plane, int]:
        """The like plane of an unaligned volume, as far through it as the MRI's slice is through the MRI."""
        named = axis_named(volume.geometry, self.plane.name) if self.plane.name else None
        plane = plane_of(volume.geometry, 2 if named is None else named)
        share = self.index / max(self.plane.slices - 1, 1)
        same_way = self.plane.grid.letter(self.plane.axis) == plane.grid.letter(plane.axis)
        return plane, round((share if same_way else 1 - share) * (plane.slices - 1))


def _interpolated(volume: Volume, plane: Plane, index: int) -> tuple[str, ...]:
    if volume.interpolated is None:
        return ()
    if plane.axis == 2:
        return ("INTERPOLATED SLICE",) if volume.interpolated[index] else ()
    return ("holds interpolated slices",) if volume.interpolated.any() else ()


def _along_k(plane: Plane, per_slice: NDArray[np.float64]) -> NDArray[np.float64]:
    """A number for each k, shaped to multiply a picture whose rows or columns run along k."""
    if plane.down == 2:
        return per_slice[:: -1 if plane.flip_down else 1, None]
    return per_slice[None, :: -1 if plane.flip_across else 1]


def _lines(outside: NDArray[np.intp], columns: int) -> NDArray[np.intp]:
    """The flat indices among `outside` that lie on a diagonal line."""
    row, column = np.divmod(outside, columns)
    return outside[(row + column) % _HATCH_STEP == 0]


def _with_chroma(fused: Levels, coloured: Pixels) -> Pixels:
    from app.core.values import luma_chroma, restore_chroma
    from app.view.colours import rgb

    _, chroma = luma_chroma(rgb(coloured))
    return packed(restore_chroma(fused.astype(np.float32) / np.float32(255), chroma))
