"""Where the words and scales around a picture stand: corners, patient sides, scale bar, colour bar, banner."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from app import NOT_FOR_DIAGNOSIS
from app.core.planes import Plane
from app.view.bars import Bar
from app.view.labels import Labels, Line
from app.view.marks import (
    BANNER_HEIGHT,
    MARGIN,
    Anchor,
    Fill,
    Frame,
    Mark,
    Measure,
    Polyline,
    Ramp,
    Spot,
    Text,
    elided,
    wrapped,
)

SMALLEST = 8.0  # logical pixels: letters smaller than this nobody reads
ROOMY = 330  # logical pixels: a narrower picture gets smaller words
LABEL_SIZE = 12.0
STEP = 4.0  # logical pixels between two lines of words, beyond their size
_BAR = 12.0
_WIDE_BAR = 24.0
BAR_ROOM = 145.0  # logical pixels: the height of the smallest colour bar with its words


def label_size(width: float) -> float:
    """The size of the words in the corners."""
    return LABEL_SIZE if width >= ROOMY else LABEL_SIZE - 1


def corners(labels: Labels, frame: Frame, measure: Measure) -> list[Mark]:
    """The labels of three corners; the fourth is the scale bar's."""
    size = label_size(frame.width)
    step, half, whole = size + STEP, frame.width / 2 - 2 * MARGIN, frame.width - 2 * MARGIN
    right, first, last = frame.width - MARGIN, MARGIN + size, frame.height - BANNER_HEIGHT - MARGIN
    marks: list[Mark] = []
    for row, line in enumerate(labels.top_left):
        words, fitting_size = fitting(line, half, size, measure)
        marks.append(Text((MARGIN, first + row * step), words, line.tone, fitting_size))
    for row, line in enumerate(labels.top_right):
        words, fitting_size = fitting(line, half, size, measure)
        marks.append(Text((right, first + row * step), words, line.tone, fitting_size, anchor="right"))
    for row, line in enumerate(reversed(labels.bottom_left)):
        words, fitting_size = fitting(line, half if row == 0 else whole, size, measure)
        marks.append(Text((MARGIN, last - row * step), words, line.tone, fitting_size))
    return marks


def fitting(line: Line, room: float, size: float, measure: Measure) -> tuple[str, float]:
    """A line's words and their size where there is little room: said short, and a warning rather small than cut."""
    words = line.short if line.short and measure(line.text, size, False) > room else line.text
    while line.tone != "plain" and size > SMALLEST and measure(words, size, False) > room:
        size -= 1
    return elided(words, room, size, False, measure), size


def banner(frame: Frame, measure: Measure) -> list[Mark]:
    """The strip that is never hidden."""
    strip = (0.0, frame.height - BANNER_HEIGHT, frame.width, BANNER_HEIGHT)
    size = banner_size(frame.width, measure)
    place = (frame.width / 2, frame.height - 5)
    return [Fill(strip, "veil"), Text(place, NOT_FOR_DIAGNOSIS, "warn", size, bold=True, anchor="middle")]


@lru_cache(maxsize=64)
def banner_size(width: float, measure: Measure) -> float:
    """The largest letters with which the whole warning stands in a narrow pane."""
    for size in (11.0, 10.0, 9.0):
        if measure(NOT_FOR_DIAGNOSIS, size, True) <= width:
            return size
    return SMALLEST - 1


def letters(plane: Plane, frame: Frame, *, right_inset: float = 0) -> list[Mark]:
    """Patient sides at the middle of the picture's four edges."""
    left, top, width, height = frame.picture
    right, bottom, middle = left + width, top + height, top + height / 2 + 6
    places: tuple[tuple[Spot, Anchor], ...] = (
        ((left + MARGIN, middle), "left"),
        ((right - MARGIN - right_inset, middle), "right"),
        ((left + width / 2, top + MARGIN + 14), "middle"),
        ((left + width / 2, bottom - MARGIN), "middle"),
    )
    return [
        Text(place, letter, size=16, bold=True, anchor=anchor)
        for (place, anchor), letter in zip(places, plane.letters, strict=True)
    ]


def scale_bar(pixels_per_mm: float, frame: Frame) -> list[Mark]:
    """A length of known millimetres at the picture's lower right."""
    left, top, width, height = frame.picture
    length_mm = scale_length_mm(pixels_per_mm, width / 4)
    end, y = left + width - MARGIN, top + height - MARGIN
    start = end - length_mm * pixels_per_mm
    words = f"{length_mm:g} mm" if length_mm < 10 else f"{length_mm / 10:g} cm"
    line = ((start, y - 4), (start, y + 1), (start, y), (end, y), (end, y + 1), (end, y - 4))
    return [Polyline(line, width=2), Text((end, y - 7), words, size=11, anchor="right")]


def scale_length_mm(pixels_per_mm: float, room: float) -> float:
    """The longest of 1, 2, 5, 10, 20, 50, ... mm that fits into `room` logical pixels."""
    most = room / pixels_per_mm
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most * (1 + 1e-9)))


def bar_width(bar: Bar) -> float:
    """Wider where the colours lie on greys, which the bar shows from dark to bright."""
    return _WIDE_BAR if bar.mix.on_grey else _BAR


def colour_bar(bar: Bar, frame: Frame, measure: Measure) -> list[Mark]:
    """The colours at the right edge, their ends and their unit; high values at the top."""
    tall, wide = min(max(frame.picture[3] * 0.37, 60.0), 240.0), bar_width(bar)
    right, top = frame.width - MARGIN, frame.picture[1] + (frame.picture[3] - tall) / 2
    caption = elided(bar.caption, frame.width - 2 * MARGIN, 11, False, measure)
    marks: list[Mark] = [
        Ramp((right - wide, top, wide, tall), bar.mix),
        Text((right, top - 20), caption, size=11, anchor="right"),
        Text((right, top - 5), bar.high, size=11, anchor="right"),
        Text((right, top + tall + 14), bar.low, size=11, anchor="right"),
    ]
    if bar.other:
        marks.append(Text((right, top + tall + 29), bar.other, "warn", 11, anchor="right"))
    return marks


def message(words: str, frame: Frame, ink: str, measure: Measure) -> list[Mark]:
    """Why there is no picture, in its middle."""
    room, bold = frame.width - 2 * MARGIN, ink == "stop"
    lines = [part for line in words.split("\n") for part in wrapped(line, room, 14, measure)]
    first = frame.height / 2 - (len(lines) - 1) / 2 * 22
    return [
        Text((frame.width / 2, first + row * 22), elided(line, room, 14, bold, measure), ink, 14, bold, "middle")
        for row, line in enumerate(lines)
    ]
