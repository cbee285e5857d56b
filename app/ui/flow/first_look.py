"""What the fused pane shows before the reader has touched a slider: the overlay at first, the fusion once it is there.

An overlay can be shown, and checked, before anything is fused; so every pair starts with it. When the first slice is
fused, the second slider goes to the network, unless the layout is one pane, where overlays are looked at, or the reader
has moved a slider of their own. What was moved for the reader gives way at once: to the overlay slider, which would
else do nothing, and to a nudge, which is made over the live overlay.
"""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.case.document import Case
from app.ui.flow.workspace import Workspace
from app.view.layouts import LAYOUTS
from app.view.state import ViewState


class FirstLook(QObject):
    """Watches the workspace; asks for `fusion=1` at most once for each pair."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._workspace = workspace
        self._pair: tuple[object, object] = (None, None)
        self._waiting = False  # for the first fused slice of an untouched pair
        self._moved_by_us = False
        self._sliders = workspace.state.overlay, workspace.state.fusion
        workspace.case_changed.connect(self._follow_case)
        workspace.changed.connect(self._follow_state)
        workspace.slice_fused.connect(self._fused)

    def _follow_case(self, case: Case) -> None:
        if case.mri is not self._pair[0] or case.partner is not self._pair[1]:
            self._pair = case.mri, case.partner
            self._give_way()
            self._waiting = self._workspace.state.fusion == 0
            if case.stack is not None and case.stack.done.any():  # a pair seen before, with its fusion
                self._fused(0)
        by_hand = case.registration is not None and case.registration.method == "manual"
        if by_hand and case.stack is None:
            self._give_way()

    def _follow_state(self, state: ViewState) -> None:
        before, self._sliders = self._sliders, (state.overlay, state.fusion)
        if before == self._sliders:
            return
        self._waiting = False
        if before[0] != state.overlay:
            self._give_way()
        self._moved_by_us = False

    def _fused(self, k: int) -> None:
        if self._waiting and not LAYOUTS[self._workspace.state.layout].has_one_pane:
            self._waiting = False
            self._sliders = self._workspace.state.overlay, 1.0
            self._moved_by_us = True
            self._workspace.update(fusion=1.0)

    def _give_way(self) -> None:
        if self._moved_by_us:
            self._moved_by_us = False
            self._sliders = self._workspace.state.overlay, 0.0
            self._workspace.update(fusion=0.0)
