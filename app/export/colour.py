"""The colour of an exported slice: brightness from the fused picture, chroma from the partner.

A visible picture, which takes the MRI's place beside an infrared one, lends its own chroma.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.modalities import modality_of
from app.core.palettes import find_palette, palette, put_chroma
from app.core.values import luma_chroma, restore_chroma, to_unit

if TYPE_CHECKING:
    from app.case.fusing import FusionStack
    from app.core.volume import Volume

OWN_COLOURS = "own colours"
_HATCH_PERIOD = 8  # pixels


@dataclass(frozen=True)
class Colouring:
    """How fused slices of one stack become 8-bit pixels.

    name : the palette, OWN_COLOURS for a colour picture, or None where the result is grey
    lut : uint8 (256, 3), the palette; None where there is none
    lender : whose values or own colours give the chroma; None where the result is grey
    """

    stack: FusionStack
    name: str | None
    lut: NDArray[np.uint8] | None
    lender: Volume | None

    @property
    def grey(self) -> bool:
        return self.name is None

    def pixels(self, k: int) -> NDArray[np.uint8]:
        """uint8 [j, i], or [j, i, 3] where not grey: slice k on the MRI's grid; 0 outside the common field of view."""
        aligned = self.stack.aligned
        fused = self.stack.fused[k]
        if self.grey:
            return np.rint(fused * np.float32(255)).astype(np.uint8)
        inside = aligned.inside[k]
        if self.lut is None:
            rgb = restore_chroma(fused, self._own_chroma(k))
        else:
            unit = to_unit(aligned.values[k], self.stack.request.partner_window)
            rgb = put_chroma(fused, np.where(inside, unit, np.float32(0)), self.lut)
        rgb[~inside] = 0
        return rgb

    def rgb(self, k: int) -> NDArray[np.uint8]:
        """The same as uint8 [j, i, 3] in any case."""
        pixels = self.pixels(k)
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels

    def _own_chroma(self, k: int) -> NDArray[np.float32]:
        """Cb and Cr of the lender, a colour picture, on the MRI's grid, (j, i, 2); resampled as its luma was."""
        from app.registration.resample import resample_slice

        aligned, lender = self.stack.aligned, self.lender
        assert lender is not None  # asked for colour pictures only
        assert lender.rgb is not None
        if lender is aligned.mri:
            return luma_chroma(lender.rgb[k])[1]
        chroma = luma_chroma(lender.rgb)[1]
        planes = []
        for channel in range(2):
            stored = chroma[..., channel].copy()
            volume = replace(lender, stored=stored, slope=np.ones(1), intercept=np.zeros(1), rgb=None)
            onto = resample_slice(volume, aligned.mri.geometry, k, aligned.registration.fixed_to_moving)
            planes.append(onto.values[0])
        return np.stack(planes, axis=-1)


def colouring(stack: FusionStack, name: str | None = None) -> Colouring:
    """For a palette's name; None takes what suits the pair. UnknownPaletteError for a name that is none."""
    partner = stack.aligned.partner
    if name is None:
        pair = (partner, stack.aligned.mri)
        for one in pair if partner.modality != "TG" else reversed(pair):  # a visible picture keeps its colours
            if not _is_grey_picture(one):
                return Colouring(stack, OWN_COLOURS, None, one)
        name = modality_of(partner.modality).palette
    lut = palette(name)
    return (
        Colouring(stack, None, None, None) if not find_palette(name).coloured else Colouring(stack, name, lut, partner)
    )


def hatch(pixels: NDArray[Any], inside: NDArray[np.bool_], level: int) -> None:
    """Draw diagonal lines of grey `level` wherever not inside, so that no data never looks like no uptake. In place."""
    rows, columns = np.ogrid[: inside.shape[0], : inside.shape[1]]
    lines = (rows + columns) % _HATCH_PERIOD == 0
    pixels[~inside] = 0
    pixels[lines & ~inside] = level


def _is_grey_picture(volume: Volume) -> bool:
    rgb = volume.rgb
    return rgb is None or bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())
