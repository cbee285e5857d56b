"""What drags ask of a window, without a window: a desk that holds state and case, and a pane over a plane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.case.document import Case
from app.core.planes import plane_of
from app.view.drags import Press
from app.view.state import ViewState
from app.view.viewport import Viewport, viewport
from tests.scenes import head

MRI, PARTNER = head(32, 24)


class Desk:
    def __init__(self) -> None:
        self.state = ViewState()
        self.case = Case().having(mri=MRI, partner=PARTNER)

    def update(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def change(self, **changes: Any) -> None:
        self.case = self.case.having(**changes)

    def change_layer(self, which: str, **display: Any) -> None:
        layer = self.case.of_role(which)
        assert layer is not None
        self.case = self.case.with_layer(layer.uid, **display)


class Pane:
    """An axial pane of 320 x 320 logical pixels over the MRI: ten to a millimetre."""

    def __init__(
        self, desk: Desk, *, zoomed: bool = False, linked: bool = True, role: str | None = "mri", fusion: bool = False
    ) -> None:
        self._desk, self.zoomed, self._linked, self._role, self._fusion = desk, zoomed, linked, role, fusion

    def view(self) -> Viewport:
        state = self._desk.state
        return viewport(state, plane_of(MRI.geometry, 2), state.slice_of(MRI.geometry, 2), 320, 320)

    def linked(self) -> bool:
        return self._linked

    def windowed_role(self, *, other: bool = False) -> str | None:
        return "mri" if other else self._role

    def shows_fusion(self) -> bool:
        return self._fusion


def press(x: float, y: float, *, other: bool = False, **pane: Any) -> Press:
    desk = Desk()
    there = Pane(desk, **pane)
    return Press(desk, there, there.view(), x, y, other)
