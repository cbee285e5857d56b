"""Where the files shipped with the program lie: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def resources() -> Path:
    """The folder of icons, palettes, style sheet and manual."""
    return _folder("resources")


def model_weights() -> Path:
    """The folder of manifest.json and the safetensors files."""
    return _folder("model_weights")


def _folder(name: str) -> Path:
    inside = _PACKAGE / name  # a wheel carries them here (pyproject, force-include)
    return inside if inside.is_dir() else _PACKAGE.parent / name
