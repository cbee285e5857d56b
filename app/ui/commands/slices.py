"""The menu Slices: through the stack, and from series to series."""

from __future__ import annotations

from collections.abc import Callable

from app.core.geometry import Geometry
from app.ui.commands.command import Command, Window
from app.ui.commands.under_mouse import role_under_mouse
from app.view.state import at_slice


def _scroll(steps: int) -> Callable[[Window], None]:
    return lambda window: window.workspace.scroll(steps)


def _go_to(index: Callable[[Geometry, int], int]) -> Callable[[Window], None]:
    """To the slice that `index(grid, axis)` names."""

    def run(window: Window) -> None:
        state, grid = window.workspace.state, window.workspace.case.grid
        if grid is not None:
            window.workspace.jump(**at_slice(state, grid, index(grid, state.axis)))

    return run


def _other_series(step: int) -> Callable[[Window], None]:
    """The next series of the list for the pane under the mouse (else the partner), passing by the other role's."""

    def run(window: Window) -> None:
        opening, under = window.opening, role_under_mouse(window)
        role = under if under in opening.chosen else "partner"
        taken = opening.chosen["partner" if role == "mri" else "mri"]
        series = [entry for study in window.workspace.case.studies for entry in study.series if not entry.problem]
        series = [entry for entry in series if taken is None or entry.uid != taken.uid]
        if not series:
            return
        now = opening.chosen[role]
        place = next((n for n, entry in enumerate(series) if now is not None and entry.uid == now.uid), -step)
        wanted = series[(place + step) % len(series)]
        if now is None or wanted.uid != now.uid:
            opening.choose(role, wanted)

    return run


COMMANDS = (
    Command("previous_slice", "Slices", "Previous slice", _scroll(-1), ("Up",)),
    Command("next_slice", "Slices", "Next slice", _scroll(1), ("Down",)),
    Command("ten_back", "Slices", "Ten slices back", _scroll(-10), ("PgUp",)),
    Command("ten_on", "Slices", "Ten slices on", _scroll(10), ("PgDown",)),
    Command("first_slice", "Slices", "First slice", _go_to(lambda grid, axis: 0), ("Home",)),
    Command("last_slice", "Slices", "Last slice", _go_to(lambda grid, axis: grid.size[axis] - 1), ("End",)),
    Command("previous_series", "Slices", "Previous series", _other_series(-1), ("Left",)),
    Command("next_series", "Slices", "Next series", _other_series(1), ("Right",)),
)
