"""Training batches: crops that depend on seed and step alone, varied within what was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.research.pairs import Pair
from app.research.training.batches import batch_at, batches
from app.research.training.recipes import Augmentation, Stage

USUAL = Augmentation()
PLAIN = Augmentation(gamma=0, window=0, scalar=0, dim=0)


def stage(augmentation: Augmentation = USUAL, *, batch: int = 1, crop: int = 16, **others: Any) -> Stage:
    return Stage(steps=9, batch=batch, crop=crop, augmentation=augmentation, **others)


def numbered(size: int = 40) -> Pair:
    """Every pixel its own value, and the partner one more, so that a crop shows where it came from."""
    mri = (1 + np.arange(size * size) % 200).reshape(size, size).astype(np.uint8)
    return Pair("pet-mri", "1", mri, mri + 1, mri + 2)


def test_batches_depend_on_seed_and_step_alone():
    def batch(seed: int, step: int):
        return batch_at(stage(batch=4, seed=seed), [numbered()], step)

    for one, again in zip(batch(1, 7), batch(1, 7), strict=True):
        assert one.shape == (4, 1, 16, 16)
        assert one.equal(again)
    assert not batch(1, 7)[0].equal(batch(1, 8)[0])
    assert not batch(1, 7)[0].equal(batch(2, 7)[0])


def test_flips_and_turns_keep_a_pair_together():
    for step in range(10):
        mri, partner = batch_at(stage(PLAIN, batch=4), [numbered()], step)
        np.testing.assert_allclose((partner - mri).numpy() * 255, 1, atol=1e-4)


def test_the_scalar_is_taken_as_often_as_asked():
    always = Augmentation(gamma=0, window=0, scalar=1, dim=0)
    mri, partner = batch_at(stage(always, batch=8), [numbered()], 0)
    np.testing.assert_allclose((partner - mri).numpy() * 255, 2, atol=1e-4)


def test_augmentation_leaves_zero_at_zero_and_stays_within_range():
    pair = numbered()
    pair.mri[::3], pair.luma[::4] = 0, 0
    strong = Augmentation(gamma=0.5, window=0.5, scalar=0, dim=0)
    zeros = []
    for step in range(20):
        mri, partner = batch_at(stage(strong, batch=2, crop=36), [pair], step)
        assert 0 <= float(mri.min()) <= float(mri.max()) <= 1
        zeros += [float((mri == 0).float().mean()), float((partner == 0).float().mean())]
    assert np.mean(zeros[::2]) == pytest.approx(1 / 3, abs=0.04)
    assert np.mean(zeros[1::2]) == pytest.approx(1 / 4, abs=0.04)


def test_one_source_in_so_many_pairs_is_darkened_to_at_most_half():
    factors = []
    for step in range(60):
        dimmed = Augmentation(gamma=0, window=0, scalar=0, dim=0.5)
        mri, partner = batch_at(stage(dimmed), [numbered()], step)
        whole = batch_at(stage(PLAIN), [numbered()], step)
        factors.append([float((dark / full).mean()) for dark, full in zip((mri, partner), whole, strict=True)])
    dark = np.array(factors) < 0.999
    assert (dark.sum(axis=1) <= 1).all()
    assert 20 <= dark.sum() <= 40
    assert 8 <= dark[:, 0].sum() <= dark.sum() - 8
    assert np.array(factors)[dark].max() <= 0.5
    assert np.array(factors)[dark].min() < 0.1
    np.testing.assert_allclose(np.array(factors)[~dark], 1, atol=1e-6)


def test_a_task_that_is_asked_for_twice_is_drawn_twice_as_often():
    pairs = [replace(numbered(), task="ct-mri"), numbered()]
    pairs[1].mri[:], pairs[1].luma[:] = 255, 255
    share = [
        float((batch_at(stage(PLAIN, batch=300, seed=2, tasks=tasks), pairs, 0)[0].amin((1, 2, 3)) == 1).float().mean())
        for tasks in (("ct-mri", "pet-mri"), ("ct-mri", "ct-mri", "pet-mri", "spect-mri"))
    ]
    assert share == [pytest.approx(1 / 2, abs=0.08), pytest.approx(1 / 3, abs=0.08)]


def test_pictures_smaller_than_the_crop_are_filled_with_air():
    mri, _ = batch_at(stage(PLAIN), [numbered(10)], 0)
    assert int((mri > 0).sum()) == 100


def test_batches_made_ahead_are_those_of_their_steps():
    made = list(batches(stage(), [numbered()], 6))
    assert len(made) == 3
    for step, batch in zip((6, 7, 8), made, strict=True):
        for image, expected in zip(batch, batch_at(stage(), [numbered()], step), strict=True):
            assert image.equal(expected)
