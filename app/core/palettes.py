"""Palettes: 256 colours for one value, and the form in which each lends its colours to a fused picture.

The tables are files in resources/palettes, one JSON each: Hot Iron, PET, Hot Metal Blue and PET 20 Step as DICOM PS3.6
Annex B defines them, and Cividis (Nuñez, Anderton & Renslow 2018, PLoS ONE 13(7):e0199239, CC0), which looks alike to
readers with and without colour blindness. Written once by `python -m app.core.palettes`, from the copies that
pydicom and pyqtgraph carry; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.base.assets import resources
from app.base.errors import UsageError
from app.core.fusion_colours import ColourTable, FusionForm, colour_table, form_of, grey_table

Lut = NDArray[np.uint8]  # (256, 3) RGB


def _grey() -> Lut:
    return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def _inverted_grey() -> Lut:
    return _grey()[::-1].copy()


def _from_file(name: str) -> Lut:
    rows = json.loads((resources() / "palettes" / f"{name}.json").read_text(encoding="utf-8"))["rgb"]
    return np.array([list(bytes.fromhex(row)) for row in rows], dtype=np.uint8)


@dataclass(frozen=True)
class Palette:
    """256 colours by name.

    table : gives them, uint8 (256, 3) RGB, low values first; called once
    uid : in PS3.6 Annex B, "" for one that is not there
    coloured : whether it lends a hue; a grey one leaves a fused picture grey
    form : its hues in a fused picture; None for those that its table shows
    every_eye : whether more uptake looks like more in a fused picture to readers with any colour blindness, too
    """

    name: str
    table: Callable[[], Lut]
    uid: str = ""
    coloured: bool = True
    form: FusionForm | None = None
    every_eye: bool = False


# A fused picture has the MRI for its brightness, so black, white and dark blue can't say "none" and "most" there: no
# uptake is grey, and the forms begin with the first hue that the eye meets on the palette and end with the last one.
# Hot Iron and Cividis stay on one side of what any colour blindness takes for grey, so that uptake keeps its order for
# all readers (tests/colour_vision.py); the others turn round the circle, and are for eyes that see all of it.
_HOT = FusionForm(((0, 22), (0.5, 45), (1, 88)))  # red, orange, yellow
_PET = FusionForm(((0, 225), (1, 425)))  # blue, violet, red, orange
_HOT_METAL = FusionForm(((0, 275), (1, 450)))  # violet, magenta, red, yellow
_STEPS = FusionForm(((0, 265), (1, 29)), steps=20)  # blue, green, yellow, red
_CIVIDIS = FusionForm(((0, 60), (0.5, 66), (1, 98)))  # its yellow half: its blue one would pass through grey

PALETTES: dict[str, Palette] = {  # in the order of the menu
    entry.name: entry
    for entry in (
        Palette("Grey", _grey, coloured=False),
        Palette("Inverted Grey", _inverted_grey, coloured=False),
        Palette("Hot Iron", partial(_from_file, "hot-iron"), "1.2.840.10008.1.5.1", form=_HOT, every_eye=True),
        Palette("PET", partial(_from_file, "pet"), "1.2.840.10008.1.5.2", form=_PET),
        Palette("Hot Metal Blue", partial(_from_file, "hot-metal-blue"), "1.2.840.10008.1.5.3", form=_HOT_METAL),
        Palette("PET 20 Step", partial(_from_file, "pet-20-step"), "1.2.840.10008.1.5.4", form=_STEPS),
        Palette("Cividis", partial(_from_file, "cividis"), form=_CIVIDIS, every_eye=True),
    )
}


class UnknownPaletteError(UsageError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no palette {name!r}.", hint=f"Choose one of: {', '.join(PALETTES)}.")


def find_palette(name: str) -> Palette:
    """The entry of this name; UnknownPaletteError for any other."""
    if name not in PALETTES:
        raise UnknownPaletteError(name)
    return PALETTES[name]


@cache
def palette(name: str) -> Lut:
    """The table of one palette, uint8 (256, 3) RGB, read-only; UnknownPaletteError for an unknown name."""
    lut = find_palette(name).table()
    lut.flags.writeable = False
    return lut


def fused_colours(name: str) -> ColourTable:
    """uint8 (256 fused, 256 uptake, 3) RGB: a fused picture in the form of this palette; grey for one without colour.

    Read-only, and made once. UnknownPaletteError for an unknown name.
    """
    entry = find_palette(name)
    form = entry.form or (form_of(palette(name)) if entry.coloured else None)
    return grey_table() if form is None else colour_table(form)


def _write_resources() -> None:
    """Write the tables anew; needed only if PS3.6 ever changes one."""
    from importlib.util import find_spec
    from pathlib import Path

    from pydicom.pixels.processing import apply_color_lut

    ramp: Any = np.arange(256, dtype=np.uint8)[None]
    uids = {entry.name: entry.uid for entry in PALETTES.values() if entry.uid}
    tables = {name: apply_color_lut(ramp, palette=uid)[0] for name, uid in uids.items()}
    pyqtgraph = find_spec("pyqtgraph")
    assert pyqtgraph is not None  # a dependency of the program
    assert pyqtgraph.origin is not None
    text = (Path(pyqtgraph.origin).parent / "colors" / "maps" / "cividis.csv").read_text(encoding="utf-8")
    fractions = [line.split(",") for line in text.splitlines() if line and not line.startswith(";")]
    tables["Cividis"] = np.rint(255 * np.array(fractions, dtype=np.float64)).astype(np.uint8)
    for name, table in tables.items():
        source = "DICOM PS3.6 Annex B" if name in uids else "doi:10.1371/journal.pone.0199239, CC0"
        document = {
            "name": name,
            "uid": uids.get(name, ""),
            "source": source,
            "rgb": [bytes(row.tolist()).hex() for row in table],
        }
        file = resources() / "palettes" / f"{name.lower().replace(' ', '-')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write_resources()
