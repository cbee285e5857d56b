"""What a pane shows: pixels and the facts about them; the words for these facts are made in `labels`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from app.core.planes import Plane
from app.view.colours import Pixels


class Note(Enum):
    """What must be known about the pixels of a picture."""

    RESAMPLED = auto()  # the partner was interpolated onto the MRI's grid
    OWN_GRID = auto()  # the partner is shown in its own voxels, which are not the MRI's
    NOT_ALIGNED = auto()
    INTERPOLATED = auto()  # this slice was not acquired: it fills a gap
    HOLDS_INTERPOLATED = auto()  # the picture cuts across slices some of which were not acquired
    NOT_FUSED = auto()  # the plain overlay stands in for a fusion that is not there, also after a cancel or a failure


class Blank(Enum):
    """Why a pane has no pixels."""

    NOTHING = auto()  # no series is open
    NO_MRI = auto()
    NO_PARTNER = auto()
    STOPPED = auto()  # two patients, not confirmed
    NOT_ALIGNED = auto()
    RESAMPLING = auto()
    NO_LAYER = auto()  # no series is shown as a layer
    NOT_LINKED = auto()  # nothing says where the layer lies
    OTHER_PATIENT = auto()  # the layer names another patient than the base
    RESAMPLING_LAYER = auto()


@dataclass(frozen=True, eq=False)
class Picture:
    """What a pane shows.

    plane, index : where in which grid; the partner's own grid where it is shown unaligned
    pixels : 0xffRRGGBB [row, column] on `plane`, or None, and `blank` is why
    hatched : whether some of it lies outside the partner's field of view
    notes : what must be said about the pixels
    kind : "mri", "partner", "layer", "overlay" or "fusion": whose colours these are; "" where there are none
    layers : how many lie over the pair's picture
    done, slices : how many slices are fused of how many, where a plane across them waits for all; else 0
    """

    plane: Plane | None
    index: int = 0
    pixels: Pixels | None = None
    blank: Blank | None = None
    hatched: bool = False
    notes: tuple[Note, ...] = ()
    kind: str = ""
    layers: int = 0
    done: int = 0
    slices: int = 0


@dataclass(frozen=True, eq=False)
class PartnerSlice:
    """The partner on one slice of the MRI's grid: values float32 and inside bool, [row, column] in screen order."""

    values: NDArray[np.float32]
    inside: NDArray[np.bool_]


Resample = Callable[[Plane, int], PartnerSlice | None]
"""Gives the partner on a slice when `case.aligned` does not; None while it cannot."""
