"""What is remembered, for what, and for how long."""

from __future__ import annotations

import gc
from dataclasses import replace

import numpy as np

from app.view.memo import Memo, per_volume
from tests.scenes import volume


def test_a_step_is_done_once_for_the_same_source_and_key():
    memo, source, calls = Memo(), object(), []
    for key in ("a", "a", "b"):
        assert memo.get(source, (key,), lambda key=key: calls.append(key) or key) == key
    assert calls == ["a", "b"]
    memo.get(object(), ("a",), lambda: calls.append("other"))
    assert calls[-1] == "other"


def test_the_step_used_longest_ago_is_forgotten_first():
    memo, source = Memo(entries=2), object()
    for key in ("a", "b", "a", "c"):
        memo.get(source, (key,), lambda: 0)
    assert memo.get(source, ("a",), lambda: 1) == 0
    assert memo.get(source, ("b",), lambda: 1) == 1


def test_an_answer_lives_as_long_as_its_volume():
    calls = []
    answer = per_volume(lambda given: calls.append(given.modality) or given.modality)
    first = volume(np.zeros((1, 2, 2), np.int16))
    assert (answer(first), answer(first)) == ("MR", "MR")
    assert answer(replace(first, modality="CT")) == "CT"
    assert calls == ["MR", "CT"]
    del first
    gc.collect()
    answer(volume(np.zeros((1, 2, 2), np.int16)))
    assert len(calls) == 3
