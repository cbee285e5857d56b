"""Alignments and fusions that were made, kept so that a pair seen before is shown at once.

Each belongs to its question: the two volumes, the transform between them, for a fusion also network, windows and
device. They are kept newest first, within a quarter of the memory that was free when the first was made, together with
the volumes of layers that are not shown; what is shown now is never let go. A fusion of 256^3 takes 67 MB, the partner
on the base's grid 84 MB, so that on a computer with 8 GB free a dozen pairs are at hand.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from app.base import memory
from app.case.layers import Layer
from app.core.values import FusionWindow
from app.core.volume import Volume

if TYPE_CHECKING:  # these bring SimpleITK or torch with them
    from app.case.alignment import Aligned
    from app.case.fusing import FusionStack
    from app.registration.register import RegistrationResult

_SHARE = 4  # one part in so many


@cache
def kept_bytes() -> int:
    """How much may be kept beyond what is shown; decided once."""
    return memory.free_bytes() // _SHARE


@dataclass(frozen=True, eq=False)
class Work:
    """What was made, the newest last."""

    alignments: tuple[Aligned, ...] = ()
    fusions: tuple[FusionStack, ...] = ()

    def alignment(
        self, mri: Volume | None, partner: Volume | None, registration: RegistrationResult | None
    ) -> Aligned | None:
        """The partner on the MRI's grid, if it was made for this very transform; it bears this registration."""
        if registration is None:
            return None
        for made in reversed(self.alignments):
            pair = made.mri is mri and made.partner is partner
            if pair and np.array_equal(made.registration.fixed_to_moving, registration.fixed_to_moving):
                return made if made.registration is registration else replace(made, registration=registration)
        return None

    def fusion(
        self,
        aligned: Aligned | None,
        network: str,
        windows: tuple[FusionWindow | None, FusionWindow | None],
        device: str,
    ) -> FusionStack | None:
        """The fusion of these voxels with this network, these windows, on this device; it bears this alignment."""
        if aligned is None:
            return None
        for made in reversed(self.fusions):
            request = made.request
            asked = (request.network, (request.mri_window, request.partner_window), request.device)
            if made.aligned.values is aligned.values and asked == (network, windows, device):
                return made if made.aligned is aligned else replace(made, aligned=aligned)
        return None

    def noting(
        self, aligned: Aligned | None, stack: FusionStack | None, layers: tuple[Layer, ...], roles: AbstractSet[str]
    ) -> tuple[Work, tuple[Layer, ...]]:
        """With what is shown now as the newest; and the layers, both without what there is no room for."""
        alignments, fusions = self.alignments, self.fusions
        if aligned is not None and (not alignments or alignments[-1] is not aligned):
            alignments = (*(made for made in alignments if made.values is not aligned.values), aligned)
        if stack is not None and (not fusions or fusions[-1] is not stack):
            fusions = (*(made for made in fusions if made.fused is not stack.fused), stack)
        if alignments is self.alignments and fusions is self.fusions and len(layers) <= len(roles):
            return self, layers
        return _within(kept_bytes(), Work(alignments, fusions), aligned, stack, layers, roles)


def _within(
    room: int,
    work: Work,
    aligned: Aligned | None,
    stack: FusionStack | None,
    layers: tuple[Layer, ...],
    roles: AbstractSet[str],
) -> tuple[Work, tuple[Layer, ...]]:
    """The newest fusions, then alignments, then layers that fit into `room` bytes; what is shown needs no room."""
    fusions: list[FusionStack] = []
    for made in reversed(work.fusions):
        room -= 0 if made is stack else made.fused.nbytes
        if made is stack or room >= 0:
            fusions.insert(0, made)
    alignments: list[Aligned] = []
    for prior in reversed(work.alignments):
        room -= 0 if prior is aligned else prior.values.nbytes + prior.inside.nbytes
        if prior is aligned or room >= 0:
            alignments.insert(0, prior)
    kept: list[Layer] = []
    for layer in reversed(layers):
        shown = layer.visible or layer.uid in roles
        room -= 0 if shown else layer.volume.stored.nbytes
        if shown or room >= 0:
            kept.insert(0, layer)
    volumes = {id(layer.volume) for layer in kept}
    at_hand = [made for made in alignments if {id(made.mri), id(made.partner)} <= volumes]
    values = {id(made.values) for made in at_hand}
    finished = tuple(made for made in fusions if id(made.aligned.values) in values)
    unchanged = len(kept) == len(layers)
    return Work(tuple(at_hand), finished), layers if unchanged else tuple(kept)
