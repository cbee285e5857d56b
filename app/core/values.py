"""Where HU, SUV and arbitrary units become [0, 1] for the networks, and where colour is split off and put back.

The fusion window is fixed by the study's values, never by what the reader sets for display: the same pair always gives
the same fused picture. Its defaults make real volumes look like the pictures the networks were trained on (AANLIB):

- CT: the brain window of those pictures: fat and air 0, CSF 0.09, brain near 0.4, acute blood below 0.9, bone 1.
  Another part of the body, where its header says so, gets the soft-tissue window.
- MR, and what no header names: 0 is the noise of the air in the corners of the volume, 1 the top half percent.
- PET and SPECT: 0 is no uptake, 1 the hottest quarter of a millilitre, rounded up, so that a small lesion is not cut.
  In a brain without one that is grey matter, which would then be all at the top, and a lesion a little hotter than it
  would not be seen: grey matter lies at 0.7 at most.
- Where the header asks for an inverted presentation (MONOCHROME1, PresentationLUTShape INVERSE), a picture is fused as
  it is shown. Not so PET and SPECT, which are MONOCHROME2 by definition (PS3.3 C.8.9.4, C.8.4.8): uptake stays uptake.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.modalities import BodyWindows, is_head, modality_of, presets_in
from app.core.volume import Volume

Unit = NDArray[np.float32]  # any shape, in [0, 1]

_SAMPLES = 1_500_000  # voxels looked at to find a window; a fixed stride, so that the answer is always the same
_GREY_MATTER_AT = 0.7  # of the window, where there is no hotter lesion
_BRAIN_ML = (800.0, 3000.0)
_HEAD_MM = 300.0
_SUV_TOP = (5.0, 20.0)  # a bladder at SUV 80 must not turn the brain black, nor noise be spread over the whole range


@dataclass(frozen=True)
class FusionWindow:
    """Values from low to high, in `unit`, become 0 to 1; what lies beyond is clipped.

    inverted : they become 1 to 0, since the header asks for the lowest value to be shown white
    """

    low: float
    high: float
    unit: str
    inverted: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high) and self.high > self.low):
            raise ValueError(f"not a window: {self.low} to {self.high}")


class Clipped(NamedTuple):
    """Percent of voxels below and above a window. Air below a CT or MR window is no loss; what lies above is."""

    below: float
    above: float


def default_fusion_window(volume: Volume) -> FusionWindow:
    """The fusion window this volume always gets; see the module's first lines for the rule."""
    if volume.rgb is not None or not volume.geometry.in_mm:
        return FusionWindow(0, _white(volume), volume.unit)
    fixed = _fixed_windows(volume)
    if fixed is not None:
        return FusionWindow(fixed.low, fixed.high, volume.unit, volume.inverted)
    sample, samples_per_ml = _sample(volume)
    if not sample.size:
        return FusionWindow(0, 1, volume.unit)
    if modality_of(volume.modality).uptake:
        return FusionWindow(0, _uptake_top(volume, sample, samples_per_ml), volume.unit)
    sign = -1 if volume.inverted else 1  # air is then the highest value
    sample = sign * sample
    low = _air_level(volume, sample, sign)
    signal = sample[sample > low]
    high = float(np.percentile(signal, 99.5)) if signal.size else low
    high = _three_digits(high)
    ends = low, high if high > low else low + 1
    return FusionWindow(min(sign * end for end in ends), max(sign * end for end in ends), volume.unit, volume.inverted)


def default_display_window(volume: Volume) -> tuple[float, float]:
    """(centre, width) to show a volume with at first, in its unit.

    PET and SPECT get their fusion window, so that one scale holds for pane, overlay and fusion (header windows of PET
    follow each slice's maximum). Otherwise the header's window, where it is one and meets the data; then a CT's own.
    """
    if volume.rgb is not None or not volume.geometry.in_mm:
        white = _white(volume)
        return white / 2, white
    if modality_of(volume.modality).uptake:
        top = default_fusion_window(volume).high
        return top / 2, top
    sample, _ = _sample(volume)
    if volume.window is not None and _sane(volume.window, sample):
        return float(volume.window[0]), float(volume.window[1])
    fixed = _fixed_windows(volume)
    if fixed is not None:
        preset = next(candidate for candidate in presets_in(volume.unit) if candidate.name == fixed.preset)
        return preset.centre, preset.width
    window = default_fusion_window(volume)
    return (window.low + window.high) / 2, window.high - window.low


