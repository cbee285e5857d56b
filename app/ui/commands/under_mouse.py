"""Which pane the mouse is over: commands such as a window preset mean that one."""

from __future__ import annotations

from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.commands.command import Window


def pane_under_mouse(window: Window) -> str:
    """The pane's name, "" for none."""
    widget: QWidget | None = QApplication.widgetAt(QCursor.pos())
    while widget is not None:
        for name, pane in window.views.panes.items():
            if pane is widget:
                return name
        widget = widget.parentWidget()
    return ""


def role_under_mouse(window: Window) -> str:
    """ "mri", "partner", or the uid of a layer: whose window a drag there changes; the partner's anywhere else."""
    pane = window.views.panes.get(pane_under_mouse(window))
    role = None if pane is None else pane.windowed_role()
    if role is None:
        return "mri" if window.workspace.case.partner is None else "partner"
    return role
