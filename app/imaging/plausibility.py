"""What a reader should be told about a registration before trusting it: each concern one sentence.

A high mutual information is no proof. On cropped limbs it grows while the true alignment is lost; a few thick slices
leave the third direction open; and two alignments that fit equally well mean that neither is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.imaging.geometry import transform_points
from app.imaging.transforms import inverse, rotation_angle_deg
from app.imaging.verdict import Verdict

if TYPE_CHECKING:
    from app.imaging.prepare import Prepared
    from app.imaging.registration import RegistrationResult
    from app.imaging.similarity import Similarity
    from app.imaging.starts import Start
    from app.imaging.volume import Volume

_HEAD = ("HEAD", "BRAIN", "SKULL", "FACE", "ORBIT", "PITUITARY", "TEMPORAL", "SINUS", "CEREB", "INTRACRANIAL")
_LARGEST_HEAD_MM = (230.0, 280.0)  # across and front to back: more than any adult head, less than shoulders
_CUT = 0.5  # of a side face of the field that the body fills: then the field ends inside the body


def concerns(
    fixed: Volume,
    moving: Volume,
    fixed_image: Prepared,
    result: RegistrationResult,
    judge: Similarity,
    rivals: tuple[Start, ...] = (),
) -> tuple[str, ...]:
    """Sentences about `result`; fixed_image as prepared for it, `judge` and `rivals` as its search left them."""
    found = [_not_a_head(fixed, fixed_image), _thick_slices(fixed, moving)]
    if result.verdict is Verdict.UNVERIFIED:
        found += [
            _overlap(judge.measure(result.fixed_to_moving)[1]),
            _far(fixed, result),
            _rival(fixed_image, result, rivals),
            _little(result, judge.chance),
        ]
    return tuple(sentence for sentence in found if sentence)


def _not_a_head(volume: Volume, image: Prepared) -> str:
    rigid_only = "only rigid motion is corrected, which is not enough where the body bends"
    part = volume.series.body_part.strip()
    if part and not any(word in part.upper() for word in _HEAD):
        return f"The body part is given as {part}, not the head: {rigid_only}."
    if part:
        return ""
    points = image.grid.to_lps(np.argwhere(image.body)[:, ::-1])
    if not len(points):
        return ""
    low, high = np.percentile(points, (1, 99), axis=0)
    across, deep, _ = high - low
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
        apart, count = max(volume.geometry.spacing_mm), min(volume.geometry.size)
        if apart > 4.5 or count < 10:
            name = volume.modality or "one image"
            return (
                f"The slices of {name} are {apart:.1f} mm apart ({count} of them): "
                f"errors of {apart / 2:.0f} mm across the slices can stay unseen."
            )
    return ""


def _overlap(overlap: float) -> str:
    if overlap >= 0.6:
        return ""
    return f"Only {100 * overlap:.0f} % of what the first image shows lies inside the field of view of the second."


def _far(fixed: Volume, result: RegistrationResult) -> str:
    geometry = fixed.geometry
    angle = rotation_angle_deg(result.fixed_to_moving)
    centre = geometry.centre_mm
    shift = float(np.linalg.norm(transform_points(result.fixed_to_moving, centre) - centre))
    field = max(n * step for n, step in zip(geometry.size, geometry.spacing_mm, strict=True))
    if angle > 60:
        return f"The second image was turned by {angle:.0f} degrees: look whether left and right are still right."
    if result.frames[0] == result.frames[1] != "" and (shift > 10 or angle > 10):
        return (
            f"The second image was moved by {shift:.0f} mm and {angle:.0f} degrees, although both series "
            "state the same frame of reference."
        )
    if shift > 2 * field:
        return f"The second image was moved by {shift:.0f} mm, far more than the field of view of {field:.0f} mm."
    return ""


def _rival(fixed_image: Prepared, result: RegistrationResult, rivals: tuple[Start, ...]) -> str:
    centre, after = fixed_image.centroid_mm, result.metric_after or 0.0
    for rival in rivals:
        shift = float(
            np.linalg.norm(
                transform_points(rival.fixed_to_moving, centre) - transform_points(result.fixed_to_moving, centre)
            )
        )
        angle = rotation_angle_deg(inverse(rival.fixed_to_moving) @ result.fixed_to_moving)
        if rival.score > 0.95 * after and (shift > 8 or angle > 8):
            return (
                f"Another alignment, {shift:.0f} mm and {angle:.0f} degrees away, fits nearly as well "
                f"({rival.score:.3f} against {after:.3f} nats): this one is not certain."
            )
    return ""


def _little(result: RegistrationResult, chance: float) -> str:
    if result.metric_after is None or result.metric_after > 4 * chance:
        return ""
    return f"The images have little in common ({result.metric_after:.3f} nats; chance gives {chance:.3f})."
