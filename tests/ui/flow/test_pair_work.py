"""What the workers of a pair do: compare headers, register from where the pair stands, name the reader."""

from __future__ import annotations

import getpass
from dataclasses import replace

import numpy as np
import pytest

from app.base.progress import silent
from app.core.transforms import rigid
from app.registration import register
from app.registration.verdict import Verdict
from app.ui.flow import pair_work
from tests.scenes import head, pair


@pytest.fixture(scope="module")
def volumes():
    return head(16, 24)


def test_headers_are_compared_and_the_fusion_windows_are_the_defaults(volumes):
    mri, partner = volumes
    start, mri_window, partner_window = pair_work.compare_headers(mri, partner)(silent)
    np.testing.assert_array_equal(start.fixed_to_moving, np.eye(4))
    assert start.verdict is Verdict.UNVERIFIED  # nothing says that they share a frame of reference
    assert (mri_window.unit, partner_window.unit) == ("a.u.", "SUVbw")


@pytest.mark.parametrize("method", ["header", "identity", "manual", "file"])
def test_what_a_hand_or_a_file_moved_is_refined_nearby_and_headers_are_searched_widely(volumes, monkeypatch, method):
    starts = []

    def stand_in(fixed, moving, *, start, progress):
        starts.append(start)
        return register.identity(fixed, moving)

    monkeypatch.setattr(register, "register", stand_in)
    case = pair(*volumes)
    matrix = rigid((0, 0, 0), (3, 0, 0))
    case = case.having(registration=replace(case.registration, method=method, fixed_to_moving=matrix))
    pair_work.register_from(case)(silent)
    (start,) = starts
    if method in ("header", "identity"):
        assert start is None
    else:
        np.testing.assert_array_equal(start, matrix)


def test_a_reader_whom_the_computer_does_not_know_is_called_so(monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "reader7")
    assert pair_work.reader_name() == "reader7"

    def nobody() -> str:
        raise KeyError("uid 1000")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert pair_work.reader_name() == "unknown user"