def to_unit(values: ArrayLike, window: FusionWindow) -> Unit:
    """Values in the window's unit to float32 [0, 1], same shape: exactly 0 at and below low, 1 at and above high.

    The other way round where the window is inverted. NaN, "no value", becomes 0; infinities are clipped.
    """
    unit = np.asarray(values, dtype=np.float32) - np.float32(window.low)
    unit *= np.float32(1 / (window.high - window.low))
    np.clip(unit, 0, 1, out=unit)
    if window.inverted:
        np.subtract(1, unit, out=unit)
    if unit.size and np.isnan(unit.min()):  # min is NaN as soon as one value is: cheaper than a mask of all
        np.nan_to_num(unit, copy=False, nan=0)
    return unit


def clipped_percent(values: ArrayLike, window: FusionWindow, inside: NDArray[np.bool_] | None = None) -> Clipped:
    """How many of the voxels inside the window leaves out; (0, 0) where there are none inside.

    What lies above an inverted window is below what is shown.
    """
    array = np.asarray(values)
    count = array.size if inside is None else int(np.count_nonzero(inside))
    if not count:
        return Clipped(0.0, 0.0)
    below, above = array < window.low, array > window.high
    if window.inverted:
        below, above = above, below
    if inside is not None:
        below &= inside
        above &= inside
    return Clipped(100 * int(np.count_nonzero(below)) / count, 100 * int(np.count_nonzero(above)) / count)


def luma_chroma(rgb: NDArray[Any]) -> tuple[Unit, Unit]:
    """uint8 (..., 3) RGB to luma (...) in [0, 1] and chroma (..., 2), Cb and Cr in [-0.5, 0.5].

    ITU-R BT.601, full range, as in JFIF; no rounding on the way.
    """
    r, g, b = (rgb[..., channel].astype(np.float32) / np.float32(255) for channel in range(3))
    luma = np.float32(0.299) * r + np.float32(0.587) * g + np.float32(0.114) * b
    chroma = np.stack([(b - luma) / np.float32(1.772), (r - luma) / np.float32(1.402)], axis=-1)
    return np.clip(luma, 0, 1), chroma


def restore_chroma(fused_luma: ArrayLike, chroma: NDArray[Any]) -> NDArray[np.uint8]:
    """Fused luma (...) in [0, 1] and chroma (..., 2) to uint8 RGB (..., 3); clipped once, here at the end."""
    y = np.asarray(fused_luma, dtype=np.float32)
    cb, cr = chroma[..., 0].astype(np.float32), chroma[..., 1].astype(np.float32)
    red, blue = np.float32(1.402) * cr, np.float32(1.772) * cb
    green = -(np.float32(0.299) * red + np.float32(0.114) * blue) / np.float32(0.587)
    rgb = np.stack([y + red, y + green, y + blue], axis=-1)
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def _fixed_windows(volume: Volume) -> BodyWindows | None:
    """Those of the modality, where it has fixed ones and the unit is theirs.

    A head is meant where nothing says otherwise: heads are what this program is for, and NIfTI states no body part.
    """
    kind, body_part = modality_of(volume.modality), volume.series.body_part.strip()
    if volume.unit != kind.unit:
        return None
    return kind.head if not body_part or is_head(body_part, volume.series.description) else kind.body


def _white(volume: Volume) -> float:
    """Full scale of a picture: that of its type, since a picture has no unit to window in."""
    kind = volume.stored.dtype
    if np.issubdtype(kind, np.integer):
        return float(np.iinfo(kind).max)
    top = float(np.nanmax(volume.stored, initial=0))
    return top if isfinite(top) and top > 0 else 1.0


def _sample(volume: Volume) -> tuple[NDArray[np.float32], float]:
    """Values of every n-th voxel that is valid and finite, 1-D, and how many of the samples make one millilitre."""
    stride = max(1, ceil(volume.stored.size / _SAMPLES))
    if stride > 1 and any(stride % n == 0 for n in (2, 3, 5, 7)):
        stride = next(n for n in range(stride, stride + 20) if all(n % prime for prime in (2, 3, 5, 7)))  # no stripes
    flat = np.arange(0, volume.stored.size, stride)
    slices = flat // (volume.stored.shape[1] * volume.stored.shape[2])
    values = (volume.stored.reshape(-1)[flat] * volume.slope[slices] + volume.intercept[slices]).astype(np.float32)
    keep = np.isfinite(values)
    if volume.valid is not None:
        keep &= volume.valid.reshape(-1)[flat]
    voxel_ml = float(abs(np.linalg.det(volume.geometry.affine[:3, :3]))) / 1000
    return values[keep], 1 / (voxel_ml * stride)


