"""What the user chose last time: frozen Settings <-> one JSON file in the user's config folder. No patient data, ever.

A damaged or foreign file gives the defaults and a note to show, never a crash; unknown keys are ignored, so that an
older program opens a newer one's file. Files are written beside the old one and renamed over it: a full disk or a
power cut leaves the old settings whole.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

FILE_NAME = "settings.json"
DEVICES = ("auto", "cpu", "cuda")
MOST_SLICE_TIMES = 100


@dataclass(frozen=True)
class Settings:
    """Preferences only. network "" takes the first trained one.

    palettes : the colours chosen for a partner, by its DICOM modality
    slice_ms : what a slice takes on this computer, see ui/slice_times.py
    """

    layout: str = "side-by-side"
    network: str = ""
    device: str = "auto"
    annotations: str = "full"
    palettes: dict[str, str] = field(default_factory=dict)
    window_drag_reversed: bool = False
    curve_metric: str = "SSIM"
    panel_width: int = 300
    browser_width: int = 230
    slice_ms: dict[str, float] = field(default_factory=dict)


Choices = Mapping[str, Collection[str]]  # what a field may hold, or each value of a field that is a dict
_LIMITS = {"panel_width": (200, 900), "browser_width": (160, 900)}


def config_folder() -> Path:
    """Where this platform keeps a user's preferences; XDG_CONFIG_HOME wins everywhere. Not made here."""
    if os.environ.get("XDG_CONFIG_HOME"):
        return Path(os.environ["XDG_CONFIG_HOME"]) / "synoptic"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "Synoptic"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Synoptic"
    return Path.home() / ".config" / "synoptic"


def cache_folder() -> Path:
    """Where this platform keeps what can be made again (the demo study); XDG_CACHE_HOME wins everywhere."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "synoptic"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Synoptic" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "Synoptic"
    return Path.home() / ".cache" / "synoptic"


def load(folder: Path | None = None, *, choices: Choices = MappingProxyType({})) -> tuple[Settings, str]:
    """The stored settings and "", or the defaults for whatever cannot be used and a sentence that says so.

    choices : of the fields whose lists stand in the layers above, such as the layouts
    """
    allowed = {"device": DEVICES, **choices}
    path = (folder or config_folder()) / FILE_NAME
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, ValueError):  # ValueError: not UTF-8, or not JSON
        return Settings(), f"The settings in {path} cannot be read; the defaults are used."
    if not isinstance(stored, dict):
        return Settings(), f"The settings in {path} are damaged; the defaults are used."
    defaults = Settings()
    names = [setting.name for setting in fields(Settings) if setting.name in stored]
    good = {name: stored[name] for name in names if _usable(name, stored[name], getattr(defaults, name), allowed)}
    bad = sorted(name for name in names if name not in good)
    note = f"The settings in {path} have no usable {', '.join(bad)}; the defaults are used there." if bad else ""
    return Settings(**good), note


def save(settings: Settings, folder: Path | None = None) -> None:
    """Write atomically, readable by the user alone; OSError where the folder cannot be written."""
    folder = folder or config_folder()
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=FILE_NAME, suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(settings), file, indent=1)
        os.replace(temporary, folder / FILE_NAME)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _usable(name: str, value: Any, default: Any, choices: Choices) -> bool:
    if type(value) is not type(default):  # exactly: JSON's true is not a width
        return False
    if name in choices:
        parts = value.values() if isinstance(value, dict) else (value,)
        return all(isinstance(part, str) and part in choices[name] for part in parts)
    if name in _LIMITS:
        low, high = _LIMITS[name]
        return low <= value <= high
    if name == "palettes":
        return all(isinstance(part, str) and len(part) <= 100 for part in value.values()) and len(value) <= 100
    if isinstance(value, dict):
        times = [one for one in value.values() if type(one) is float and 0 < one < 1e9]
        return len(times) == len(value) <= MOST_SLICE_TIMES and all(len(key) <= 100 for key in value)
    return not isinstance(value, str) or len(value) <= 100
