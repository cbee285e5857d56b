"""The colour of an exported slice: brightness from the fused picture, chroma from the partner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.imaging.palettes import palette, put_chroma
from app.imaging.pixels import luma_chroma, restore_chroma, to_unit

if TYPE_CHECKING:
    from app.imaging.volume import Volume
    from app.pipeline import FusionStack

OWN_COLOURS = "own colours"
_GREYS = ("Grey", "Inverted Grey")
_HATCH_PERIOD = 8  # pixels


@dataclass(frozen=True)
class Colouring:
    """How fused slices of one stack become 8-bit pixels.

    name : the palette, OWN_COLOURS for a colour picture, or None where the result is grey
    lut : uint8 (256, 3), the palette; None where there is none
    """

    stack: FusionStack
    name: str | None
    lut: NDArray[np.uint8] | None

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
            rgb = restore_chroma(fused, _chroma_on_grid(self.stack, k))
        else:
            unit = to_unit(aligned.values[k], self.stack.request.partner_window)
            rgb = put_chroma(fused, np.where(inside, unit, np.float32(0)), self.lut)
        rgb[~inside] = 0
        return rgb

    def rgb(self, k: int) -> NDArray[np.uint8]:
        """The same as uint8 [j, i, 3] in any case."""
        pixels = self.pixels(k)
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def colouring(stack: FusionStack, name: str | None = None) -> Colouring:
    """For a palette's name; None takes what suits the partner. UnknownPaletteError for a name that is none."""
    if name is None:
        partner = stack.aligned.partner
        if partner.rgb is not None and not _is_grey_picture(partner):
            return Colouring(stack, OWN_COLOURS, None)
        name = "Hot Iron" if partner.modality in ("PT", "NM") else "Grey"
    lut = palette(name)
    return Colouring(stack, None, None) if name in _GREYS else Colouring(stack, name, lut)


def hatch(pixels: NDArray[Any], inside: NDArray[np.bool_], level: int) -> None:
    """Draw diagonal lines of grey `level` wherever not inside, so that no data never looks like no uptake. In place."""
    rows, columns = np.ogrid[: inside.shape[0], : inside.shape[1]]
    lines = (rows + columns) % _HATCH_PERIOD == 0
    pixels[~inside] = 0
    pixels[lines & ~inside] = level


def _is_grey_picture(volume: Volume) -> bool:
    rgb = volume.rgb
    return rgb is None or bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())


def _chroma_on_grid(stack: FusionStack, k: int) -> NDArray[np.float32]:
    """Cb and Cr of a colour picture on the MRI's grid, (j, i, 2): resampled as its luma was."""
    from app.imaging.resample import resample_slice

    aligned = stack.aligned
    partner = aligned.partner
    assert partner.rgb is not None  # asked for colour pictures only
    chroma = luma_chroma(partner.rgb)[1]
    planes = []
    for channel in range(2):
        volume = replace(partner, stored=chroma[..., channel].copy(), slope=np.ones(1), intercept=np.zeros(1), rgb=None)
        onto = resample_slice(volume, aligned.mri.geometry, k, aligned.registration.fixed_to_moving)
        planes.append(onto.values[0])
    return np.stack(planes, axis=-1)
