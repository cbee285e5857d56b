"""Every layout shows something, on the right side, with its words: looked at through screenshots."""

from __future__ import annotations

import gc
import time
import weakref

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app.core.geometry import Geometry
from app.registration.resample import Resampler
from app.ui.flow.workspace import Workspace
from app.ui.panes.layouts import ViewArea
from app.view.layouts import LAYOUTS, PANES, Layout, PaneSpec, Place
from app.view.state import ZoomRect, at_slice
from tests.scenes import fused, head, pair, registered, volume, with_layer


@pytest.fixture
def area(qapp):
    area = ViewArea(Workspace())
    area.resize(1000, 500)
    area.show()
    yield area
    area.close()
    assert area._workspace.tasks.stop()
    QApplication.processEvents()
    area.deleteLater()


@pytest.fixture(scope="module")
def study():
    mri, pet = head(64, 48)
    return with_layer(pair(mri, pet), head(64, 48, seed=1)[0], linked_by=np.eye(4), opacity=0.0, window=(900.0, 300.0))


def settle(area):
    end = time.monotonic() + 20
    while area._workspace.tasks.busy:
        QApplication.processEvents()
        assert time.monotonic() < end
    for _ in range(3):
        QApplication.processEvents()


def shot(widget):
    """RGB of a widget as it stands on the screen, [row, column, 3]."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return pixels[:, : image.width(), 2::-1].copy()


def test_a_pane_and_a_layout_added_to_their_lists_are_shown(request, study, monkeypatch):
    monkeypatch.setitem(PANES, "side", PaneSpec("side", "From the side", "mri", "sagittal"))
    monkeypatch.setitem(LAYOUTS, "two", Layout("two", "Two", (Place("side", 0, 0), Place("fused", 1, 0)), (1,)))
    area = request.getfixturevalue("area")  # made after the lists have their entries
    area._workspace.set_case(study)
    area._workspace.update(layout="two")
    settle(area)
    assert [name for name, pane in area.panes.items() if pane.isVisible()] == ["fused", "side"]
    assert area.panes["side"].picture().plane.name == "sagittal"
    assert area.panes["side"].y() < area.panes["fused"].y()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_shows_its_panes(area, study, layout):
    area._workspace.set_case(study)
    area._workspace.update(layout=layout, show_crosshair=False)
    settle(area)
    shown = [name for name, pane in area.panes.items() if pane.isVisible()]
    assert sorted(shown) == sorted(place.pane for place in LAYOUTS[layout].places)
    for pane in area.visible_panes():
        assert pane.width() > 150
        assert pane.picture().pixels is not None
        middle = shot(pane)[pane.height() // 4 : -pane.height() // 4, pane.width() // 4 : -pane.width() // 4]
        assert middle.std() > 5
        banner = shot(pane)[-18:, pane.width() // 4 : -pane.width() // 4].astype(int)
        assert ((banner[..., 0] > 200) & (banner[..., 2] < 120)).sum() > 60  # NOT FOR DIAGNOSTIC USE, in amber


def test_every_place_is_a_pane_and_no_two_share_a_cell():
    for layout in LAYOUTS.values():
        cells = [(row, place.column) for place in layout.places for row in range(place.row, place.row + place.rows)]
        assert len(cells) == len(set(cells))
        assert {place.pane for place in layout.places} <= set(PANES)
        assert len(layout.stretch) == 1 + max(place.column for place in layout.places)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_marker_at_the_patients_right_is_on_screen_left(area, study, layout):
    area._workspace.set_case(study)
    area._workspace.update(layout=layout, show_crosshair=False, overlay=0.0)
    area._workspace.change_layer("mri", window=(900.0, 300.0))
    grid = study.mri.geometry
    area._workspace.update(**at_slice(area._workspace.state, grid, 24, 2))
    area._workspace.update(zoom_rect=ZoomRect((0.0, 0.0, 0.0), 50.0, 50.0))
    if layout == "planes":  # the coronal slice through the marker
        area._workspace.update(crosshair_mm=(0.0, -16.0, 0.0))
    settle(area)
    for pane in area.visible_panes():
        if pane.spec.role == "partner" or pane.picture().plane.name == "sagittal":
            continue
        grey = shot(pane)[:, :, 0].astype(float)
        view = pane.view()
        x, y, _ = view.to_pane((-11.0, -16.0, 0.0))  # the marker's centre, -0.35 and -0.5 of the half size
        assert x < view.width / 2
        box = grey[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4]
        mirrored = grey[round(y) - 3 : round(y) + 4, round(view.width - x) - 3 : round(view.width - x) + 4]
        assert box.mean() > mirrored.mean() + 60, pane.spec.name


def test_a_marker_is_on_the_same_side_however_the_volume_is_stored(area):
    patient = np.zeros((24, 24, 24), np.int16)  # [x, y, z] towards left, posterior, superior
    patient[3:7, 3:7, 3:7] = 1000  # right, anterior, inferior
    area._workspace.update(layout="planes", show_crosshair=False, annotations="none")
    for order, signs in (((0, 1, 2), (1, 1, 1)), ((2, 0, 1), (-1, 1, -1)), ((1, 2, 0), (1, -1, -1))):
        voxels = patient.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
        affine = np.zeros((4, 4))
        affine[3, 3] = 1
        for index, (axis, sign) in enumerate(zip(order, signs, strict=True)):
            affine[axis, index] = sign
            affine[axis, 3] = 0 if sign > 0 else 23
        mri = volume(voxels.transpose(2, 1, 0), affine=affine)
        assert isinstance(mri.geometry, Geometry)
        area._workspace.set_case(mri=mri, partner=None)
        area._workspace.update(crosshair_mm=(5.0, 5.0, 5.0))
        area._workspace.change_layer("mri", window=(500.0, 1000.0))
        settle(area)
        for name, right, down in (("axial", -1, -1), ("coronal", -1, 1), ("sagittal", -1, 1)):
            pane, seen = area.panes[name], shot(area.panes[name])
            bright = np.argwhere((seen[..., 0] > 200) & (seen[..., 0] == seen[..., 2]))  # letters are bluish
            row, column = bright.mean(0)
            assert np.sign(column - pane.width() / 2) == right
            assert np.sign(row - pane.height() / 2) == down


def test_hatching_is_seen_where_the_partner_ends(area, study):
    area._workspace.set_case(study)
    area._workspace.update(layout="overlay", overlay=1.0, show_crosshair=False, annotations="none")
    area._workspace.update(**at_slice(area._workspace.state, study.mri.geometry, 46))
    settle(area)
    assert area.panes["fused"].picture().hatched
    assert shot(area.panes["fused"])[100:-100, 300:-300].std() > 3


def test_a_fused_pane_shows_the_overlay_until_its_slice_is_done_and_after_any_change(area, study):
    done = np.zeros(48, bool)
    stack = fused(study.aligned, np.full(study.mri.stored.shape, 0.8, np.float32), done=done)
    workspace, pane = area._workspace, area.panes["fused"]
    workspace.set_case(study.having(stack=stack))
    workspace.update(layout="overlay", overlay=0.0, show_crosshair=False, annotations="none")
    settle(area)

    def middle():
        return shot(pane)[100:200, 300:700].astype(int)

    plain = middle()
    workspace.update(fusion=1.0)
    settle(area)
    np.testing.assert_array_equal(middle(), plain)
    at = pane.picture().index
    done[at - 1] = True
    workspace.note_fused(stack, at - 1)
    settle(area)
    np.testing.assert_array_equal(middle(), plain)  # another slice
    done[at] = True
    workspace.note_fused(stack, at)
    settle(area)
    assert np.abs(middle() - plain).max() > 50
    workspace.set_case(network="maximum")
    settle(area)
    np.testing.assert_array_equal(middle(), plain)


def test_an_unaligned_overlay_is_live_without_a_whole_volume(area, monkeypatch):
    monkeypatch.setattr(Resampler, "volume", lambda *_: pytest.fail("a whole volume was resampled"))
    mri, pet = head(64, 48)
    workspace = area._workspace
    workspace.set_case(pair(mri, pet, with_aligned=False))
    workspace.update(layout="overlay", overlay=1.0, show_crosshair=False)
    workspace.change_layer("partner", window=(5.0, 10.0))
    settle(area)
    pane = area.panes["fused"]
    first = pane.picture().pixels
    assert first is not None
    for step in range(1, 6):
        matrix = np.eye(4)
        matrix[0, 3] = step
        workspace.set_case(registration=registered(matrix))
        now = pane.picture().pixels  # at once: no event was worked off
        assert now is not None
        assert (now != first).any()
        first = now


def test_high_resolution_screens_get_all_their_pixels(area, study, qapp):
    area._workspace.set_case(study)
    settle(area)
    image = area.grab().toImage()
    assert image.width() == round(area.width() * area.devicePixelRatioF())


def test_a_pane_out_of_sight_keeps_no_study(area):
    """Of a closed study nothing stays in memory, whichever layout it was looked at in."""
    mri, pet = head(32, 24)
    area._workspace.set_case(pair(mri, pet))
    area._workspace.update(layout="planes")
    settle(area)
    area.grab()
    area._workspace.update(layout="side-by-side")
    settle(area)
    gone = weakref.ref(mri)
    area._workspace.set_case(area._workspace.case.emptied())
    settle(area)
    del mri
    gc.collect()
    assert gone() is None
