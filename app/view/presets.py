"""Display windows by name and number key: those of the modality, and the one the header asks for."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.modalities import presets_in
from app.core.volume import Volume
from app.view.state import Window


@dataclass(frozen=True)
class Preset:
    """key : "0" to "9", or ""; window : (centre, width), None for the volume's default."""

    key: str
    name: str
    window: Window | None

    @property
    def label(self) -> str:
        return f"{self.name}  [{self.key}]" if self.key else self.name


def presets(volume: Volume | None) -> tuple[Preset, ...]:
    """Default first, on key 0, then 1 to 9; SUV presets only where the unit is SUV, CT windows only for HU."""
    if volume is None:
        return ()
    windows: list[tuple[str, Window]] = []
    for preset in presets_in(volume.unit):
        ends = "" if volume.unit.startswith("SUV") else f" {preset.centre:g}/{preset.width:g}"  # SUV: in its name
        windows.append((f"{preset.name}{ends}", (preset.centre, preset.width)))
    if volume.window is not None:
        centre, width = volume.window
        windows.append((f"Header {centre:g}/{width:g}", (float(centre), float(width))))
    listed = (Preset(str(n) if n < 10 else "", name, window) for n, (name, window) in enumerate(windows, 1))
    return (Preset("0", "Default", None), *listed)


def by_key(volume: Volume | None, key: str) -> Preset | None:
    return next((preset for preset in presets(volume) if preset.key == key), None)
