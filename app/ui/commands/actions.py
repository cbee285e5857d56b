"""The list of commands as Qt's actions: menus, shortcuts and the tool bar of a window, with ticks and greys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QToolBar

from app.ui.commands.command import Command, Window
from app.ui.commands.listing import commands
from app.ui.shell.theme import icon


class Actions:
    """One action for each command; menus and tool bar are added to the window when it is made."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.commands = commands()
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        for command in self.commands.values():
            self._add_action(command)
        self._add_menus()
        self._add_tool_bar()
        workspace = window.workspace
        for changed in (workspace.case_changed, workspace.history_changed):
            changed.connect(self.show_enabled)
        for changed in (workspace.case_changed, workspace.changed):
            changed.connect(self.show_checked)
        self.show_enabled()
        self.show_checked()

    def __getitem__(self, name: str) -> QAction:
        """The action of a command."""
        return self._actions[name]

    def of_group(self, group: str) -> list[QAction]:
        return self._groups[group].actions()

    def of_pane_menu(self) -> list[QAction]:
        """Those that the context menu of a pane offers."""
        return [self._actions[name] for name, command in self.commands.items() if command.on_panes]

    def show_enabled(self, _: object = None) -> None:
        for name, command in self.commands.items():
            self._actions[name].setEnabled(command.enabled(self._window.workspace))

    def show_checked(self, _: object = None) -> None:
        for name, command in self.commands.items():
            if command.checked is not None:
                action, checked = self._actions[name], command.checked(self._window.workspace)
                if checked or not command.group:  # in a group, ticking another takes the tick away
                    action.setChecked(checked)

    def _add_action(self, command: Command) -> None:
        window = self._window
        action = self._actions[command.name] = QAction(command.text, window)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setCheckable(command.checked is not None)
        if command.icon:
            action.setIcon(icon(command.icon))
        if command.keys:
            action.setToolTip(f"{command.text.rstrip('…')} ({command.keys[0]})")
        if command.group:
            if command.group not in self._groups:
                self._groups[command.group] = QActionGroup(window)
            self._groups[command.group].addAction(action)
        action.triggered.connect(without_arguments(lambda: command.run(window)))
        window.addAction(action)

    def _add_menus(self) -> None:
        menus: dict[str, QMenu] = {}
        last_groups: dict[str, str] = {}  # menu -> group of its last entry
        for command in self.commands.values():
            if not command.in_menu:
                continue
            if command.menu not in menus:
                menus[command.menu] = self._window.menuBar().addMenu(command.menu)
            elif command.group != last_groups[command.menu]:
                menus[command.menu].addSeparator()
            last_groups[command.menu] = command.group
            menus[command.menu].addAction(self._actions[command.name])

    def _add_tool_bar(self) -> None:
        bar = QToolBar("Tools")
        bar.setMovable(False)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        last = ""
        for command in self.commands.values():
            if command.icon:
                kind = command.group or command.menu
                if last and kind != last:
                    bar.addSeparator()
                last = kind
                bar.addAction(self._actions[command.name])
        self._window.addToolBar(bar)


def without_arguments(function: Callable[[], object]) -> Callable[[], None]:
    """For `triggered`, whose `checked` no command wants."""

    def call() -> None:
        function()

    return call
