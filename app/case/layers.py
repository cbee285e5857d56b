"""A layer: one series as it was read, and how the reader wants it shown; the settings stay with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.case.links import End
from app.core.modalities import modality_of
from app.core.values import FusionWindow
from app.core.volume import Series, Volume

ShownAs = Literal["colour", "contour"]
Window = tuple[float, float]  # centre, width


@dataclass(frozen=True, eq=False)
class Layer:
    """A volume and how it is shown. Of any number, one may be the base and one its partner; others lie over or beside.

    uid : that of its series; another where two layers of a case share it, as anonymous copies of two patients do
    window : (centre, width) in the volume's unit; None is the volume's default
    palette : its colours over the base and in the fusion; palette_alone : in a pane of its own
    inverted : dark and bright change places, beyond what the header asks for
    fading : over the base it is clear where there is no uptake, so that the base is seen there as it is
    fusion_window : what a network is given as 0..1; None until it was worked out
    visible : it lies over the picture, beside its role; as "colour" (opacity 0 to 1) or as "contour"
    contour_at : where in its window the contour runs, 0 to 1
    """

    volume: Volume
    uid: str
    window: Window | None = None
    palette: str = "Grey"
    palette_alone: str = "Grey"
    inverted: bool = False
    fading: bool = False
    fusion_window: FusionWindow | None = None
    visible: bool = False
    opacity: float = 0.5
    shown_as: ShownAs = "colour"
    contour_at: float = 0.5

    @classmethod
    def of(cls, volume: Volume, uid: str = "") -> Layer:
        """As it is shown at first: in the colours that readers know of its kind."""
        kind = modality_of(volume.modality)
        return cls(volume, uid or volume.series.uid, palette=kind.palette, palette_alone=kind.palette_alone)

    @property
    def series(self) -> Series:
        return self.volume.series

    @property
    def end(self) -> End:
        """As an end of a link."""
        return End(self.uid, self.series.frame_of_reference_uid)
