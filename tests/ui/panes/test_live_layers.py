"""Layers resampled where panes ask for them."""

from __future__ import annotations

import numpy as np
import pytest

from app.base.progress import Cancelled
from app.core.planes import plane_of
from app.core.transforms import rigid
from app.registration import resample
from app.registration.resample import Resampler
from app.ui.flow.workspace import Workspace
from app.ui.panes.live_layers import LiveLayers
from tests.scenes import head, pair, with_layer
from tests.waiting import wait_until

SHIFT = rigid((0, 0, 0), (4, 0, 0))


@pytest.fixture
def workspace(qapp):
    workspace = Workspace()
    yield workspace
    workspace.tasks.stop()


@pytest.fixture(scope="module")
def case():
    mri, pet = head(32, 24)
    return with_layer(pair(mri, pet), head(32, 24, seed=1)[0], linked_by=SHIFT)


def _settle(workspace):
    wait_until(lambda: not workspace.tasks.busy, "the layer")


def test_a_plane_is_that_of_the_whole_volume_along_the_link(workspace, case):
    layers = LiveLayers(workspace)
    told = []
    layers.ready.connect(lambda: told.append(True))
    workspace.set_case(case)
    layer, plane = case.overlays[0], plane_of(case.grid, 2)
    assert layers(layer, plane, 12) is None  # nothing is painted before it is ready
    _settle(workspace)
    assert told == [True]
    whole = Resampler(layer.volume, case.grid).volume(SHIFT)
    made = layers(layer, plane, 12)
    np.testing.assert_array_equal(made.values, plane.take(whole.values, 12))
    np.testing.assert_array_equal(made.inside, plane.take(whole.inside, 12))
    assert layers(layer, plane, 12) is made


def test_another_link_gives_another_plane_at_once(workspace, case):
    layers = LiveLayers(workspace)
    workspace.set_case(case)
    _settle(workspace)
    layer, plane = case.overlays[0], plane_of(case.grid, 2)
    before = layers(layer, plane, 12)
    moved = with_layer(case.having(layers=case.layers[:2]), layer.volume, linked_by=np.eye(4))
    workspace.set_case(moved)
    assert not workspace.tasks.busy  # the resampler stays
    assert not np.array_equal(layers(moved.overlays[0], plane, 12).values, before.values)


def test_a_layer_hidden_is_forgotten_and_an_unlinked_one_never_begun(workspace, case):
    layers = LiveLayers(workspace)
    workspace.set_case(case)
    _settle(workspace)
    layer, plane = case.overlays[0], plane_of(case.grid, 2)
    workspace.change_layer(layer.uid, visible=False)
    assert layers(layer, plane, 12) is None
    apart = with_layer(pair(case.mri, case.partner), layer.volume)
    workspace.set_case(apart)
    assert not workspace.tasks.busy
    assert layers(apart.overlays[0], plane, 12) is None


def test_a_cancelled_layer_is_not_begun_again_until_it_is_shown_anew(workspace, case, monkeypatch):
    def endless(volume, grid):
        raise Cancelled

    layers = LiveLayers(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(resample, "Resampler", endless)
        workspace.set_case(case)
        _settle(workspace)
    uid = case.overlays[0].uid
    workspace.change_layer(uid, opacity=0.9)
    assert not workspace.tasks.busy
    for visible in (False, True):
        workspace.change_layer(uid, visible=visible)
    _settle(workspace)
    assert layers(workspace.case.overlays[0], plane_of(case.grid, 2), 12) is not None
