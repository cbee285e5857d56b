"""Whether Qt can open a window here, asked before Qt is: it would end the whole process instead of saying why."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from app.base.errors import UsageError

_HEADLESS = ("offscreen", "minimal", "vnc")


class NoDisplayError(UsageError):
    hint = (
        "`synoptic fuse MRI PARTNER --network NAME --out DIR` needs no display; "
        "for a picture of the window set QT_QPA_PLATFORM=offscreen and give --screenshot FILE.png."
    )

    def __init__(self, fact: str) -> None:
        super().__init__(f"The window cannot be opened: {fact}.")


class MissingLibraryError(UsageError):
    hint = (
        "On Debian or Ubuntu: apt install libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
        "libxcb-keysyms1 libdbus-1-3 libfontconfig1"
    )

    def __init__(self, reason: str) -> None:
        super().__init__(f"The window cannot be opened, since a system library is missing: {reason}.")


def check(environment: dict[str, str] | None = None) -> None:
    """Raise NoDisplayError or MissingLibraryError where the window cannot be opened; only Linux needs asking."""
    try:
        import PySide6.QtWidgets
    except ImportError as error:
        raise MissingLibraryError(str(error)) from error
    if not sys.platform.startswith("linux"):
        return
    env = dict(os.environ) if environment is None else environment
    platform = env.get("QT_QPA_PLATFORM", "").split(":")[0]
    if platform in _HEADLESS:
        return
    if not env.get("DISPLAY") and not env.get("WAYLAND_DISPLAY"):
        raise NoDisplayError("there is no display (DISPLAY is not set)")
    if env.get("WAYLAND_DISPLAY") or not env.get("DISPLAY"):
        return  # Qt falls back from Wayland by itself
    plugin = Path(PySide6.QtWidgets.__file__).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        raise MissingLibraryError(str(error)) from error
    if not _x_server_answers():
        raise NoDisplayError(f"the display {env['DISPLAY']} does not answer")


def _x_server_answers() -> bool:
    xcb = ctypes.CDLL("libxcb.so.1")  # the plug-in above has loaded it
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed
