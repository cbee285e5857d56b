"""The partner resampled plane by plane while there is no aligned volume: at once, and only for the pair in sight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.planes import plane_of
from app.core.transforms import rigid
from app.registration.resample import resample
from app.ui.flow.workspace import Workspace
from app.ui.panes.live_overlay import LivePartner
from tests.scenes import head, pair, registered
from tests.waiting import wait_until


@pytest.fixture
def workspace(qapp):
    workspace = Workspace()
    yield workspace
    assert workspace.tasks.stop()


@pytest.fixture(scope="module")
def volumes():
    return head(32, 48)


def ready(workspace, volumes, matrix=None):
    """LivePartner over a pair that is not aligned, once its resampler is there."""
    live = LivePartner(workspace)
    heard = []
    live.ready.connect(lambda: heard.append(True))
    workspace.set_case(pair(*volumes, with_aligned=False).having(registration=registered(matrix)))
    wait_until(lambda: heard)
    return live


def test_a_plane_is_what_the_whole_volume_would_show(workspace, volumes):
    matrix = rigid((0, 0, 8), (2, -1, 0.5))
    live = ready(workspace, volumes, matrix)
    mri, partner = volumes
    whole = resample(partner, mri.geometry, matrix)
    for axis, index in ((2, 9), (1, 20), (0, 11)):
        plane = plane_of(mri.geometry, axis)
        shown = live(plane, index)
        inside = plane.take(whole.inside, index)
        np.testing.assert_array_equal(shown.inside, inside)
        np.testing.assert_allclose(shown.values[inside], plane.take(whole.values, index)[inside], atol=1e-4)


def test_another_transform_shows_at_once_and_the_same_is_not_computed_again(workspace, volumes):
    live = ready(workspace, volumes)
    plane = plane_of(volumes[0].geometry, 2)
    first = live(plane, 9)
    assert live(plane, 9) is first
    workspace.set_case(registration=registered(rigid((0, 0, 0), (4, 0, 0))))
    assert (live(plane, 9).values != first.values).any()


def test_padding_of_the_mri_is_outside_the_common_field(workspace, volumes):
    mri, partner = volumes
    valid = np.ones(mri.stored.shape, bool)
    valid[9, :16] = False
    live = ready(workspace, (replace(mri, valid=valid), partner))
    shown = live(plane_of(mri.geometry, 2), 9)
    assert not shown.inside[:16].any()
    assert shown.inside[16:].any()


def test_without_a_transform_or_for_another_partner_there_is_nothing_to_show(workspace, volumes):
    live = ready(workspace, volumes)
    plane = plane_of(volumes[0].geometry, 2)
    assert live(plane, 9) is not None
    workspace.set_case(registration=None)
    assert live(plane, 9) is None
    workspace.set_case(partner=replace(volumes[1], series=replace(volumes[1].series, uid="1.2.3.4")))
    workspace.set_case(registration=registered())
    assert live(plane, 9) is None  # until the new one is made ready
