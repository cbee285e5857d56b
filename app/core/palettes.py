"""Palettes, and how a palette lends its colour to a fused picture.

The tables are files in resources/palettes, one JSON each: Hot Iron, PET, Hot Metal Blue and PET 20 Step as DICOM PS3.6
Annex B defines them, and Cividis (Nuñez, Anderton & Renslow 2018, PLoS ONE 13(7):e0199239, CC0), which looks alike to
readers with and without colour blindness. Written once by `python -m app.core.palettes`, from the copies that
pydicom and pyqtgraph carry; a test compares them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.base.assets import resources
from app.base.errors import UsageError

Lut = NDArray[np.uint8]  # (256, 3) RGB

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


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
    """

    name: str
    table: Callable[[], Lut]
    uid: str = ""
    coloured: bool = True


PALETTES: dict[str, Palette] = {  # in the order of the menu
    entry.name: entry
    for entry in (
        Palette("Grey", _grey, coloured=False),
        Palette("Inverted Grey", _inverted_grey, coloured=False),
        Palette("Hot Iron", partial(_from_file, "hot-iron"), "1.2.840.10008.1.5.1"),
        Palette("PET", partial(_from_file, "pet"), "1.2.840.10008.1.5.2"),
        Palette("Hot Metal Blue", partial(_from_file, "hot-metal-blue"), "1.2.840.10008.1.5.3"),
        Palette("PET 20 Step", partial(_from_file, "pet-20-step"), "1.2.840.10008.1.5.4"),
        Palette("Cividis", partial(_from_file, "cividis")),
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


@lru_cache(maxsize=8)
def chroma_table(name: str) -> NDArray[np.uint8]:
    """uint8 (256 fused, 256 scalar, 3) RGB: each fused grey in the colour of each place on the palette; read-only.

    The luma of an entry is its fused grey, to within half a grey level of rounding in each channel: hot stays hot,
    since brightness comes from the fused picture alone. The palette gives the chroma. Where luma and chroma together
    lie outside what RGB can show (a saturated colour on a very dark or bright grey), the colour is drawn towards grey
    until it fits; clipping the channels instead would change the luma by up to a third of its range.
    """
    colour = palette(name).astype(np.float64)
    difference = (colour - (colour @ _LUMA)[:, None])[None]  # what must be added to grey to give the colour: its chroma
    grey = np.arange(256, dtype=np.float64)[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(difference > 0, (255 - grey) / difference, np.where(difference < 0, -grey / difference, np.inf))
    share = np.minimum(room.min(axis=2, keepdims=True), 1)
    table = np.rint(grey + share * difference).astype(np.uint8)
    table.flags.writeable = False
    return table


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
