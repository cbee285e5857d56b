"""Paired tests, Holm, the bootstrap and the heat map, against published, hand-reckoned and slow answers."""

from __future__ import annotations

import csv
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from app.metrics.catalogue import METRICS
from app.research import __main__ as research
from app.research.evaluation import heatmap, paired, per_image, statistics
from app.research.evaluation.per_image import Measured
from app.research.evaluation.tables import RANKED

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]  # crossed minus self-fertilised maize, 1/8 inch
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


def measured(**methods: list[float]) -> list[Measured]:
    """Each method's value on each image, the same for all metrics."""
    names = [metric.name for metric in METRICS]
    return [
        Measured("ct-mri", method, str(1000 + number), dict.fromkeys(names, value), 1.5)
        for method, values in methods.items()
        for number, value in enumerate(values)
    ]


def test_a_comparison_holds_what_was_reckoned_by_hand():
    rows = measured(ours=[float(one) for one in DARWIN], theirs=[0.0] * 15, same=[float(one) for one in DARWIN])
    found = statistics.compare(statistics.by_method(rows, "ct-mri"), "ct-mri", "ours")
    assert [(one.other, one.metric) for one in found] == [
        (other, name) for other in ("theirs", "same") for name in RANKED
    ]
    one = found[0]
    assert (one.n, one.test, one.difference) == (15, "t", pytest.approx(np.mean(DARWIN)))
    assert one.improvement == pytest.approx((13 - 2) / 15)
    assert one.p == pytest.approx(0.0497, abs=1e-4)
    assert one.adjusted == pytest.approx(16 * one.p)  # sixteen comparisons, this the smallest p
    assert one.low < one.difference < one.high
    assert one.stars == ""
    other = found[-1]
    assert (other.p, other.adjusted, other.improvement, other.reason) == (1, 1, 0, "equal on every image")


@pytest.mark.parametrize(
    ("adjusted", "stars"), [(0.05, ""), (0.049, "*"), (0.001, "*"), (0.0009, "**"), (math.nan, "")]
)
def test_stars_are_the_papers(adjusted, stars):
    one = statistics.Comparison("t", "a", "b", "SD", 9, 0.1, 0.0, 0.2, 1.0, "t", 0.1, adjusted, "")
    assert one.stars == stars


def test_an_image_without_a_value_counts_for_no_comparison():
    rows = measured(ours=[1.0, 2.0, 4.0, 8.0, math.nan], theirs=[0.0, 0.0, 0.0, 0.0, 1.0])
    one = statistics.compare(statistics.by_method(rows, "ct-mri"), "ct-mri", "ours")[0]
    assert (one.n, one.difference, one.improvement) == (4, 3.75, 1)


def test_estimates_are_means_and_rank_sums_with_intervals():
    rows = measured(best=[5.0, 6.0, 7.0], middle=[1.0, 2.0, 6.5], worst=[0.0, 0.0, 0.0])
    told = statistics.estimates(statistics.by_method(rows, "ct-mri"))
    assert told["best"]["SD"].value == 6
    assert 5 <= told["best"]["SD"].low < 6 < told["best"]["SD"].high <= 7
    assert told["best"]["rank sum"] == statistics.Estimate(8, 8, 8)  # better on every image, so in every resample
    assert told["worst"]["rank sum"] == statistics.Estimate(24, 24, 24)


def test_first_places_are_the_share_of_draws_that_a_method_wins():
    rows = measured(steady=[1.0, 1.0, 1.0], lucky=[9.0, 0.0, 0.0], twin=[9.0, 0.0, 0.0], worst=[-1.0, -1.0, -1.0])
    first = statistics.first_places(statistics.by_method(rows, "ct-mri"))
    missed = (2 / 3) ** 3  # the draws without the one image on which the twins win, whatever else is drawn
    assert first["steady"] == pytest.approx(missed, abs=0.02)
    assert first["lucky"] == first["twin"] == pytest.approx((1 - missed) / 2, abs=0.01)
    assert first["worst"] == 0


def test_methods_with_other_images_are_no_pairs():
    rows = measured(ours=[1.0, 2.0], theirs=[1.0])
    with pytest.raises(statistics.UnequalImagesError, match="theirs"):
        statistics.by_method(rows, "ct-mri")


def test_per_image_values_come_back_from_their_file(tmp_path):
    rows = measured(ours=[1 / 3, math.nan])
    path = tmp_path / "per-image.csv"
    path.write_text(per_image.as_csv(rows))
    first, second = per_image.read(path)
    assert first == rows[0]
    assert all(math.isnan(value) for value in second.values.values())


