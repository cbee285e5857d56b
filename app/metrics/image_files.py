"""Measure pictures in files: what `synoptic metrics FUSED A B` prints."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.base.errors import MetricError
from app.metrics.catalogue import evaluate
from app.metrics.image_checks import same_shape


class PictureFileError(MetricError):
    hint = "Give 8-bit pictures, grey or RGB, such as PNG files."


def metrics_of_files(
    fused: Path, a: Path, b: Path, *, note: Callable[[str], None] | None = None
) -> dict[str, float | None]:
    """All metrics of one fused picture against its two sources, by name.

    A metric without a value is None (JSON has no NaN); `note` is then called with a sentence that says why.

    Raises
    ------
    PictureFileError : missing, not a picture, not 8 bits a channel, transparent or with several frames
    ImageShapeError : the sizes differ
    """
    pictures = [read_picture(Path(path)) for path in (fused, a, b)]
    same_shape(*pictures)
    result: dict[str, float | None] = {}
    for reading in evaluate(pictures[0], pictures[1], pictures[2]):
        defined = math.isfinite(reading.value)
        result[reading.metric.name] = reading.value if defined else None
        if not defined and note is not None:
            note(f"{reading.metric.name} is undefined: {reading.reason}.")
    return result


def read_picture(path: Path) -> NDArray[np.uint8]:
    """(H, W) grey or (H, W, 3) RGB; PictureFileError as above."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            frames = getattr(picture, "n_frames", 1)
            if frames > 1:
                raise PictureFileError(f"{path} holds {frames} pictures instead of one.")
            return _pixels(path, picture)
    except FileNotFoundError:
        raise PictureFileError(f"{path} does not exist.", "Check the path.") from None
    except UnidentifiedImageError:
        raise PictureFileError(f"{path} is not a picture that can be read.") from None
    except Image.DecompressionBombError:
        raise PictureFileError(f"{path} claims more pixels than can be trusted.") from None
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for broken files
        raise PictureFileError(f"{path} cannot be read: {error}.") from error


def _pixels(path: Path, picture: Any) -> NDArray[np.uint8]:
    if picture.mode == "P":  # a palette is only a shorter way to write colours
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("RGB")
    if picture.mode in ("LA", "RGBA", "PA", "La", "RGBa"):
        alpha = np.asarray(picture.getchannel("A" if picture.mode.endswith("A") else "a"))
        if (alpha != 255).any():
            raise PictureFileError(f"{path} is partly transparent, so its grey levels depend on what lies behind.")
        picture = picture.convert("L" if picture.mode.startswith("L") else "RGB")
    if picture.mode not in ("L", "RGB"):
        raise PictureFileError(f"{path} has {picture.mode!r} pixels instead of 8 bits a channel.")
    return np.asarray(picture, dtype=np.uint8)
