"""The menu Help: the keys, the networks, what this program is; and Esc."""

from __future__ import annotations

from app.ui.commands.command import Command, Window
from app.ui.dialogs.help_dialog import about_html, open_page
from app.ui.dialogs.networks_dialog import open_networks


def networks(window: Window) -> None:
    open_networks(window.workspace, window.flow.times, window)


def about(window: Window) -> None:
    open_page("About Synoptic", about_html(), window)


def cancel(window: Window) -> None:
    window.workspace.tasks.cancel_all()


COMMANDS = (
    Command("networks", "Help", "Networks", networks),
    Command("about", "Help", "About Synoptic", about),
    Command("cancel", "Help", "Cancel what is running", cancel, ("Esc",)),
)
