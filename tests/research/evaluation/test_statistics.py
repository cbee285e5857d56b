"""Paired tests, Holm, the bootstrap and the heat map, against published, hand-reckoned and slow answers."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.research import __main__ as research
from app.research.evaluation import per_image, statistics
from app.research.evaluation.tables import RANKED
from tests.research.evaluation.measures import DARWIN, measured


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
