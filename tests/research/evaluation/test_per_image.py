"""The CSV file of what each picture measured, and means over pictures."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from app.research.evaluation import per_image
from tests.research.evaluation.measures import measured


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


def test_means_leave_out_what_is_undefined_and_say_so():
    rows = measured(ours=[1.0, math.nan, 3.0], theirs=[2.0, 2.0, 2.0])
    rows[1] = replace(rows[1], reasons={"CC": "one of the pictures is constant"})
    table = per_image.means_by_method(rows)["ct-mri"]
    assert (table["ours"]["n"], table["ours"]["CC"], table["theirs"]["CC"]) == (3, 2.0, 2.0)
    assert list(per_image.undefined(rows)) == [
        "ct-mri, ours: CC is undefined for 1 of 3 pictures: one of the pictures is constant."
    ]
