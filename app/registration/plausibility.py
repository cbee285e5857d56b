"""What a reader should be told about a registration before trusting it: each concern one sentence.

A high mutual information is no proof. On cropped limbs it grows while the true alignment is lost; a few thick slices
leave the third direction open; and two alignments that fit equally well mean that neither is known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.core.geometry import transform_points
from app.core.modalities import is_head
from app.core.transforms import Matrix, inverse, rotation_angle_deg
from app.core.volume import Volume
from app.registration.prepare import Prepared
from app.registration.search import SearchResult

_LARGEST_HEAD_MM = (230.0, 280.0)  # across and front to back: more than any adult head, less than shoulders
_CUT = 0.5  # of a side face of the field that the body fills: then the field ends inside the body


def concerns(fixed: Volume, moving: Volume, fixed_image: Prepared, result: SearchResult | None) -> tuple[str, ...]:
    """Sentences for the reader; fixed_image as prepared for the search, `result` None where its result was rejected."""
    sentences = [_not_a_head(fixed, fixed_image), _thick_slices(fixed, moving)]
    if result is not None:
        sentences += [_overlap(result), _far(fixed, moving, result), _rival(fixed_image, result), _little(result)]
    return tuple(sentence for sentence in sentences if sentence)


def _not_a_head(volume: Volume, image: Prepared) -> str:
    rigid_only = "only rigid motion is corrected, which is not enough where the body bends"
    part = volume.series.body_part.strip()
    if part and not is_head(part):
        return f"The body part is given as {part}, not the head: {rigid_only}."
    if part:
        return ""
    across, deep, _ = image.extent_mm
    if across > _LARGEST_HEAD_MM[0] or deep > _LARGEST_HEAD_MM[1]:
        return f"What is shown measures {across:.0f} x {deep:.0f} mm across, more than a head: {rigid_only}."
    if _is_cut(image):
        return f"The sides of the field of view cut through the body, so this may not be a whole head: {rigid_only}."
    return ""


def _is_cut(image: Prepared) -> bool:
    """Whether the body fills half of a face of the field that looks to a side, to the front or to the back."""
    for axis in range(3):  # i, j, k
        if np.argmax(np.abs(image.grid.direction[:, axis])) == 2:
            continue  # up and down every scan of a head ends in the neck or in the skull
        faces = np.take(image.body, (0, -1), axis=2 - axis)
        if np.moveaxis(faces, 2 - axis, 0).reshape(2, -1).mean(axis=1).max() > _CUT:
            return True
    return False


def _thick_slices(fixed: Volume, moving: Volume) -> str:
    for volume in (fixed, moving):
        spacing = volume.geometry.spacing_mm
        across = _across_slices(spacing)
        step_mm, count = spacing[across], volume.geometry.size[across]
        if (step_mm > 4.5 and step_mm > 2 * min(spacing)) or count < 10:
            name = volume.modality or "one image"
            return (
                f"The slices of {name} are {step_mm:.1f} mm apart ({count} of them): "
                f"errors of {step_mm / 2:.0f} mm across the slices can stay unseen."
            )
    return ""


def _across_slices(spacing_mm: Sequence[float]) -> int:
    """The axis whose step differs most from the other two: pixels are square; k where all three are alike.

    Not the axis of the largest step: PET pixels are often wider than its slices are apart. Not always k: NIfTI may
    have been turned.
    """
    i, j, k = spacing_mm
    odd = (abs(2 * i - j - k), abs(2 * j - i - k), abs(2 * k - i - j))
    return 2 if max(odd) < 0.01 * max(spacing_mm) else int(np.argmax(odd))


def _overlap(result: SearchResult) -> str:
    if result.overlap >= 0.6:
        return ""
    return f"Only {100 * result.overlap:.0f} % of the smaller field of view lies inside the other one."


def _far(fixed: Volume, moving: Volume, result: SearchResult) -> str:
    geometry = fixed.geometry
    shift, angle = _apart(np.eye(4), result.fixed_to_moving, geometry.centre_mm)
    frames = fixed.series.frame_of_reference_uid, moving.series.frame_of_reference_uid
    field = max(n * step for n, step in zip(geometry.size, geometry.spacing_mm, strict=True))
    if angle > 60:
        return f"The second image was turned by {angle:.0f} degrees: look whether left and right are still right."
    if frames[0] == frames[1] != "" and (shift > 10 or angle > 10):
        return (
            f"The second image was moved by {shift:.0f} mm and {angle:.0f} degrees, although both series "
            "state the same frame of reference."
        )
    if shift > 2 * field:
        return f"The second image was moved by {shift:.0f} mm, far more than the field of view of {field:.0f} mm."
    return ""


def _rival(fixed_image: Prepared, result: SearchResult) -> str:
    for rival in result.rivals:
        shift, angle = _apart(rival.fixed_to_moving, result.fixed_to_moving, fixed_image.centroid_mm)
        if rival.score > 0.95 * result.after and (shift > 8 or angle > 8):
            return (
                f"Another alignment, {shift:.0f} mm and {angle:.0f} degrees away, fits nearly as well "
                f"({rival.score:.3f} against {result.after:.3f} nats): this one is not certain."
            )
    return ""


def _little(result: SearchResult) -> str:
    if result.after > 4 * result.chance:
        return ""
    return f"The images have little in common ({result.after:.3f} nats; chance gives {result.chance:.3f})."


def _apart(a: Matrix, b: Matrix, at_mm: NDArray[np.float64]) -> tuple[float, float]:
    """How far two transforms lie apart: mm at the fixed point at_mm, and degrees."""
    shift = np.linalg.norm(transform_points(a, at_mm) - transform_points(b, at_mm))
    return float(shift), rotation_angle_deg(inverse(a) @ b)
