"""Durations as people say them."""

from __future__ import annotations

import pytest

from app.base.progress import roughly, spoken


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "under 1 ms"),
        (0.0009, "under 1 ms"),
        (0.0082, "8 ms"),
        (0.2449, "240 ms"),
        (0.999, "1 s"),
        (1.44, "1.4 s"),
        (4.0, "4 s"),
        (41, "41 s"),
        (114, "110 s"),
        (118.4, "2 min"),
        (125, "2 min"),
        (4000, "67 min"),
        (7300, "2 h"),
        (9000, "2.5 h"),
        (50000, "14 h"),
    ],
)
def test_durations_have_two_figures_at_most(seconds, said):
    assert spoken(seconds) == said


def test_an_estimate_is_about_a_time_and_a_bound_stays_a_bound():
    assert roughly(41) == "about 41 s"
    assert roughly(0.0009) == "under 1 ms"
