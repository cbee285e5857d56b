"""Keys that need more than a shortcut: Space shows the MRI alone while it is held; input fields keep their own keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QSlider,
    QTextEdit,
    QWidget,
)

from app.ui.workspace import Workspace

_FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QSlider)
_OWN_KEYS = (
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_Tab,
)


class HeldKeys(QObject):
    """An event filter over the whole application; it looks only at keys for its own window."""

    def __init__(self, window: QWidget, workspace: Workspace) -> None:
        super().__init__(window)
        self._window, self._workspace = window, workspace
        application = QApplication.instance()
        assert application is not None  # a widget cannot exist without it
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.WindowDeactivate and watched is self._window:
            self._workspace.update(hold_mri=False)  # the release will go to another window
        elif kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride):
            assert isinstance(event, QKeyEvent)
            if isinstance(watched, QWidget) and watched.window() is self._window:
                return self._key(watched, event)
        return False

    def _key(self, widget: QWidget, event: QKeyEvent) -> bool:
        kind, key = event.type(), event.key()
        if kind == QEvent.Type.ShortcutOverride:
            plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
            if isinstance(widget, _FIELDS) and plain and key in _OWN_KEYS:
                event.accept()  # arrows in a field change the field, not the slice
                return True
            return False
        if key != Qt.Key.Key_Space or isinstance(widget, (*_FIELDS, QAbstractButton)):
            return False
        if not event.isAutoRepeat():
            self._workspace.update(hold_mri=kind == QEvent.Type.KeyPress)
        return True
