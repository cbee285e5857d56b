"""How a pair is brought together: by the header, by a search, by a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.alignment import align, needs_registration, register_pair
from app.core.transforms import rigid
from app.files import tfm
from app.registration import register as registration
from app.registration.verdict import Stopped, Verdict
from tests.scenes import head

MATRIX = rigid((1, -2, 3), (4, 5, -6))


@pytest.fixture(scope="module")
def volumes():
    return head(24, 12)


def _framed(volume, frame):
    return replace(volume, series=replace(volume.series, frame_of_reference_uid=frame))


def test_a_transform_from_a_file_says_so(volumes, tmp_path):
    tfm.write_tfm(tmp_path / "t.tfm", MATRIX, volumes[0].geometry.centre_mm, overwrite=False)
    result = register_pair(*volumes, how=tmp_path / "t.tfm")
    assert (result.method, result.stopped, result.verdict) == ("file", Stopped.READ_FROM_FILE, Verdict.UNVERIFIED)
    np.testing.assert_allclose(result.fixed_to_moving, MATRIX, atol=1e-9)


@pytest.mark.parametrize(
    ("frames", "how", "searched"),
    [
        (("1.2", "1.2"), "auto", False),
        (("1.2", "1.3"), "auto", True),
        (("1.2", "1.3"), "none", False),
        (("", ""), "auto", False),  # their axes agree and their fields overlap: it may be right already
    ],
)
def test_only_what_the_headers_leave_open_is_searched(volumes, monkeypatch, frames, how, searched):
    calls = []

    def register(fixed, moving, *, progress):
        calls.append((fixed, moving))
        return registration.identity(fixed, moving)

    monkeypatch.setattr(registration, "register", register)
    mri, partner = (_framed(volume, frame) for volume, frame in zip(volumes, frames, strict=True))
    register_pair(mri, partner, how=how)
    assert bool(calls) == searched


def test_plain_pictures_are_never_searched(volumes):
    apart = [_framed(volume, frame) for volume, frame in zip(volumes, ("1.2", "1.3"), strict=True)]
    flat = [replace(volume, geometry=replace(volume.geometry, in_mm=False)) for volume in apart]
    start = registration.identity(*apart)
    assert needs_registration(*apart, start)
    assert not needs_registration(*flat, start)


def test_padding_of_the_mri_is_outside(volumes):
    mri, partner = volumes
    valid = np.ones(mri.stored.shape, bool)
    valid[3] = False
    aligned = align(replace(mri, valid=valid), partner, registration.identity(mri, partner))
    assert not aligned.inside[3].any()
    assert not aligned.values[3].any()
    assert aligned.inside[4].any()
