"""How long networks take for a slice on this computer, measured while they fuse; before that, their publisher's word.

Kept in the settings by network, device and size of the slices: {"lkcfunet cpu 256x256": 4100.0}, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.base.progress import roughly, spoken
from app.base.settings import MOST_SLICE_TIMES
from app.case.document import Case
from app.core.volume import Volume
from app.fusion import cards, registry
from app.fusion.spec import NetworkSpec

if TYPE_CHECKING:
    from app.case.fusing import FusionStack

Size = tuple[int, int]  # columns, rows of a slice
_MOMENT_S = 5.0
PUBLISHED: Size = (256, 256)


class SliceTimes(QObject):
    """changed : a time that is shown somewhere has changed."""

    changed = Signal()

    def __init__(self, known: Mapping[str, float], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.known = dict(known)
        self._published: dict[str, dict[str, float]] = {}  # by network, as they are asked for
        self._automatic = "cuda" if any(" cuda " in key for key in known) else "cpu"

    def note(self, stack: FusionStack) -> None:
        """Remember what a slice of this stack takes, the newest last."""
        if stack.request.device == "auto":
            self._automatic = stack.device
        key = _key(stack.request.network, stack.device, size_of(stack.aligned.mri))
        before, now = self.known.pop(key, 0.0), 1000 * stack.slice_s
        self.known[key] = now
        for oldest in list(self.known)[:-MOST_SLICE_TIMES]:
            del self.known[oldest]
        if spoken(before / 1000) != spoken(now / 1000):
            self.changed.emit()

    def seconds(self, spec: NetworkSpec, case: Case) -> tuple[float, bool]:
        """What a slice of the case will take, 0 where nothing is known; and whether it was measured here."""
        device, size = self._device(case), size_of(case.mri)
        measured = self.known.get(_key(spec.name, device, size))
        if measured is not None:
            return measured / 1000, True
        pixels = size[0] * size[1] / (PUBLISHED[0] * PUBLISHED[1])
        return self._publishers(spec).get(device, 0.0) * pixels / 1000, False

    def beside_name(self, spec: NetworkSpec, case: Case) -> str:
        """ "LKC-FUNet, about 4 s a slice", or "LKC-FUNet, 3.9 s a slice, published" before it was measured here."""
        seconds, here = self.seconds(spec, case)
        if here:
            return f"{spec.title}, {roughly(seconds)} a slice"
        published = self._publishers(spec).get(self._device(case))
        return f"{spec.title}, {spoken(published / 1000)} a slice, published" if published else spec.title

    def explained(self, spec: NetworkSpec, case: Case) -> str:
        """Where the time beside the name comes from, in a sentence."""
        seconds, here = self.seconds(spec, case)
        if here:
            columns, rows = size_of(case.mri)
            on = {"cpu": "CPU", "cuda": "GPU"}[self._device(case)]
            return f"{roughly(seconds)} for a slice of {columns} × {rows}, measured on this computer's {on}."
        sentence = cards.published(self._publishers(spec))
        return f"{sentence} This computer's own time shows once it has fused." if sentence else ""

    def slices(self, spec: NetworkSpec, case: Case, count: int) -> str:
        """ "about 11 min" for that many slices of the case; "" where nothing is known, or it is over in a moment."""
        seconds, here = self.seconds(spec, case)
        if seconds * count < _MOMENT_S:
            return ""
        return roughly(seconds * count) + ("" if here else " by its publisher's figure")

    def _device(self, case: Case) -> str:
        return self._automatic if case.device == "auto" else case.device

    def _publishers(self, spec: NetworkSpec) -> dict[str, float]:
        if spec.name not in self._published:
            self._published[spec.name] = registry.measured(spec).ms_per_slice or {}
        return self._published[spec.name]


def size_of(mri: Volume | None) -> Size:
    """Columns and rows of the slices that are fused; the publisher's where there is no MRI yet."""
    return PUBLISHED if mri is None else (mri.geometry.size[0], mri.geometry.size[1])


def _key(network: str, device: str, size: Size) -> str:
    return f"{network} {device} {size[0]}x{size[1]}"