WRITTEN = per_image.as_csv(measured(a=[1.0]))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "no rows"),
        ("a,b\n1,2\n", "columns"),
        (WRITTEN.replace("1.0", "x"), "line 2"),
        (WRITTEN.replace("1.0", "inf"), "line 2"),
        (WRITTEN.rstrip().rsplit(",", 1)[0], "line 2"),
        (WRITTEN + WRITTEN.splitlines()[1] + ",1", "line 3"),
        (WRITTEN.rstrip() + ",1", "line 2"),
        (WRITTEN + WRITTEN.splitlines()[1], "line 3 brings .* a second time"),
        (WRITTEN + "\n" + WRITTEN.splitlines()[1], "line 4"),
    ],
)
def test_other_files_are_refused(tmp_path, text, fact):
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(per_image.PerImageFileError, match=fact):
        per_image.read(path)


def test_the_heat_maps_cells_have_the_colours_of_their_values():
    rows, columns = ["a", "longer name"], ["SD", "SF", "AG"]
    values = [[-1.0, 0.0, 1.0], [math.nan, 0.5, -0.5]]
    picture = heatmap.draw("title", "note", rows, columns, values, [[""] * 3] * 2)
    found = {picture.getpixel((x, y)) for x in range(picture.width) for y in range(picture.height)}
    for value, colour in [
        (-1, (33, 102, 172)),
        (1, (178, 24, 43)),
        (math.nan, (200, 200, 200)),
        (0.5, (216, 140, 149)),
    ]:
        assert heatmap.colour(value) == colour
        assert colour in found
    assert heatmap.colour(0) == (255, 255, 255)
    width, height = heatmap.CELL
    cells = [[picture.getpixel((picture.width - 12 - width * (3 - i) + 9, picture.height - 12 - height * (3 - j) + 9))
              for i in range(3)] for j in range(2)]  # fmt: skip
    assert cells == [[heatmap.colour(value) for value in row] for row in values]


def test_the_command_writes_tables_and_heat_maps(tmp_path, capsys):
    rows = measured(ours=[3.0, 5.0, 4.0, 6.0], theirs=[1.0, 2.0, 3.0, 2.5])
    (tmp_path / "per-image.csv").write_text(per_image.as_csv(rows))
    words = [str(tmp_path / "per-image.csv"), "--method", "ours", "--out", str(tmp_path / "out")]
    assert research.main(["statistics", *words]) == 0
    text = capsys.readouterr().out
    assert "| ct-mri | first | rank sum | SD |" in text
    # of 4^4 draws 5 have a mean below 3.5 and 15 at most that, so that is where 2.5 % lie
    assert "| ours | 100% | 8 [8, 8] | 4.5 [3.5, 5.5] |" in text
    assert "| theirs | 1.00 | 1.00 |" in text
    with Image.open(tmp_path / "out/heatmap-ct-mri.png") as picture:
        assert picture.mode == "RGB"
    written = list(csv.DictReader((tmp_path / "out/comparisons.csv").read_text().splitlines()))
    assert [one["metric"] for one in written] == list(RANKED)
    assert float(written[0]["difference"]) == pytest.approx(2.375)


def test_a_task_that_the_method_was_not_measured_on_is_left_out_with_a_note(tmp_path, capsys):
    rows = measured(ours=[3.0, 5.0], theirs=[1.0, 2.0])
    elsewhere = [replace(one, task="ir-vis") for one in rows if one.method == "theirs"]
    (tmp_path / "per-image.csv").write_text(per_image.as_csv([*elsewhere, *rows]))
    words = [str(tmp_path / "per-image.csv"), "--method", "ours", "--out", str(tmp_path / "out")]
    assert research.main(["statistics", *words]) == 0
    assert "ir-vis is left out: nothing of ours was measured there" in capsys.readouterr().err
    assert {one.name for one in (tmp_path / "out").iterdir()} == {"heatmap-ct-mri.png", "comparisons.csv"}


@pytest.mark.parametrize("method", ["nobody", "ours"])
def test_a_method_that_is_not_there_or_alone_is_told(tmp_path, capsys, method):
    (tmp_path / "per-image.csv").write_text(per_image.as_csv(measured(ours=[1.0])))
    words = [str(tmp_path / "per-image.csv"), "--method", method, "--out", str(tmp_path / "out")]
    assert research.main(["statistics", *words]) == 2
    assert ("no method 'nobody'" if method == "nobody" else "nothing but ours") in capsys.readouterr().err
