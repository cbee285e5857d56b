"""What lies on a picture, as values: words, lines, shapes, a colour ramp, with their places and inks.

Layout ends here and painting begins: `annotations` and `places` say what is drawn where, a pane paints it with Qt and
an export with Pillow, each by the few kinds of mark below. Places are logical pixels from the upper left corner.
Words and lines get a dark edge from the painters, so that they can be read on white bone as on black air.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from app.view.mixing import Mix

Spot = tuple[float, float]  # x, y
Box = tuple[float, float, float, float]  # x, y, width, height
Anchor = Literal["left", "middle", "right"]
Measure = Callable[[str, float, bool], float]
"""The width of words at a size, bold or not: the painter's own font decides."""

INKS = {  # red, green, blue, opacity
    "plain": (225, 232, 238, 255),
    "warn": (255, 196, 64, 255),
    "stop": (255, 96, 88, 255),
    "edge": (0, 0, 0, 210),
    "veil": (0, 0, 0, 150),
    "crosshair": (88, 200, 255, 190),
    "rectangle": (255, 214, 10, 255),
    "region": (140, 255, 140, 255),
}
EDGE = 1.6  # how much wider than a line its dark edge is, both sides together

MARGIN = 8.0
BANNER_HEIGHT = 18.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of words; `at` is where its anchor stands on the baseline, `size` the height of its letters."""

    at: Spot
    words: str
    ink: str = "plain"
    size: float = 12
    bold: bool = False
    anchor: Anchor = "left"


@dataclass(frozen=True, slots=True)
class Polyline:
    points: tuple[Spot, ...]
    ink: str = "plain"
    width: float = 1.4


@dataclass(frozen=True, slots=True)
class Ellipse:
    """The outline of an ellipse in its box."""

    box: Box
    ink: str = "plain"
    width: float = 1.4


@dataclass(frozen=True, slots=True)
class Fill:
    """A box of one ink, without an edge."""

    box: Box
    ink: str


@dataclass(frozen=True, slots=True)
class Ramp:
    """The colours of values, from the bottom of its box (low ones) to the top, with a thin frame.

    Where they lie on greys, from the darkest at the left to the brightest at the right.
    """

    box: Box
    mix: Mix


Mark = Text | Polyline | Ellipse | Fill | Ramp


@dataclass(frozen=True)
class Frame:
    """Where marks may stand: width and height of the whole, and the box in it that belongs to the picture."""

    width: float
    height: float
    picture: Box

    @staticmethod
    def of_pane(width: float, height: float) -> Frame:
        """A pane, which is all picture down to the banner."""
        return Frame(width, height, (0.0, 0.0, width, height - BANNER_HEIGHT))


@lru_cache(maxsize=512)
def elided(words: str, room: float, size: float, bold: bool, measure: Measure) -> str:
    """The words, or as many of their letters as fit into `room` with an ellipsis behind them."""
    if measure(words, size, bold) <= room:
        return words
    shortest, longest = 0, len(words)
    while shortest < longest:
        half = (shortest + longest + 1) // 2
        if measure(words[:half].rstrip() + "…", size, bold) <= room:
            shortest = half
        else:
            longest = half - 1
    return words[:shortest].rstrip() + "…" if shortest else ""


def wrapped(words: str, room: float, size: float, measure: Measure) -> list[str]:
    """Words in as many lines as they need; a word too long for any line stands alone."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measure(longer, size, False) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
