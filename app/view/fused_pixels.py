"""The colours of a fused slice: the network's grey and the partner's value in a palette, or a picture's own chroma.

The only place that says so: panes, exported pictures, DICOM and NIfTI all take their pixels from here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.core.modalities import modality_of
from app.core.planes import Plane, plane_of
from app.core.values import luma_chroma, restore_chroma
from app.core.volume import Volume
from app.view.colours import Levels, Pixels, joint, levels, look_up, packed, rgb
from app.view.memo import Memo, per_volume
from app.view.mixing import fusion_table
from app.view.slices import rgb_pixels

if TYPE_CHECKING:
    from app.case.alignment import Aligned
    from app.case.fusing import FusionStack


def own_colours(mri: Volume, partner: Volume) -> Volume | None:
    """The colour picture whose chroma the fusion of a pair keeps; None where a palette gives it.

    A visible picture keeps its colours beside an infrared one, which often has false ones; otherwise the partner's
    come first.
    """
    pair = (mri, partner) if modality_of(partner.modality).false_colours else (partner, mri)
    return next((volume for volume in pair if _has_colours(volume)), None)


def fused_pixels(stack: FusionStack, plane: Plane, index: int, palette: str, memo: Memo) -> Pixels:
    """A slice of a fusion, whole planes of the MRI's grid; what lies outside the partner's field of view is 0."""
    aligned, window = stack.aligned, stack.request.partner_window
    fused: Levels = memo.get(
        stack.fused, ("fused", plane.axis, index), lambda: levels(plane.take(stack.fused, index), (0.5, 1.0))
    )
    lender = own_colours(aligned.mri, aligned.partner)
    if lender is not None:
        coloured = memo.get(
            fused,
            ("own colours", id(lender)),
            lambda: (_recoloured(fused, aligned, lender, plane, index, memo), lender),
        )
        return coloured[0]
    scalar = memo.get(
        stack,
        ("scalar", plane.axis, index),
        lambda: levels(plane.take(aligned.values, index), ((window.low + window.high) / 2, window.high - window.low)),
    )
    both = memo.get(fused, ("joint", id(scalar)), lambda: (joint(fused, scalar), scalar))[0]
    return memo.get(both, ("fusion", palette), lambda: look_up(fusion_table(palette), both))


def pixels_on_grid(partner: Volume, plane: Plane, index: int, matrix: NDArray[np.float64], memo: Memo) -> Pixels | None:
    """A colour picture's own pixels on a slice of the MRI's grid; None where its pixels do not lie exactly there."""
    if partner.rgb is None or not np.allclose(matrix, np.eye(4)) or not partner.geometry.same_grid(plane.grid):
        return None
    return rgb_pixels(partner, plane_of(partner.geometry, plane.axis), index, memo)


def _recoloured(fused: Levels, aligned: Aligned, lender: Volume, plane: Plane, index: int, memo: Memo) -> Pixels:
    matrix = np.eye(4) if lender is aligned.mri else aligned.registration.fixed_to_moving
    exact = pixels_on_grid(lender, plane, index, matrix, memo)
    chroma = luma_chroma(rgb(exact))[1] if exact is not None else _resampled_chroma(lender, plane, index, matrix)
    return packed(restore_chroma(fused.astype(np.float32) / np.float32(255), chroma))


def _resampled_chroma(lender: Volume, plane: Plane, index: int, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Cb and Cr of a colour picture on a slice of the MRI's grid, [row, column, 2]; resampled as its luma was."""
    from app.registration.resample import Resampler

    assert lender.rgb is not None  # it lends its colours
    chroma, target = luma_chroma(lender.rgb)[1], plane.geometry(index)
    volumes = (
        replace(lender, stored=chroma[..., channel].copy(), slope=np.ones(1), intercept=np.zeros(1), rgb=None)
        for channel in range(2)
    )
    return np.stack([Resampler(volume, target).plane(target, matrix).values[0] for volume in volumes], axis=-1)


@per_volume
def _has_colours(volume: Volume) -> bool:
    """Whether it is a colour picture whose channels differ somewhere."""
    channels = volume.rgb
    if channels is None:
        return False
    red, green, blue = (channels[..., channel] for channel in range(3))
    return not (np.array_equal(red, green) and np.array_equal(green, blue))
