"""The window a role is shown in: the reader's, else the volume's own; and what is inverted."""

from __future__ import annotations

import numpy as np
import pytest

from app.case.document import Case
from app.view import windows
from tests.scenes import head, shown, volume


@pytest.fixture(scope="module")
def case() -> Case:
    mri, partner = head(16, 24)
    return Case().having(mri=mri, partner=partner)


def test_the_readers_window_goes_before_the_volumes_own(case):
    narrow = shown(case, partner_window=(2.5, 5.0))
    assert windows.window_of(narrow, "partner") == (2.5, 5.0)
    assert windows.window_of(narrow, "mri") == windows.default_window(case.mri)
    assert windows.window_of(Case(), "mri") is None


def test_a_default_is_worked_out_once_for_each_volume(monkeypatch):
    calls = []

    def default(volume):
        calls.append(volume)
        return 40, 80

    monkeypatch.setattr("app.core.values.default_display_window", default)
    first, second = (volume(np.zeros((1, 2, 2), np.int16)) for _ in range(2))
    assert windows.default_window(first) == windows.default_window(first) == (40.0, 80.0)
    assert len(calls) == 1
    windows.default_window(second)
    assert len(calls) == 2


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("key", [False, True])
def test_the_readers_key_turns_round_what_the_header_asks_for(header, key):
    mri = volume(np.zeros((1, 2, 2), np.int16), inverted=header)
    case = shown(Case().having(mri=mri), mri_inverted=key)
    assert windows.is_inverted(case, "mri") == (header != key)
    assert not windows.is_inverted(case, "partner")  # there is none


@pytest.mark.parametrize(
    ("changes", "whole"),
    [
        ({"stored": np.zeros((1, 2, 2), np.int16)}, True),
        ({"stored": np.zeros((1, 2, 2), np.float32)}, False),
        ({"stored": np.zeros((1, 2, 2), np.uint16), "slope": 0.5}, False),
        ({"stored": np.zeros((1, 2, 2), np.uint8), "in_mm": False}, False),
    ],
)
def test_whole_numbers_are_those_stored_unscaled_in_millimetres(changes, whole):
    assert windows.has_whole_numbers(volume(**changes)) == whole


def test_roles_name_their_volumes(case):
    assert windows.volume_of(case, "mri") is case.mri
    assert windows.volume_of(case, "partner") is case.partner