def _uptake_top(volume: Volume, sample: NDArray[np.float32], samples_per_ml: float) -> float:
    """Where the window of a PET or SPECT ends: rounded up, to whole SUV within _SUV_TOP, else to 2 digits."""
    count = min(sample.size, max(3, round(samples_per_ml / 4)))
    hottest = float(np.partition(sample, sample.size - count)[sample.size - count])  # only 0.25 mL exceed it
    in_suv = volume.unit.startswith("SUV")
    if hottest <= 0:
        return _SUV_TOP[0] if in_suv else 1.0
    if not in_suv:  # a full bladder or a syringe beside the body; SUV has its own limit
        hottest = min(hottest, 4 * float(np.median(sample[sample > 0.1 * hottest])))
    top = max(hottest, _grey_matter(volume, sample, hottest, samples_per_ml) / _GREY_MATTER_AT)
    if in_suv:
        return float(np.clip(ceil(top - 1e-6), *_SUV_TOP))
    step = 10.0 ** (floor(log10(top)) - 1)
    rounded = round(ceil(top / step - 1e-6) * step, 12)
    return rounded if top > hottest else min(rounded, max(float(sample.max()), hottest))  # not beyond the data


def _grey_matter(volume: Volume, sample: NDArray[np.float32], hottest: float, samples_per_ml: float) -> float:
    """The uptake of grey matter where a volume shows a brain and nothing else; 0 otherwise.

    A brain is what takes up more than a third of the hottest, as large as one (0.8 to 3 L: 1.2 L in the demo study,
    1.9 L in AANLIB's PET and SPECT, 2.4 L in SPM's template; 0.4 L in a whole body, below 0.2 L in limbs), in a field
    of view no longer than a head, unless the header names another part of the body.
    """
    body_part = volume.series.body_part.strip()
    length_mm = float(np.abs(volume.geometry.affine[2, :3]) @ volume.geometry.size)
    warm = sample[sample > hottest / 3]
    large = _BRAIN_ML[0] <= warm.size / samples_per_ml <= _BRAIN_ML[1]
    if not large or length_mm > _HEAD_MM or (body_part and not is_head(body_part, volume.series.description)):
        return 0.0
    return float(np.percentile(warm, 90))


def _air_level(volume: Volume, sample: NDArray[np.float32], sign: int) -> float:
    """Upper end of the noise in air, from the volume's eight corners; its minimum where those hold tissue.

    sample : of the volume's values times `sign`, as the answer is
    """
    lowest, low, bright = (float(value) for value in np.percentile(sample, (0, 0.1, 99)))
    if low - lowest > bright - low:  # a few voxels far below all others: values that ran over, or marks of the maker
        lowest = low
    levels = []
    for k, j, i in ((k, j, i) for k in (0, 1) for j in (0, 1) for i in (0, 1)):
        place = tuple(
            slice(None, ceil(n / 8)) if side == 0 else slice(-ceil(n / 8), None)
            for side, n in zip((k, j, i), volume.stored.shape, strict=True)
        )
        step = max(1, ceil(volume.stored[place].size / 50_000))
        block = volume.stored[place] * volume.slope[place[0], None, None] + volume.intercept[place[0], None, None]
        block *= sign
        usable = np.isfinite(block) if volume.valid is None else np.isfinite(block) & volume.valid[place]
        if usable.any():
            levels.append(float(np.percentile(block[usable][::step], 99.9)))
    air = _three_digits(float(np.median(levels))) if levels else lowest
    return air if lowest <= air <= lowest + 0.15 * (bright - lowest) else lowest


def _three_digits(value: float) -> float:
    """Rounded up to three significant digits, so that the window shown is the window used."""
    if value == 0:
        return 0.0
    step = 10.0 ** (floor(log10(abs(value))) - 2)
    return round(ceil(value / step - 1e-6) * step, 12)


def _sane(window: tuple[float, float], sample: NDArray[np.float32]) -> bool:
    centre, width = window
    if not (isfinite(centre) and isfinite(width) and width > 0) or not sample.size:
        return False
    return bool(centre - width / 2 < sample.max() and centre + width / 2 > sample.min())
