"""Slices and series named on the command line."""

import pytest

from app.choice import pick_slices
from app.errors import UsageError


@pytest.mark.parametrize(
    ("text", "meant"),
    [("all", range(10)), ("3", range(3, 4)), ("2:5", range(2, 5)), (":4", range(4)), ("7:", range(7, 10))],
)
def test_slices_count_from_zero_and_leave_the_end_out(text, meant):
    assert pick_slices(text, 10) == meant


@pytest.mark.parametrize("text", ["", "x", "1:2:3", "5:5", "6:4", "-1", "10", "0:11"])
def test_slices_that_are_not_there_are_refused(text):
    with pytest.raises(UsageError, match="slices"):
        pick_slices(text, 10)
