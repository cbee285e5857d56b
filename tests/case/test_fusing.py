"""Slices fused one after the other: kept for the same question, and the device they ended on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case import alignment, fusing
from app.fusion import infer, registry
from app.registration import register as registration
from tests.homesick import Homesick
from tests.scenes import head


@pytest.fixture(scope="module")
def volumes():
    return head(size=48, slices=12)


def test_slices_of_another_question_are_not_kept(volumes):
    mri, partner = volumes
    aligned = alignment.align(mri, partner, registration.identity(mri, partner))
    request = fusing.default_request(aligned, "average")
    some = fusing.fuse_pair(aligned, request, slices=[2, 3])
    whole = fusing.fuse_pair(aligned, replace(request, network="maximum"), earlier=some)
    in_two_goes = fusing.fuse_pair(aligned, request, earlier=some)
    expected = fusing.fuse_pair(aligned, replace(request, network="maximum"))
    np.testing.assert_array_equal(whole.fused, expected.fused)
    assert whole.complete
    assert in_two_goes.complete
    assert in_two_goes.elapsed_s == 0 < whole.elapsed_s


def test_a_stack_tells_the_device_that_the_work_ended_on(volumes, monkeypatch):
    monkeypatch.setattr(infer, "pick_device", lambda asked: "cuda")
    monkeypatch.setattr(registry, "load", lambda name, device: Homesick(monkeypatch))
    mri, partner = volumes
    aligned = alignment.align(mri, partner, registration.identity(mri, partner))
    stack = fusing.fuse_pair(aligned, fusing.default_request(aligned, "average"))
    assert stack.complete
    assert stack.device == "cpu"
    assert "going on with the CPU" in " ".join(stack.notes)


def test_an_mri_that_is_stored_as_its_negative_is_fused_as_it_is_shown(volumes):
    """MONOCHROME1 (PS3.3 C.7.6.3.1.2): a bright brain stays bright in the fusion, and in what the metrics measure."""
    mri, partner = volumes
    top = float(mri.values().max())
    stored = top - mri.values()
    negative = replace(mri, stored=stored, slope=np.ones(1), intercept=np.zeros(1), inverted=True)
    stacks = []
    for base in (mri, negative):
        aligned = alignment.align(base, partner, registration.identity(base, partner))
        stacks.append(fusing.fuse_pair(aligned, fusing.default_request(aligned, "average")))
    plain, turned = stacks
    np.testing.assert_allclose(turned.fused, plain.fused, atol=0.02)
    assert plain.fused.max() > 0.3
    np.testing.assert_allclose(turned.eight_bit(6)[1], plain.eight_bit(6)[1], atol=5)
    assert turned.key != plain.key
