"""Where this platform keeps a user's files, as platformdirs knows it; XDG_CONFIG_HOME and XDG_CACHE_HOME win on Unix.

None of them is made here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs

_NAME = "Synoptic" if sys.platform in ("win32", "darwin") else "synoptic"  # as folders are written there


def config() -> Path:
    """Preferences: ~/.config/synoptic, ~/Library/Application Support/Synoptic, %APPDATA%/Synoptic."""
    return platformdirs.user_config_path(_NAME, appauthor=False, roaming=True)


def cache() -> Path:
    """What can be made again: ~/.cache/synoptic, ~/Library/Caches/Synoptic, %LOCALAPPDATA%/Synoptic/Cache."""
    return platformdirs.user_cache_path(_NAME, appauthor=False)
