"""One slice of a volume as levels or colours, in its own voxels; each step remembered for the very same inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.core.planes import Plane
from app.core.volume import Volume
from app.view.colours import Levels, Pixels, colours, levels, look_up, packed, stored_levels
from app.view.memo import Memo
from app.view.picture import Note
from app.view.state import Window
from app.view.windows import has_whole_numbers


def native_levels(volume: Volume, plane: Plane, index: int, window: Window, memo: Memo) -> Levels:
    """Slice `index` of the volume's own grid, 0..255 through a window."""

    def make() -> Levels:
        linear = has_whole_numbers(volume)
        stored = plane.take(volume.stored, index)
        if plane.axis == 2 or (np.ptp(volume.slope) == 0 and np.ptp(volume.intercept) == 0):
            k = index if plane.axis == 2 else 0
            return stored_levels(stored, float(volume.slope[k]), float(volume.intercept[k]), window, linear=linear)
        values = stored * _along_k(plane, volume.slope) + _along_k(plane, volume.intercept)  # each k has its own
        return levels(values, window, linear=linear)

    return memo.get(volume, ("native", plane.axis, index, window), make)


def native_pixels(
    volume: Volume, plane: Plane, index: int, window: Window, palette: str, inverted: bool, memo: Memo
) -> Pixels:
    """Slice `index` of the volume's own grid in a palette; a colour picture in its own colours."""
    if volume.rgb is not None:
        return rgb_pixels(volume, plane, index, memo)
    level = native_levels(volume, plane, index, window, memo)
    return memo.get(level, (palette, inverted), lambda: look_up(colours(palette, inverted), level))


def rgb_pixels(volume: Volume, plane: Plane, index: int, memo: Memo) -> Pixels:
    """A slice of a colour picture."""

    def make() -> Pixels:
        assert volume.rgb is not None  # asked for by those who looked
        return packed(np.stack([plane.take(volume.rgb[..., c], index) for c in range(3)], axis=-1))

    return memo.get(volume, ("rgb", plane.axis, index), make)


def interpolated(volume: Volume, plane: Plane, index: int) -> tuple[Note, ...]:
    """Whether this slice of the volume was not acquired, or, across the slices, holds some that were not."""
    if volume.interpolated is None:
        return ()
    if plane.axis == 2:
        return (Note.INTERPOLATED,) if volume.interpolated[index] else ()
    return (Note.HOLDS_INTERPOLATED,) if volume.interpolated.any() else ()


def _along_k(plane: Plane, per_slice: NDArray[np.float64]) -> NDArray[np.float64]:
    """A number for each k, shaped to multiply a picture whose rows or columns run along k."""
    if plane.down == 2:
        return per_slice[:: -1 if plane.flip_down else 1, None]
    return per_slice[None, :: -1 if plane.flip_across else 1]
