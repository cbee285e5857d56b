"""Layers over the pair, resampled plane by plane where panes ask for them.

Each layer is made ready once, in a worker (which can be cancelled); from then on a plane costs a few milliseconds. A
plane is made for one layer, one way of links and one slice, so that nothing of an older alignment can be painted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.base.progress import Progress
from app.case.document import Case
from app.case.layers import Layer
from app.core.geometry import Geometry
from app.core.planes import Plane
from app.core.volume import Volume
from app.ui.flow.workspace import Workspace
from app.view.picture import PartnerSlice

if TYPE_CHECKING:
    from app.registration.resample import Resampler

_KEPT = 24  # planes of all layers


class LiveLayers(QObject):
    """Gives planes of the layers of `workspace.case`; `ready` tells that panes may ask again."""

    ready = Signal()

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._grid: Geometry | None = None
        self._resamplers: dict[str, Resampler] = {}
        self._given_up: dict[str, Volume] = {}
        self._planes: dict[tuple[str, bytes, int, int], PartnerSlice] = {}
        workspace.case_changed.connect(self._follow)
        self._follow(workspace.case)

    def __call__(self, layer: Layer, plane: Plane, index: int) -> PartnerSlice | None:
        """The layer on a slice of the shared grid; None until it is ready, and where no link leads to it."""
        resampler, way = self._resamplers.get(layer.uid), self._workspace.case.way_to(layer)
        if resampler is None or way is None or resampler.moving is not layer.volume:
            return None
        key = layer.uid, way.fixed_to_moving.tobytes(), plane.axis, index
        if key not in self._planes:
            while len(self._planes) >= _KEPT:
                del self._planes[next(iter(self._planes))]
            resampled = resampler.plane(plane.geometry(index), way.fixed_to_moving)
            self._planes[key] = PartnerSlice(resampled.values[0], resampled.inside[0])
        return self._planes[key]

    def _follow(self, case: Case) -> None:
        wanted = {layer.uid: layer.volume for layer in case.overlays if case.hindrance(layer) is None}
        if case.grid is not self._grid:
            self._grid = case.grid
            self._forget(set(self._resamplers))
        self._forget({uid for uid, made in self._resamplers.items() if wanted.get(uid) is not made.moving})
        self._given_up = {uid: volume for uid, volume in self._given_up.items() if wanted.get(uid) is volume}
        for uid, volume in wanted.items():
            begun = uid in self._resamplers or uid in self._given_up or self._workspace.tasks.has(_key(uid))
            if not begun and case.grid is not None:
                self._begin(uid, volume, case.grid)

    def _begin(self, uid: str, volume: Volume, grid: Geometry) -> None:
        def work(progress: Progress) -> Resampler:
            from app.registration.resample import Resampler

            progress(0.0, "preparing")
            return Resampler(volume, grid)

        def done(resampler: Resampler) -> None:
            layer = self._workspace.case.layer(uid)
            if layer is not None and layer.volume is volume and self._workspace.case.grid is grid:
                self._resamplers[uid] = resampler
                self.ready.emit()

        self._workspace.tasks.start(
            "Laying a layer over", work, done, cancelled=lambda: self._give_up(uid, volume), key=_key(uid)
        )

    def _give_up(self, uid: str, volume: Volume) -> None:
        """Cancelled by the reader: not begun again until the layer is hidden and shown anew."""
        self._given_up[uid] = volume

    def _forget(self, uids: set[Any]) -> None:
        for uid in uids:
            del self._resamplers[uid]
        self._planes = {key: made for key, made in self._planes.items() if key[0] not in uids}


def _key(uid: str) -> str:
    return f"layer {uid}"
