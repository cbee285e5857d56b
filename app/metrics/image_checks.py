"""What every metric assumes about its input: checked here, once, at the door.

A picture is (H, W) float64 holding whole numbers in 0..255. A region is (H, W) bool, True where pixels count; None
counts all of them. With a region, a metric takes only what rests on pixels inside it: pixels for histograms, moments
and correlations, pairs of neighbours for differences, whole windows for windowed metrics. So nothing outside, such as
the part of an MRI that the partner's field of view does not reach, can change a value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from app.base.errors import MetricError

Image = NDArray[np.float64]
Region = NDArray[np.bool_]


class ImageShapeError(MetricError):
    hint = "Give pictures of the same width and height, at least one pixel large."


class ImageValueError(MetricError):
    hint = "Give 8-bit pictures: whole numbers from 0 to 255."


class Undefined(MetricError):  # noqa: N818 - not a fault of the input: the metric has no answer here
    """The metric has no value for this picture; the sentence is the reason. `catalogue.evaluate` turns it into NaN."""


def as_picture(pixels: ArrayLike, name: str = "the picture") -> Image:
    """Check and convert a picture.

    Parameters
    ----------
    pixels : (H, W) grey or (H, W, 3) RGB, uint8 or any type holding whole numbers in 0..255

    Returns
    -------
    (H, W) float64, whole numbers in 0..255; colour becomes luma, 0.299 R + 0.587 G + 0.114 B, rounded

    Raises
    ------
    ImageShapeError : neither grey nor RGB, or empty
    ImageValueError : not numbers, not whole, or outside 0..255
    """
    array = np.asarray(pixels)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or array.size == 0:
        raise ImageShapeError(f"{name} has the shape {array.shape} instead of (height, width) or (height, width, 3).")
    if array.dtype != np.uint8:
        if array.dtype.kind not in "uif":
            raise ImageValueError(f"{name} holds {array.dtype} values instead of numbers from 0 to 255.")
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 255 or (array != np.rint(array)).any():
            raise ImageValueError(f"{name} holds values that are not whole numbers from 0 to 255.")
    values = array.astype(np.float64)
    if values.ndim == 3:
        # one product after the other: a matrix product may round differently where the luma ends in exactly a half
        values = np.rint(0.299 * values[..., 0] + 0.587 * values[..., 1] + 0.114 * values[..., 2])
    return values


def same_shape(*arrays: NDArray[np.generic]) -> None:
    """Raise ImageShapeError unless all arrays have one shape."""
    shapes = sorted({array.shape[:2] for array in arrays})
    if len(shapes) > 1:
        sizes = " and ".join(f"{shape[1]} x {shape[0]}" for shape in shapes)
        raise ImageShapeError(f"The pictures differ in size: {sizes}.")


def picked(image: Image, inside: Region | None) -> Image:
    """The pixels that count, as (n,)."""
    return image.ravel() if inside is None else image[inside]


def windows_inside(inside: Region | None, shape: tuple[int, ...], height: int, width: int) -> Region | None:
    """(H, W) bool: no pixel of the centred window (odd height x width) lies outside the region.

    What lies beyond the picture's own border does not speak against a window: each metric states how it treats it.
    """
    if inside is None:
        return None
    if inside.shape != shape:
        raise ImageShapeError(f"The region has the shape {inside.shape}, the picture {shape}.")
    whole = ndimage.minimum_filter1d(inside.astype(np.uint8), height, axis=0, mode="constant", cval=1)
    whole = ndimage.minimum_filter1d(whole, width, axis=1, mode="constant", cval=1)
    return whole.astype(np.bool_)
