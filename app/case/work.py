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
        for alignment in reversed(self.alignments):
            pair = alignment.mri is mri and alignment.partner is partner
            if pair and np.array_equal(alignment.registration.fixed_to_moving, registration.fixed_to_moving):
                same = alignment.registration is registration
                return alignment if same else replace(alignment, registration=registration)
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
        for stack in reversed(self.fusions):
            request = stack.request
            question = (request.network, (request.mri_window, request.partner_window), request.device)
            if stack.aligned.values is aligned.values and question == (network, windows, device):
                return stack if stack.aligned is aligned else replace(stack, aligned=aligned)
        return None

    def noting(
        self, aligned: Aligned | None, stack: FusionStack | None, layers: tuple[Layer, ...], roles: AbstractSet[str]
    ) -> tuple[Work, tuple[Layer, ...]]:
        """With what is shown now as the newest; and the layers, both without what there is no room for."""
        alignments, fusions = self.alignments, self.fusions
        if aligned is not None and (not alignments or alignments[-1] is not aligned):
            alignments = (*(prior for prior in alignments if prior.values is not aligned.values), aligned)
        if stack is not None and (not fusions or fusions[-1] is not stack):
            fusions = (*(prior for prior in fusions if prior.fused is not stack.fused), stack)
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
    for fusion in reversed(work.fusions):
        room -= 0 if fusion is stack else fusion.fused.nbytes
        if fusion is stack or room >= 0:
            fusions.insert(0, fusion)
    alignments: list[Aligned] = []
    for alignment in reversed(work.alignments):
        room -= 0 if alignment is aligned else alignment.values.nbytes + alignment.inside.nbytes
        if alignment is aligned or room >= 0:
            alignments.insert(0, alignment)
    remaining: list[Layer] = []
    for layer in reversed(layers):
        visible = layer.visible or layer.uid in roles
        room -= 0 if visible else layer.volume.stored.nbytes
        if visible or room >= 0:
            remaining.insert(0, layer)
    volumes = {id(layer.volume) for layer in remaining}
    at_hand = [alignment for alignment in alignments if {id(alignment.mri), id(alignment.partner)} <= volumes]
    values = {id(alignment.values) for alignment in at_hand}
    finished = tuple(fusion for fusion in fusions if id(fusion.aligned.values) in values)
    unchanged = len(remaining) == len(layers)
    return Work(tuple(at_hand), finished), layers if unchanged else tuple(remaining)
