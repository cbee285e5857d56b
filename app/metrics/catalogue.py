"""The list of metrics, and the one function that measures a fused picture against its two sources.

A new metric is one function and one line of METRICS; the window, the command and the tests run over the list. These
metrics reward contrast and edges, wanted or not: a sharpened or noisy picture scores higher. So they are not shown
alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from app.base.errors import MetricError
from app.metrics import contrast, information, structure
from app.metrics.image_checks import Image, ImageShapeError, Region, Undefined, as_picture, same_shape

Function = Callable[[Image, Image, Image, Region | None], float]


@dataclass(frozen=True)
class Metric:
    """function : (fused, mri, partner, inside) -> float, raising Undefined where there is no answer.

    unit : "1" for a plain number; better : "higher" or "lower"; source : the paper; beware : how other tools differ
    """

    name: str
    title: str
    unit: str
    better: str
    source: str
    function: Function
    beware: str = ""


@dataclass(frozen=True)
class MetricReading:
    """value : NaN where the metric is undefined, and then `reason` says why; region : what was measured."""

    metric: Metric
    value: float
    reason: str
    region: str


class UnknownMetricError(MetricError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no metric {name!r}.", f"Known are {', '.join(metric.name for metric in METRICS)}.")


def _of_fused(function: Callable[[Image, Region | None], float]) -> Function:
    return lambda fused, mri, partner, inside: function(fused, inside)


def _sum(function: Callable[[Image, Image, Region | None], float]) -> Function:
    return lambda fused, mri, partner, inside: function(fused, mri, inside) + function(fused, partner, inside)


def _mean(function: Callable[[Image, Image, Region | None], float]) -> Function:
    return lambda fused, mri, partner, inside: _sum(function)(fused, mri, partner, inside) / 2


def _fidelity(fused: Image, mri: Image, partner: Image, inside: Region | None) -> float:
    """VIFF = VIF(A, F) + VIF(B, F): the sources are the reference."""
    of = information.visual_information_fidelity
    return of(mri, fused, inside) + of(partner, fused, inside)


METRICS: tuple[Metric, ...] = (
    Metric("EN", "Entropy", "bits", "higher",
           "Roberts, van Aardt & Ahmed 2008, doi:10.1117/1.2945910", _of_fused(information.entropy)),
    Metric("SD", "Standard deviation", "grey levels", "higher",
           "Ma, Ma & Li 2019, doi:10.1016/j.inffus.2018.02.004", _of_fused(contrast.standard_deviation)),
    Metric("SF", "Spatial frequency", "grey levels", "higher",
           "Eskicioglu & Fisher 1995, doi:10.1109/26.477498", _of_fused(contrast.spatial_frequency),
           "Tools that divide by width x height print about 0.2 % less."),
    Metric("AG", "Average gradient", "grey levels per pixel", "higher",
           "Cui et al. 2015, doi:10.1016/j.optcom.2014.12.032", _of_fused(contrast.average_gradient),
           "Tools with forward differences print about 1 % more."),
    Metric("MI", "Mutual information", "nats", "higher",
           "Qu, Zhang & Yan 2002, doi:10.1049/el:20020212", _sum(information.mutual_information),
           "Others print bits (x 1.4427)."),
    Metric("CC", "Correlation coefficient", "1", "higher",
           "Ma, Ma & Li 2019, doi:10.1016/j.inffus.2018.02.004", _mean(structure.correlation)),
    Metric("SCD", "Sum of the correlations of differences", "1", "higher",
           "Aslantas & Bendes 2015, doi:10.1016/j.aeue.2015.09.004", structure.correlation_of_differences),
    Metric("VIFF", "Visual information fidelity", "1", "higher",
           "Sheikh & Bovik 2006, doi:10.1109/TIP.2005.859378", _fidelity,
           "The sum over both sources."),
    Metric("Qabf", "Edge transfer", "1", "higher",
           "Xydeas & Petrović 2000, doi:10.1049/el:20000267", structure.edge_transfer),
    Metric("SSIM", "Structural similarity", "1", "higher",
           "Wang et al. 2004, doi:10.1109/TIP.2003.819861", _mean(structure.structural_similarity),
           "The mean over both sources; some papers print the sum."),
)  # fmt: skip


def evaluate(
    fused: ArrayLike,
    mri: ArrayLike,
    partner: ArrayLike,
    names: Sequence[str] | None = None,
    *,
    inside: ArrayLike | None = None,
) -> tuple[MetricReading, ...]:
    """Measure one fused picture.

    Parameters
    ----------
    fused, mri, partner : (H, W), or (H, W, 3) RGB which becomes luma; uint8, or whole numbers in 0..255
    names : which metrics, in this order; None for all of METRICS
    inside : (H, W) bool, True where pixels count, such as the partner's field of view; values outside have no effect.
        See `picture` for what that means to metrics that look at neighbours

    Returns
    -------
    a reading for each name; NaN with a reason where the metric is undefined

    Raises
    ------
    ImageShapeError : sizes differ; ImageValueError : not 8-bit values; UnknownMetricError : a name not in METRICS
    """
    by_name = {metric.name: metric for metric in METRICS}
    metrics = METRICS if names is None else tuple(_metric_named(by_name, name) for name in names)
    pictures = [
        as_picture(pixels, name)
        for pixels, name in ((fused, "the fused picture"), (mri, "the MRI"), (partner, "the partner"))
    ]
    same_shape(*pictures)
    region, where = _region(inside, pictures[0].shape)
    if region is not None:
        for picture in pictures:
            picture[~region] = 0  # so that not even a rounding error of a running sum comes from outside
    f, a, b = pictures
    return tuple(_reading(metric, f, a, b, region, where) for metric in metrics)


def _metric_named(by_name: dict[str, Metric], name: str) -> Metric:
    if name not in by_name:
        raise UnknownMetricError(name)
    return by_name[name]


def _region(inside: ArrayLike | None, shape: tuple[int, ...]) -> tuple[Region | None, str]:
    if inside is None:
        return None, "the whole picture"
    region = np.asarray(inside).astype(np.bool_)
    if region.shape != shape:
        raise ImageShapeError(f"The region has the shape {region.shape}, the pictures {shape}.")
    if region.all():
        return None, "the whole picture"
    return region, f"{int(region.sum())} of {region.size} pixels"


def _reading(metric: Metric, f: Image, a: Image, b: Image, region: Region | None, where: str) -> MetricReading:
    try:
        return MetricReading(metric, metric.function(f, a, b, region), "", where)
    except Undefined as undefined:
        return MetricReading(metric, math.nan, str(undefined), where)
