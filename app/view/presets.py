"""Display windows by name and number key: those of the modality, and the one the header asks for."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.values import CT_PRESETS, PET_PRESETS
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
    named: list[tuple[str, Window]] = []
    if volume.unit == "HU":
        named += [(f"{one.name} {one.centre:g}/{one.width:g}", (one.centre, one.width)) for one in CT_PRESETS]
    elif volume.unit.startswith("SUV"):
        named += [(one.name, (one.centre, one.width)) for one in PET_PRESETS]
    if volume.window is not None:
        centre, width = volume.window
        named.append((f"Header {centre:g}/{width:g}", (float(centre), float(width))))
    listed = (Preset(str(n) if n < 10 else "", name, window) for n, (name, window) in enumerate(named, 1))
    return (Preset("0", "Default", None), *listed)


def by_key(volume: Volume | None, key: str) -> Preset | None:
    return next((one for one in presets(volume) if one.key == key), None)
