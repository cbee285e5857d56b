"""What the user chose last time: frozen Settings <-> one JSON file in the user's config folder. No patient data, ever.

The types of the fields say what is usable. A damaged or foreign file gives the defaults and a note to show, never a
crash; unknown keys are ignored, so that an older program opens a newer one's file. Files are written beside the old one
and renamed over it: a full disk or a power cut leaves the old settings whole.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from app.base import folders

FILE_NAME = "settings.json"
MOST_SLICE_TIMES = 100
DEVICES = ("auto", "cpu", "cuda")

Device = Annotated[str, Meta(pattern=f"^({'|'.join(DEVICES)})$")]
Word = Annotated[str, Meta(max_length=100)]
Milliseconds = Annotated[float, Meta(gt=0, lt=1e9)]


@dataclass(frozen=True)
class Settings:
    """Preferences only. network "" takes the first trained one.

    palettes : the colours chosen for a partner, by its DICOM modality
    slice_ms : what a slice takes on this computer, see ui/flow/slice_times.py
    """

    layout: Word = "side-by-side"
    network: Word = ""
    device: Device = "auto"
    palettes: Annotated[dict[str, Word], Meta(max_length=100)] = field(default_factory=dict)
    window_drag_reversed: bool = False
    curve_metric: Word = "SSIM"
    panel_width: Annotated[int, Meta(ge=200, le=900)] = 300
    browser_width: Annotated[int, Meta(ge=160, le=900)] = 230
    slice_ms: Annotated[dict[Word, Milliseconds], Meta(max_length=MOST_SLICE_TIMES)] = field(default_factory=dict)


Choices = Mapping[str, Collection[str]]  # what a field may hold, or each value of a field that is a dict


def load(folder: Path | None = None, *, choices: Choices = MappingProxyType({})) -> tuple[Settings, str]:
    """The stored settings and "", or the defaults for whatever cannot be used and a sentence that says so.

    choices : of the fields whose lists stand in the layers above, such as the layouts
    """
    path = (folder or folders.config()) / FILE_NAME
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return Settings(), ""
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return Settings(), f"The settings in {path} cannot be read; the defaults are used."
    usable: dict[str, Any] = {}
    unusable = []
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        if name in stored:
            try:
                usable[name] = _checked(stored[name], kind, choices.get(name))
            except msgspec.ValidationError:
                unusable.append(name)
    names = ", ".join(sorted(unusable))
    note = f"The settings in {path} have no usable {names}; the defaults are used there." if names else ""
    return Settings(**usable), note


def save(settings: Settings, folder: Path | None = None) -> None:
    """Write atomically, readable by the user alone; OSError where the folder cannot be written."""
    folder = folder or folders.config()
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=FILE_NAME, suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(settings), indent=1))
        os.replace(temporary, folder / FILE_NAME)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _checked(value: Any, kind: Any, choices: Collection[str] | None) -> Any:
    """The value as a setting of that type, and one of the choices; msgspec.ValidationError where it is not."""
    setting = msgspec.convert(value, kind)
    parts = setting.values() if isinstance(setting, dict) else (setting,)
    if choices is not None and not all(part in choices for part in parts):
        raise msgspec.ValidationError(f"{value!r} is not offered")
    return setting
