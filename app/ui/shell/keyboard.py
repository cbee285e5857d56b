"""Input that needs more than a shortcut: Space shows the MRI alone while it is held; fields keep their own keys; and a
wheel that happens to pass over a field scrolls the panel instead of changing a network or moving the partner.

On X displays that have no window manager (kiosks, remote and virtual displays) nobody gives a window the keyboard, and
without it Qt runs no shortcut: there a window asks for it when it is shown, clicked, or left by its dialog.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QSlider,
    QTextEdit,
    QWidget,
)

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
_KEYBOARD = (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.MouseButtonPress)  # when it may have to be asked for
_WATCHED = frozenset((*_KEYS, *_KEYBOARD, QEvent.Type.WindowDeactivate, QEvent.Type.Wheel))


class HeldKeys(QObject):
    """An event filter over the whole application; it looks only at keys for its own window, and at its dialogs.

    hold : told whether Space is held
    """

    def __init__(self, window: QWidget, hold: Callable[[bool], object]) -> None:
        super().__init__(window)
        self._window, self._hold = window, hold
        self._asks = QGuiApplication.platformName() == "xcb"
        application = QApplication.instance()
        assert application is not None  # a widget cannot exist without it
        application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in _WATCHED:  # every event of the program passes here
            return False
        if kind in _KEYBOARD:
            if self._asks and isinstance(watched, QWidget):
                self._ask_for_keyboard(watched, kind)
        elif kind == QEvent.Type.WindowDeactivate:
            if watched is self._window:
                self._hold(False)  # the release will go to another window
        elif isinstance(watched, QWidget) and watched.window() is self._window:
            if kind == QEvent.Type.Wheel:
                return self._wheel(watched, event)
            assert isinstance(event, QKeyEvent)
            return self._key(watched, event)
        return False

    def _ask_for_keyboard(self, widget: QWidget, kind: QEvent.Type) -> None:
        if kind == QEvent.Type.MouseButtonPress:
            if widget.window() is self._window and not self._window.isActiveWindow():
                self._window.activateWindow()
        elif widget is self._window or isinstance(widget, QDialog):
            if kind == QEvent.Type.Show:
                widget.activateWindow()
            elif widget is not self._window and self._window.isVisible():
                self._window.activateWindow()

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
            self._hold(kind == QEvent.Type.KeyPress)
        return True
