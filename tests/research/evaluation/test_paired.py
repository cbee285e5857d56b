"""Paired differences: published examples, answers by hand, and the bootstrap against scipy's."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from app.research.evaluation import paired
from tests.research.evaluation.measures import DARWIN

SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]  # Cushny & Peebles 1905: extra hours, drug 2 minus drug 1


def test_holm_as_reckoned_by_hand():
    np.testing.assert_allclose(paired.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(paired.holm([0.5, 0.6, 0.9]), [1, 1, 1])


def test_holm_counts_only_what_was_tested():
    np.testing.assert_allclose(paired.holm([math.nan, 0.02, 0.03]), [math.nan, 0.04, 0.04])
    assert paired.holm([]).size == 0


def test_holm_rejects_what_its_stepwise_definition_rejects():
    for p in np.random.default_rng(0).random((50, 6)) ** 4:
        rejected, left = set(), sorted(range(6), key=lambda one: p[one])
        while left and p[left[0]] * len(left) < 0.05:
            rejected.add(left.pop(0))
        assert set(np.flatnonzero(paired.holm(p) < 0.05)) == rejected


def test_normal_differences_get_the_t_test_of_fishers_example():
    """Fisher, The Design of Experiments (1935), section 17: t = 2.148 with 14 degrees of freedom."""
    test = paired.paired_test(DARWIN)
    assert test.name == "t"
    assert test.p == pytest.approx(2 * stats.t.sf(2.148, 14), abs=1e-4)


def test_differences_that_are_not_normal_get_wilcoxons_test():
    """W = 0.82987, p = 0.0333 by Shapiro-Wilk in R; the nine that differ are all positive: p = 2 / 2^9, exactly."""
    assert stats.shapiro(SLEEP).pvalue == pytest.approx(0.03334, abs=1e-5)
    test = paired.paired_test(SLEEP)
    assert test.name == "Wilcoxon"
    assert test.p == pytest.approx(2 / 2**9)


def test_wilcoxons_p_is_that_of_all_signs_tried():
    of = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -7.0, 200.0])
    rank = stats.rankdata(np.abs(of))
    observed = abs((np.sign(of) * rank).sum())
    sums = [abs(np.dot(signs, rank)) for signs in itertools.product((-1, 1), repeat=len(of))]
    test = paired.paired_test(of)
    assert test.name == "Wilcoxon"
    assert test.p == pytest.approx(np.mean([one >= observed for one in sums]))


@pytest.mark.parametrize(
    ("differences", "name", "p", "reason"),
    [
        ([], "", math.nan, "fewer than 3 images"),
        ([1.0, 2.0], "", math.nan, "fewer than 3 images"),
        ([0.0, 0.0, 0.0], "", 1.0, "equal on every image"),
        ([0.5, 0.5, 0.5, 0.5], "Wilcoxon", 2 / 2**4, "the same difference on every image"),
        ([0.1 + 0.2, 0.3, 0.3], "Wilcoxon", 2 / 2**3, "the same difference on every image"),  # but for rounding
    ],
)
def test_degenerate_differences_are_told_and_not_guessed(differences, name, p, reason):
    test = paired.paired_test(differences)
    assert (test.name, test.reason) == (name, reason)
    assert test.p == pytest.approx(p, nan_ok=True)


def test_the_improvement_rate_is_centred_as_in_the_paper():
    assert paired.improvement([1] * 72 + [-1] * 28) == pytest.approx(0.44)  # its two examples
    assert paired.improvement([1] * 22 + [-1] * 78) == pytest.approx(-0.56)
    assert paired.improvement([0, 0, 1, -1]) == 0
    assert math.isnan(paired.improvement([]))


def test_the_bootstrap_of_two_images_has_the_binomials_shares():
    means = paired.resampled_means(np.array([[0.0], [1.0]]), seed=3)[:, 0]
    assert {value: pytest.approx(float((means == value).mean()), abs=0.02) for value in (0, 0.5, 1)} == {
        0: 0.25,
        0.5: 0.5,
        1: 0.25,
    }
    assert paired.interval(means) == (0, 1)


def test_the_bootstrap_agrees_with_scipys_and_is_repeatable():
    values = np.random.default_rng(0).gamma(2, size=(40, 2))
    means = paired.resampled_means(values, seed=1)
    np.testing.assert_array_equal(means, paired.resampled_means(values, seed=1))
    for column in (0, 1):
        expected = stats.bootstrap((values[:, column],), np.mean, method="percentile", rng=np.random.default_rng(2))
        assert paired.interval(means[:, column]) == pytest.approx(tuple(expected.confidence_interval), abs=0.03)


def test_undefined_values_are_left_out_of_means():
    values = np.array([[1.0, math.nan], [math.nan, math.nan], [1.0, math.nan]])
    means = paired.resampled_means(values, seed=0)
    known = means[:, 0][np.isfinite(means[:, 0])]
    assert 0.9 < len(known) / len(means) < 1  # (1/3)^3 of the draws take the middle one alone
    assert set(known) == {1.0}
    assert all(math.isnan(one) for one in paired.interval(means[:, 1]))
