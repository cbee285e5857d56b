"""Rank sums, marks and the three kinds of table, on tables reckoned by hand."""

from __future__ import annotations

import csv
import io
import math
import os

import pytest

from app.metrics.catalogue import METRICS
from app.research.evaluation import tables

NAMES = [metric.name for metric in METRICS]


def row(value: float, **others: float) -> dict[str, float]:
    return {"n": 2} | dict.fromkeys(NAMES, value) | others


def test_rank_sums_of_a_table_reckoned_by_hand():
    table = {
        "a": {"SD": 3.0, "MI": 1.0},  # 1 + 2.5
        "b": {"SD": 2.0, "MI": 1.0},  # 2 + 2.5
        "c": {"SD": 1.0, "MI": 2.0},  # 3 + 1
        "d": {"SD": math.nan, "MI": 0.5},  # 4 + 4
    }
    assert tables.rank_sums(table, ("SD", "MI")) == {"a": 3.5, "b": 4.5, "c": 4.0, "d": 8.0}


def test_the_rank_sum_is_over_the_eight_columns_without_entropy_and_correlation():
    table = {"a": row(1.0, EN=9.0, CC=9.0), "b": row(2.0)}
    assert tables.rank_sums(table) == {"a": 16.0, "b": 8.0}


def test_what_prints_alike_shares_its_place_and_what_is_undefined_has_none():
    values = {"a": 1.0004, "b": 1.0001, "c": 0.9, "d": math.nan, "e": 0.5}
    assert tables.places(values, "SD") == {"a": 1, "b": 1, "c": 2}
    assert tables.places({"a": 8.0, "b": 16.0}, tables.RANK_SUM) == {"a": 1, "b": 2}  # the lower the better
    assert tables.places({"alone": 1.0}, "SD") == {}


def test_markdown_has_the_best_rank_sum_first_and_marks_best_and_second_best():
    text = tables.as_markdown({"ct-mri": {"worst": row(0.25), "best": row(1.5), "second": row(1.0, SSIM=math.nan)}})
    lines = text.splitlines()
    assert lines[0] == "| ct-mri, 2 | EN | SD | SF | AG | MI | CC | SCD | VIFF | Qabf | SSIM | rank sum |"
    assert lines[2] == "| best |" + " **1.500** |" * 10 + " **8** |"
    assert lines[3] == "| second |" + " *1.000* |" * 9 + " - | *17* |"  # undefined is third
    assert lines[4] == "| worst |" + " 0.250 |" * 9 + " *0.250* | 23 |"


def test_latex_escapes_names_and_marks_best_and_second_best():
    text = tables.as_latex({"pet-mri": {"a_b": row(1.5), "c&d": row(1.0)}})
    assert r"a\_b & \textbf{1.500} & " in text
    assert r"c\&d & \underline{1.000} & " in text
    odd = tables.as_latex({"pet-mri": {"{^~\\}": row(1.0)}})
    assert r"\{\textasciicircum{}\textasciitilde{}\textbackslash{}\}" in odd
    assert text.count(r"\begin{tabular}{lrrrrrrrrrrr}") == text.count(r"\end{tabular}") == 1


def test_csv_keeps_numbers_and_names_where_a_method_is_best():
    costs = {"ms_per_image": 2.5, "parameters": math.nan}
    found = {"ct-mri": {"a": row(1.23456789, SD=0.5) | costs, "b": row(1.0) | costs}, "ir-vis": {"a": row(2.0) | costs}}
    first, second, third = csv.DictReader(io.StringIO(tables.as_csv(found)))
    assert (first["method"], first["EN"], first["ms_per_image"], first["parameters"]) == ("a", "1.23456789", "2.5", "")
    assert first["rank sum"] == "9"
    assert first["best"].split(", ") == [*(name for name in NAMES if name != "SD"), "rank sum"]
    assert first["second best"] == "SD"
    assert (second["method"], second["best"]) == ("b", "SD")
    assert (third["task"], third["best"]) == ("ir-vis", "")


def test_csv_marks_the_numbers_it_shows_not_rounded_ones():
    found = {"ct-mri": {"a": row(1.0, SD=0.5001), "b": row(1.0, SD=0.5002)}}
    first, second = sorted(csv.DictReader(io.StringIO(tables.as_csv(found))), key=lambda one: one["method"])
    assert ("SD" in first["best"].split(", "), "SD" in second["best"].split(", ")) == (False, True)


def test_a_suffix_names_the_kind_and_others_are_refused(tmp_path):
    assert tables.writer_for(tmp_path / "a.TEX") is tables.as_latex
    with pytest.raises(tables.TableFileError, match=r"a\.xlsx"):
        tables.writer_for(tmp_path / "a.xlsx")


def test_what_cannot_be_written_is_told_beforehand(tmp_path, monkeypatch):
    with pytest.raises(tables.CannotWriteError, match="no folder"):
        tables.check_target(tmp_path / "missing" / "a.md")
    with pytest.raises(tables.CannotWriteError, match="it is a folder"):
        tables.check_target(tmp_path)
    (tmp_path / "kept.md").touch()
    for path, refused in ((tmp_path / "a.md", tmp_path), (tmp_path / "kept.md", tmp_path / "kept.md")):
        monkeypatch.setattr(os, "access", lambda asked, mode, refused=refused: asked != refused)  # root may all
        with pytest.raises(tables.CannotWriteError, match="Permission denied"):
            tables.check_target(path)
