"""What a command is, and what of the window it may use.

Commands stand above the rooms that they command (flow, panes, panels, dialogs) and below the main window, which hands
itself to them: so `shell` knows nothing of what is opened in it, and nothing here knows how the window is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QMainWindow

from app.ui.dialogs.export_dialog import Exporter
from app.ui.flow.alignment_check import AlignmentCheck
from app.ui.flow.opening import Opening
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.workspace import Workspace
from app.ui.panels.registration_panel import RegistrationPanel
from app.ui.panes.layouts import ViewArea
from app.ui.shell.messages import NoticeBar


class Window(QMainWindow):
    """The parts of the main window that commands ask something of; `MainWindow` fills them in."""

    workspace: Workspace
    opening: Opening
    flow: PairFlow
    check: AlignmentCheck
    views: ViewArea
    exporter: Exporter
    notices: NoticeBar
    registration_panel: RegistrationPanel

    def open_demo(self) -> None:
        raise NotImplementedError

    def unless_lost(self, action: str, go_on: Callable[[], None]) -> None:
        """Go on at once; where the reader's work would be lost, only after asking. action : such as "Quit"."""
        raise NotImplementedError

    def toggle_panels(self) -> None:
        raise NotImplementedError

    def save_picture(self, path: Path) -> bool:
        """The window as it is, as a PNG; whether that could be written."""
        raise NotImplementedError


def always(workspace: Workspace) -> bool:
    """Of commands that can run whatever is open."""
    return True


def with_pair(workspace: Workspace) -> bool:
    """Whether there is a pair, laid together somehow."""
    return workspace.case.registration is not None and not workspace.case.stopped


@dataclass(frozen=True)
class Command:
    """One thing that a key or a menu can do.

    name : of its action; menu, text : where it stands and what it says; run : does it
    keys : as QKeySequence reads them, the first is shown; icon : where the tool bar shows it
    enabled : whether it can run now; checked : whether a tick stands beside it, None where it has none
    group : of commands of which one is ticked; in_menu : False for one that has keys alone
    on_panes : it stands in the context menu of the panes, too
    """

    name: str
    menu: str
    text: str
    run: Callable[[Window], object]
    keys: tuple[str, ...] = ()
    icon: str = ""
    enabled: Callable[[Workspace], bool] = always
    checked: Callable[[Workspace], bool] | None = None
    group: str = ""
    in_menu: bool = True
    on_panes: bool = False
