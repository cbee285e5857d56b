"""The case: all that is being read, as one frozen value; replaced whole, by `Case.having`.

What is shown rests on other things: the registration on the two roles and the links, the aligned partner on the
registration, the fusion on the aligned partner, the network and the windows (`_SHOWN` is the table). When one of those
changes, what rested on it falls, so that no picture outlives what it was made from. But only what is *shown* falls:
links, regions and acknowledgements belong to the series they were made for, windows and colours to their layer,
resampled partners and fusions to their question (`work.py`), and what was known before about the new pair comes back
with it, and nothing is computed twice.

Every change that makes running work out of date gets a new `generation`: a worker notes the number it started from, and
its answer counts only while it is still that number. Progress of running work is not held here: a tick must not repaint
images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.case import links as graph
from app.case.layers import Layer
from app.case.regions import Region, moved
from app.case.work import Work
from app.core.geometry import Geometry
from app.core.values import FusionWindow
from app.core.volume import Series, Study, Volume

if TYPE_CHECKING:  # these bring SimpleITK or torch with them
    from app.case.alignment import Aligned
    from app.case.fusing import FusionStack
    from app.registration.register import RegistrationResult

_ROLES = {"mri": "base_uid", "partner": "partner_uid"}


class Hindrance(StrEnum):
    """Why a layer is laid over nothing."""

    NOT_LINKED = "not-linked"
    OTHER_PATIENT = "other-patient"


@dataclass(frozen=True, eq=False)
class Case:
    """All that is being read; compared by identity.

    generation : grows with every change that makes running work out of date
    studies, skipped : what the readers found (`Scan.studies`, `Scan.skipped`)
    layers : the series read so far, the one opened last at the end; `base_uid` and `partner_uid` name the two roles of
        the pair that is fused, "" where a role is empty
    links : how the series lie in each other, as far as anybody has said
    regions : what the reader has drawn, in the patient
    acknowledged : pairs (as the two uids) whose headers name two patients, accepted by the reader all the same
    registration : of base and partner, `fixed` is the base; None until there is at least a header to start from
    aligned : the partner on the base's grid under exactly `registration`
    stack : the network's fusion of exactly `aligned`; filled in place while a worker runs, see `FusionStack.done`
    work : alignments and fusions made before, for the pairs that are switched back to
    network, device : what the next fusion uses
    """

    generation: int = 0
    studies: tuple[Study, ...] = ()
    skipped: tuple[Any, ...] = ()
    layers: tuple[Layer, ...] = ()
    base_uid: str = ""
    partner_uid: str = ""
    links: graph.Links = ()
    regions: tuple[Region, ...] = ()
    acknowledged: frozenset[frozenset[str]] = frozenset()
    registration: RegistrationResult | None = None
    aligned: Aligned | None = None
    stack: FusionStack | None = None
    work: Work = Work()  # noqa: RUF009 - frozen
    network: str = "average"
    device: str = "auto"

    # Changing --------------------------------------------------------------------------------------------------

    def having(self, **changes: Any) -> Case:
        """This case with some things replaced, and what is shown brought into step with them.

        Takes fields, and `mri`, `partner` (a Volume or None), `mri_fusion_window`, `partner_fusion_window` and
        `different_patients_confirmed` of the present pair. What is given itself is kept:
        having(registration=r, aligned=a) looks up the stack alone.
        """
        changes = {name: value for name, value in changes.items() if not _same(getattr(self, name), value)}
        if not changes:
            return self
        case = self._with_layers(changes)
        fields = {name: value for name, value in changes.items() if name in _FIELDS}
        case = replace(case, **fields)
        if "studies" in changes:
            case = case._without_replaced(self)
        if "different_patients_confirmed" in changes:
            case = case._acknowledging(bool(changes["different_patients_confirmed"]))
        if "registration" in changes and case.base is not None and case.partner_layer is not None:
            ends = case.base.end, case.partner_layer.end
            case = replace(case, links=graph.linked(case.links, *ends, case.registration))
        return case._in_step_with(self, given=changes)

    def with_layer(self, uid: str, **display: Any) -> Case:
        """The case with fields of one layer replaced, such as its window."""
        layers = tuple(replace(layer, **display) if layer.uid == uid else layer for layer in self.layers)
        return self.having(layers=layers)

    def without_layer(self, uid: str) -> Case:
        """The case without one layer; a role that it held is empty."""
        roles = {role: None for role, field in _ROLES.items() if getattr(self, field) == uid}
        return self.having(**roles).having(layers=tuple(layer for layer in self.layers if layer.uid != uid))

    def back_to(self, earlier: Case) -> Case:
        """The earlier case, for undo: with all that was opened, read and computed since."""
        known = {layer.uid for layer in earlier.layers}
        layers = (*earlier.layers, *(layer for layer in self.layers if layer.uid not in known))
        case = replace(self, layers=layers, links=earlier.links, regions=earlier.regions)
        return replace(case, acknowledged=earlier.acknowledged)._in_step_with(self, given={})

    def emptied(self) -> Case:
        """Nothing of any study; the network and the device stay."""
        return Case(generation=self.generation + 1, network=self.network, device=self.device)

    def without_work(self) -> Case:
        """What undo needs to keep of it: no arrays but those of the layers."""
        return replace(self, aligned=None, stack=None, work=Work())

    # What is asked ---------------------------------------------------------------------------------------------

    @property
    def base(self) -> Layer | None:
        """The layer on whose grid is fused and drawn."""
        return self.layer(self.base_uid)

    @property
    def partner_layer(self) -> Layer | None:
        """The layer that is fused with the base."""
        return self.layer(self.partner_uid)

    @property
    def mri(self) -> Volume | None:
        """The base's volume."""
        base = self.base
        return None if base is None else base.volume

    @property
    def partner(self) -> Volume | None:
        layer = self.partner_layer
        return None if layer is None else layer.volume

    @property
    def mri_fusion_window(self) -> FusionWindow | None:
        base = self.base
        return None if base is None else base.fusion_window

    @property
    def partner_fusion_window(self) -> FusionWindow | None:
        layer = self.partner_layer
        return None if layer is None else layer.fusion_window

    @property
    def palette(self) -> str:
        """The partner's colours over the base and in the fusion."""
        layer = self.partner_layer
        return "Hot Iron" if layer is None else layer.palette

    @property
    def palette_alone(self) -> str:
        """The partner's colours in its own pane."""
        layer = self.partner_layer
        return "Inverted Grey" if layer is None else layer.palette_alone

    @property
    def fading(self) -> bool:
        """Whether the partner is clear over the base where there is no uptake."""
        layer = self.partner_layer
        return layer is not None and layer.fading

    def layer(self, uid: str) -> Layer | None:
        """The layer of a series; None where it is not read."""
        return self._by_uid.get(uid)

    @cached_property
    def _by_uid(self) -> dict[str, Layer]:
        """Asked a hundred times for each slice that is scrolled to, so it is made once."""
        return {layer.uid: layer for layer in reversed(self.layers)}

    def of_role(self, role: str) -> Layer | None:
        """role "mri" or "partner", or the uid of any layer."""
        return {"mri": self.base, "partner": self.partner_layer}.get(role) or self.layer(role)

    @cached_property
    def overlays(self) -> tuple[Layer, ...]:
        """The layers that lie over the pair, the lowest first; none while there is no base to lie on."""
        roles = {self.base_uid, self.partner_uid}
        return tuple(layer for layer in self.layers if layer.visible and layer.uid not in roles) if self.base else ()

    def hindrance(self, layer: Layer) -> Hindrance | None:
        """Why a layer may not be laid over the base; None where it may."""
        ground = self.base or self.partner_layer
        if ground is None:
            return Hindrance.NOT_LINKED
        apart = layer.series.patient.differs_from(ground.series.patient)
        if apart and frozenset((ground.uid, layer.uid)) not in self.acknowledged:
            return Hindrance.OTHER_PATIENT
        return Hindrance.NOT_LINKED if self.way_to(layer) is None else None

    def way_to(self, layer: Layer) -> graph.Way | None:
        """How points of the shared grid come to a layer; None where no link leads there, and it lies over nothing."""
        ground = self.base or self.partner_layer
        if ground is None:
            return None
        if ground.volume.geometry.in_mm != layer.volume.geometry.in_mm:
            return None
        return graph.way(self.links, ground.end, layer.end)

    def placed(self, region: Region) -> Region | None:
        """A region in the LPS mm of the shared grid; None where no link leads there."""
        ground = self.base or self.partner_layer
        if ground is None or ground.uid == region.layer_uid:
            return None if ground is None else region
        way = graph.way(self.links, region.drawn_on, ground.end)
        return None if way is None else moved(region, way.fixed_to_moving)

    @property
    def grid(self) -> Geometry | None:
        """The grid all panes share: the base's, or the partner's own where it is alone."""
        volume = self.mri or self.partner
        return None if volume is None else volume.geometry

    @property
    def different_patients(self) -> tuple[str, ...]:
        """The header fields in which the two roles name different patients; () where nothing speaks against one."""
        if self.mri is None or self.partner is None:
            return ()
        return tuple(self.mri.series.patient.differs_from(self.partner.series.patient))

    @property
    def different_patients_confirmed(self) -> bool:
        """Whether the reader has accepted the present pair, although its headers may name two patients."""
        return frozenset((self.base_uid, self.partner_uid)) in self.acknowledged

    @property
    def stopped(self) -> bool:
        """Two different patients, not confirmed: nothing of both may be shown together, fused or exported."""
        return bool(self.different_patients) and not self.different_patients_confirmed

    @property
    def fixed_to_moving(self) -> NDArray[np.float64] | None:
        """4x4, LPS mm of the MRI to LPS mm of the partner; the identity for one volume alone; None when unknown."""
        if self.registration is not None:
            return self.registration.fixed_to_moving
        return np.eye(4) if self.mri is None and self.partner is not None else None

    def series(self, uid: str) -> Series | None:
        """The series with this uid in the list, or None."""
        return next((series for study in self.studies for series in study.series if series.uid == uid), None)

    # Staying in step -------------------------------------------------------------------------------------------

    def _with_layers(self, changes: dict[str, Any]) -> Case:
        """With the volumes and fusion windows that were given by role in their layers."""
        case = self
        for role, field in _ROLES.items():
            if role in changes:
                case = case._in_role(role, changes[role], apart=[changes.get(other) for other in _ROLES])
            window = f"{role}_fusion_window"
            if window in changes:
                held = getattr(case, field)
                layers = (
                    replace(layer, fusion_window=changes[window]) if layer.uid == held else layer
                    for layer in case.layers
                )
                case = replace(case, layers=tuple(layers))
        return case

    def _in_role(self, role: str, volume: Volume | None, apart: Sequence[Volume | None]) -> Case:
        """With this volume in the role; apart : the volumes that get a role now, which may share a uid."""
        layer = None
        if volume is not None:
            known = next((layer for layer in self.layers if layer.volume is volume), None)
            holder = self.layer(volume.series.uid)
            other = self.partner_layer if role == "mri" else self.base
            shared = holder is not None and (holder is other or any(holder.volume is one for one in apart))
            layer = known or Layer.of(volume, f"{volume.series.uid}#2" if shared else "")
        uid = "" if layer is None else layer.uid
        others = tuple(old for old in self.layers if old.uid != uid)
        layers = self.layers if layer is None else (*others, layer)
        if role == "mri":
            return replace(self, layers=layers, base_uid=uid)
        return replace(self, layers=layers, partner_uid=uid)

    def _without_replaced(self, before: Case) -> Case:
        """Without what belonged to series that were found again and are other ones by now, or left the list."""
        listed = {series.uid: series for study in self.studies for series in study.series}
        gone = {
            series.uid
            for study in before.studies
            for series in study.series
            if listed.get(series.uid) is not series and listed.get(series.uid) != series
        }
        if not gone:
            return self
        roles = {self.base_uid, self.partner_uid}
        return replace(
            self,
            layers=tuple(layer for layer in self.layers if layer.uid not in gone or layer.uid in roles),
            links=tuple(x for x in self.links if not {x.fixed.series_uid, x.moving.series_uid} & gone),
            regions=tuple(region for region in self.regions if region.layer_uid not in gone),
            acknowledged=frozenset(pair for pair in self.acknowledged if not pair & gone),
        )

    def _acknowledging(self, confirmed: bool) -> Case:
        pair = frozenset((self.base_uid, self.partner_uid))
        return replace(self, acknowledged=self.acknowledged | {pair} if confirmed else self.acknowledged - {pair})

    def _in_step_with(self, before: Case, given: dict[str, Any]) -> Case:
        """This case with everything shown that rests on what changed since `before` looked up anew."""
        case = self
        for name, (rests_on, look_up) in _SHOWN.items():
            if name not in given and any(getattr(case, part) is not getattr(before, part) for part in rests_on):
                case = replace(case, **{name: look_up(case)})
        outdated = any(getattr(case, part) is not getattr(before, part) for part in _OUTDATES)
        roles = {case.base_uid, case.partner_uid}
        work, layers = case.work.noting(case.aligned, case.stack, case.layers, roles)
        return replace(case, work=work, layers=layers, generation=before.generation + outdated)

    def _linked(self) -> RegistrationResult | None:
        """What the links say about the pair; None where only headers could, which are compared in their own step."""
        base, partner = self.base, self.partner_layer
        if base is None or partner is None:
            return None
        ends = base.end, partner.end
        own = graph.own_link(self.links, *ends)
        if own is not None:
            return own.registration
        if not (base.volume.geometry.in_mm and partner.volume.geometry.in_mm):
            return None
        way = graph.way(self.links, *ends)
        if way is None or not way.links:
            return None
        from app.registration.register import by_way_of

        made = by_way_of(base.volume, partner.volume, way.fixed_to_moving, way.verdict, way.error_mm)
        now = self.registration
        same = now is not None and (now.method, now.verdict, now.frames) == (made.method, made.verdict, made.frames)
        return now if now is not None and same and (now.fixed_to_moving == made.fixed_to_moving).all() else made

    def _aligned_before(self) -> Aligned | None:
        return self.work.alignment(self.mri, self.partner, self.registration)

    def _fused_before(self) -> FusionStack | None:
        windows = self.mri_fusion_window, self.partner_fusion_window
        return self.work.fusion(self.aligned, self.network, windows, self.device)


_FIELDS = frozenset(Case.__dataclass_fields__) - {"generation", "work"}
_SHOWN: dict[str, tuple[tuple[str, ...], Callable[[Case], Any]]] = {  # what each rests on, and how it comes back
    "registration": (("mri", "partner", "links"), Case._linked),
    "aligned": (("mri", "partner", "registration"), Case._aligned_before),
    "stack": (
        ("aligned", "network", "device", "mri_fusion_window", "partner_fusion_window"),
        Case._fused_before,
    ),
}
# an alignment or a stack that arrives answers the present question, and outdates nothing
_OUTDATES = ("mri", "partner", "registration", "network", "device", "mri_fusion_window", "partner_fusion_window")


def _same(old: Any, new: Any) -> bool:
    if old is new:
        return True
    simple = (str, bool, int, float)
    return isinstance(old, simple) and isinstance(new, simple) and old == new
