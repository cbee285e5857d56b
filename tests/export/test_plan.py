"""What is asked for, before any format is."""

import pytest

from app.export.plan import Options, SlicesError, chosen_slices


def test_all_slices_are_the_default_and_a_choice_is_sorted():
    assert chosen_slices(Options(), 3) == (0, 1, 2)
    assert chosen_slices(Options(slices=[4, 1, 4]), 5) == (1, 4)


@pytest.mark.parametrize("slices", [(), (-1, 0), (5,), range(3, 9)])
def test_slices_that_are_not_there_are_refused(slices):
    with pytest.raises(SlicesError):
        chosen_slices(Options(slices=slices), 5)
