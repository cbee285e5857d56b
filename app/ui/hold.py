"""Input that needs more than a shortcut: Space shows the MRI alone while it is held; fields keep their own keys; and a
wheel that happens to pass over a field scrolls the panel instead of changing a network or moving the partner.
"""

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
)
_KEYS = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride)
_WATCHED = frozenset((*_KEYS, QEvent.Type.WindowDeactivate, QEvent.Type.Wheel))


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
        if kind not in _WATCHED:  # every event of the program passes here
            return False
        if kind == QEvent.Type.WindowDeactivate:
            if watched is self._window:
                self._workspace.update(hold_mri=False)  # the release will go to another window
        elif isinstance(watched, QWidget) and watched.window() is self._window:
            if kind == QEvent.Type.Wheel:
                return self._wheel(watched, event)
            assert isinstance(event, QKeyEvent)
            return self._key(watched, event)
        return False

    def _wheel(self, widget: QWidget, event: QEvent) -> bool:
        if isinstance(widget, QComboBox) or (isinstance(widget, QAbstractSpinBox) and not widget.hasFocus()):
            event.ignore()  # so that it goes on to the panel, which scrolls
            return True
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
