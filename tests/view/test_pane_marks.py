"""What lies on a picture in each of its states."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app import NOT_FOR_DIAGNOSIS
from app.case.document import Case
from app.view.compose import compose
from app.view.marks import Fill, Frame, Polyline, Ramp, Text
from app.view.memo import Memo
from app.view.pane_marks import marks_of
from app.view.state import ViewState, at_slice
from app.view.viewport import viewport
from tests.scenes import BERT, head, pair, shown

MRI, PET = head(32, 24)
SCENE = shown(pair(MRI, PET), mri_window=(300.0, 600.0), partner_window=(5.0, 10.0))
STATE = ViewState(**at_slice(ViewState(), MRI.geometry, 12))


def marks(state, case, role="fused", height=400.0, zoomed=False):
    picture = compose(state, case, role)
    view = None if picture.plane is None else viewport(state, picture.plane, picture.index, 400.0, height)
    frame = Frame.of_pane(400.0, height)
    return marks_of(
        state, case, role, picture, view, frame, lambda words, size, bold: 6.0 * len(words), Memo(), zoomed=zoomed
    )


def words(*args, **kwargs):
    return [mark.words for mark in marks(*args, **kwargs) if isinstance(mark, Text)]


def inks(*args, **kwargs):
    return {mark.ink for mark in marks(*args, **kwargs) if not isinstance(mark, Ramp)}


def test_a_picture_has_sides_scales_labels_and_the_banner():
    lines = words(STATE, SCENE)
    assert {"R", "L", "A", "P", "SUVbw", "Overlay: PET 50% on MRI", NOT_FOR_DIAGNOSIS} <= set(lines)
    assert "crosshair" in inks(STATE, SCENE)
    assert any(isinstance(mark, Ramp) for mark in marks(STATE, SCENE))
    assert "crosshair" not in inks(replace(STATE, show_crosshair=False), SCENE)


def test_without_annotations_the_sides_the_warnings_and_the_banner_stay():
    bare = replace(STATE, annotations="none", show_crosshair=False)
    stays = ["R", "L", "A", "P", "ALIGNMENT NOT VERIFIED", NOT_FOR_DIAGNOSIS]
    assert words(bare, pair(MRI, PET, verdict="unverified")) == stays
    assert not any(isinstance(mark, Polyline | Ramp) for mark in marks(bare, SCENE))


def test_a_blank_pane_says_why_and_has_no_scale():
    assert words(STATE, Case()) == ["nothing shown yet", NOT_FOR_DIAGNOSIS]
    other = replace(PET, series=replace(PET.series, patient=BERT))
    stopped = marks(STATE, Case().having(mri=MRI, partner=other))
    assert next(mark.words for mark in stopped if mark.ink == "stop") == "TWO DIFFERENT PATIENTS"
    assert not any(isinstance(mark, Polyline) for mark in stopped)


def test_a_low_picture_has_no_colour_bar():
    assert not any(isinstance(mark, Ramp) for mark in marks(STATE, SCENE, height=190.0))


@pytest.mark.parametrize("zoomed", [False, True])
def test_the_zoom_rectangle_is_drawn_on_all_panes_but_the_zoomed_one(zoomed):
    state = replace(STATE, layout="zoom")
    assert ("rectangle" in inks(state, SCENE, zoomed=zoomed)) == (not zoomed)


def test_a_picture_on_a_grid_of_its_own_has_no_places_of_the_shared_one():
    apart = Case().having(mri=MRI, partner=PET)
    assert not any(isinstance(mark, Fill) and mark.ink == "crosshair" for mark in marks(STATE, apart, "partner"))
    assert "not aligned yet" in words(STATE, apart, "partner")
