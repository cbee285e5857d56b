"""Paired differences: the test that their distribution allows, Holm's correction, and the bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Values = NDArray[np.float64]

NORMAL = 0.05  # p of Shapiro-Wilk above which differences pass for normal
FEWEST = 3  # images for a test
RESAMPLES = 10_000


@dataclass(frozen=True)
class PairedTest:
    """name : "t", "Wilcoxon", or "" where there is none and `reason` says why; p : two-sided, NaN without an answer."""

    name: str
    p: float
    reason: str = ""


def holm(p: ArrayLike) -> Values:
    """p-values adjusted so that the chance of any false finding among all is bounded (Holm 1979); NaN stays NaN."""
    raw = np.asarray(p, np.float64)
    adjusted = np.full_like(raw, math.nan)
    tested = np.flatnonzero(np.isfinite(raw))
    order = tested[np.argsort(raw[tested], kind="stable")]
    steps = raw[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.maximum.accumulate(steps).clip(max=1)
    return adjusted


def paired_test(differences: ArrayLike) -> PairedTest:
    """Whether differences centre on 0, by the test that their distribution allows."""
    of = np.asarray(differences, np.float64)
    if len(of) < FEWEST:
        return PairedTest("", math.nan, f"fewer than {FEWEST} images")
    if not of.any():
        return PairedTest("", 1.0, "equal on every image")
    if np.ptp(of) <= 1e-12 * np.abs(of).max():  # without spread neither normality nor a t statistic is defined
        return PairedTest("Wilcoxon", float(stats.wilcoxon(of).pvalue), "the same difference on every image")
    if stats.shapiro(of).pvalue > NORMAL:
        return PairedTest("t", float(stats.ttest_1samp(of, 0).pvalue))
    return PairedTest("Wilcoxon", float(stats.wilcoxon(of).pvalue))


def improvement(differences: ArrayLike) -> float:
    """(r - 0.5) * 2 with r the share of positive differences, zeros counting half: the mean sign. NaN without any."""
    signs = np.sign(np.asarray(differences, np.float64))
    return float(signs.mean()) if signs.size else math.nan


def resampled_means(values: Values, seed: int, resamples: int = RESAMPLES) -> Values:
    """(images, columns) -> (resamples, columns): means over images drawn with replacement, NaN left out.

    All columns see the same draws, so that methods stay paired.
    """
    count = len(values)
    drawn = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples).astype(np.float64)
    return means_of_known(values, drawn)


def means_of_known(values: Values, drawn: Values) -> Values:
    """(images, columns), (draws, images) how often an image counts -> (draws, columns), NaN where nothing is known."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        means: Values = (drawn @ np.where(known, values, 0)) / (drawn @ known)
    return means


def interval(resampled: Values) -> tuple[float, float]:
    """The percentile bootstrap's 95 % interval of one column."""
    if np.isnan(resampled).all():
        return math.nan, math.nan
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return float(low), float(high)
