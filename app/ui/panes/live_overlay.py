"""The overlay while there is no aligned volume: only the planes in sight are resampled, at every change, at once.

The partner is made ready for resampling once, in a worker (this also imports SimpleITK there); from then on a plane
costs a few milliseconds and is computed where it is asked for. So a nudge shows in the next paint, and no answer can
come late or belong to another transform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.base.progress import Progress
from app.case.document import Case
from app.core.planes import Plane
from app.ui.flow.workspace import Workspace
from app.view.picture import PartnerSlice

if TYPE_CHECKING:
    from app.registration.resample import Resampler

_KEPT = 8  # planes of the current transform


class LivePartner(QObject):
    """Resamples planes of `workspace.case` on demand; `ready` tells that panes may ask again."""

    ready = Signal()

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._pair: tuple[object, object] = (None, None)
        self._resampler: Resampler | None = None
        self._registration: object = None
        self._planes: dict[tuple[int, int], PartnerSlice] = {}
        workspace.case_changed.connect(self._follow)
        self._follow(workspace.case)

    def __call__(self, plane: Plane, index: int) -> PartnerSlice | None:
        """The partner on a slice of the MRI's grid; None until the resampler is ready or without a transform."""
        registration = self._workspace.case.registration
        if registration is None or self._resampler is None:
            return None
        if registration is not self._registration:
            self._registration = registration
            self._planes.clear()
        key = plane.axis, index
        if key not in self._planes:
            if len(self._planes) >= _KEPT:
                del self._planes[next(iter(self._planes))]
            resampled = self._resampler.plane(plane.geometry(index), registration.fixed_to_moving)
            mri, inside = self._workspace.case.mri, resampled.inside[0]
            if mri is not None and mri.valid is not None:
                inside = inside & plane.take(mri.valid, index)  # as alignment.align does
            self._planes[key] = PartnerSlice(resampled.values[0], inside)
        return self._planes[key]

    def _follow(self, case: Case) -> None:
        pair = case.mri, case.partner
        if pair[0] is not self._pair[0] or pair[1] is not self._pair[1]:
            self._pair, self._resampler = pair, None
            self._planes.clear()
            self._workspace.tasks.cancel("live partner")
        wanted = case.aligned is None and case.registration is not None and not case.stopped
        if wanted and self._resampler is None and not self._workspace.tasks.has("live partner"):
            self._workspace.tasks.start(
                "Preparing the overlay", _prepare(case), self._keep, key="live partner", urgent=True
            )

    def _keep(self, resampler: Any) -> None:
        self._resampler = resampler
        self.ready.emit()


def _prepare(case: Case) -> Any:
    mri, partner = case.mri, case.partner
    assert mri is not None  # there is a registration between them
    assert partner is not None

    def work(progress: Progress) -> Resampler:
        from app.registration.resample import Resampler

        progress(0.0, "preparing the overlay")
        return Resampler(partner, mri.geometry)

    return work
