"""How clearly a spot stands out from its surroundings, at every place of a picture; for `lesions` and `planted`.

*Surroundings* are the annulus 3 to 5 pixels from the place, *noise* the standard deviation in it once its plane is
taken away (a slope is shading and hides no spot), one grey level of 255 at least, since no display shows less. The
contrast-to-noise ratio (CNR) is the mean within 1.5 pixels, minus the mean of the annulus, over the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

Map = TypeVar("Map", Tensor, NDArray[np.floating])

GREY_LEVEL = 1 / 255
THERE, ABSENT = 1.0, 0.5  # CNR above which a spot is there, and below which it is not
REACH = 7  # pixels: no mask is larger

Y, X = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1].astype(np.float64)
R = np.hypot(Y, X)
CORE = (R <= 1.5) / np.count_nonzero(R <= 1.5)
RING = ((R >= 3) & (R <= 5)) / np.count_nonzero((R >= 3) & (R <= 5))
_SLOPES = [RING * step / np.sqrt((RING * step**2).sum()) for step in (Y, X)]


@dataclass(frozen=True)
class Look(Generic[Map]):
    """What a picture has at each of its pixels taken as a place."""

    contrast: Map
    mean: Map
    noise: Map

    @property
    def cnr(self) -> Map:
        return self.contrast / self.noise


def look(picture: NDArray[np.floating]) -> Look[NDArray[np.floating]]:
    """(H, W) in [0, 1] -> (H, W) each; edges are mirrored."""
    core, mean = (ndimage.correlate(picture, mask, mode="mirror") for mask in (CORE, RING))
    variance = ndimage.correlate(picture**2, RING, mode="mirror") - mean**2
    for slope in _SLOPES:
        variance -= ndimage.correlate(picture, slope, mode="mirror") ** 2
    return Look(core - mean, mean, np.sqrt(variance.clip(GREY_LEVEL**2)))


def look_within(pictures: Tensor) -> Look[Tensor]:
    """The same with a gradient, of places that lie REACH pixels inside: (B, 1, H, W) -> (B, 1, H - 14, W - 14) each."""
    masks = torch.from_numpy(np.stack([CORE, RING, *_SLOPES]))[:, None].to(pictures)
    core, mean, *slopes = functional.conv2d(pictures, masks).chunk(4, dim=1)
    variance = (
        functional.conv2d(pictures.square(), masks[1:2]) - mean.square() - slopes[0].square() - slopes[1].square()
    )
    return Look(core - mean, mean, variance.clamp(min=GREY_LEVEL**2).sqrt())
