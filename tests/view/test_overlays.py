"""Layers over the pair: in colour or as a contour, along their links, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.document import Case
from app.core.palettes import palette
from app.core.planes import plane_of
from app.view.colours import rgb
from app.view.compose import compose
from app.view.labels import blank_message, labels
from app.view.picture import Blank, Note, PartnerSlice
from app.view.state import ViewState, at_slice
from tests.scenes import BERT, pair, shown, volume, with_layer

SHAPE = (3, 8, 10)
MRI = volume(np.full(SHAPE, 100, np.float32))
PET = volume(np.full(SHAPE, 5, np.float32), modality="PT", unit="SUVbw")
BLOCK = np.zeros(SHAPE, np.float32)
BLOCK[:, 2:6, 3:8] = 200
CT = volume(BLOCK, modality="CT", unit="HU")
STATE = ViewState(overlay=0.0, **at_slice(ViewState(), MRI.geometry, 1))


def case_with(**display):
    base = shown(pair(MRI, PET), mri_window=(127.5, 255), partner_window=(5.0, 10.0))
    return with_layer(base, CT, linked_by=np.eye(4), **{"window": (127.5, 255.0), "palette": "Hot Iron"} | display)


def slices(layer, plane, index):
    """As a resampler would give: the layer lies voxel on voxel, and its first column has no data."""
    inside = np.ones(plane.shape, bool)
    inside[:, 0] = False
    return PartnerSlice(plane.take(layer.volume.stored, index), inside)


def pixels(case, role="fused", state=STATE):
    return rgb(compose(state, case, role, layers=slices).pixels).astype(int)


def test_a_layer_in_colour_is_blended_where_it_has_data():
    case = case_with(opacity=0.5)
    plain, laid = pixels(case.with_layer(CT.series.uid, visible=False)), pixels(case)
    table = palette("Hot Iron")[np.floor(CT.stored[1] + 0.5).astype(int)].astype(float)
    expected = np.floor(plain / 2 + table / 2 + 0.5)
    np.testing.assert_array_equal(laid[:, 1:], expected[:, 1:])
    np.testing.assert_array_equal(laid[:, 0], plain[:, 0])


def test_a_contour_runs_along_the_level_and_leaves_the_rest():
    case = case_with(shown_as="contour", contour_at=0.5)
    plain, laid = pixels(case.with_layer(CT.series.uid, visible=False)), pixels(case)
    changed = (plain != laid).any(-1)
    rim = BLOCK[1] > 0
    rim[3:5, 4:7] = False
    np.testing.assert_array_equal(changed, rim)
    assert not (pixels(case.with_layer(CT.series.uid, contour_at=0.9)) != plain).any()  # 200 of 255 is below it


def test_the_mri_alone_stays_alone():
    case = case_with(opacity=1.0)
    plain = pixels(case.with_layer(CT.series.uid, visible=False))
    np.testing.assert_array_equal(pixels(case, "mri"), plain)
    np.testing.assert_array_equal(pixels(case, state=replace(STATE, hold_mri=True)), plain)


def test_the_uppermost_layer_has_a_pane_of_its_own():
    case = case_with(palette_alone="Grey")
    picture = compose(STATE, case, "layer", layers=slices)
    assert (picture.kind, picture.notes, picture.hatched) == ("layer", (Note.RESAMPLED,), True)
    np.testing.assert_array_equal(rgb(picture.pixels)[:, 1:, 0], np.floor(CT.stored[1] + 0.5)[:, 1:])
    said = labels(STATE, case, "layer", picture)
    assert said.top_left[0].text == "CT  CT head"
    assert any(line.text == "CT: HEADER ONLY, NOT CHECKED" for line in said.top_right)
    assert any(line.text.startswith("C 127.5  W 255") for line in said.bottom_left)


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (pair(MRI, PET), Blank.NO_LAYER),
        (with_layer(pair(MRI, PET), CT), Blank.NOT_LINKED),
        (
            with_layer(pair(MRI, PET), replace(CT, series=replace(CT.series, patient=BERT)), linked_by=np.eye(4)),
            Blank.OTHER_PATIENT,
        ),
    ],
)
def test_what_may_not_be_laid_over_is_not_and_its_pane_says_why(case, why):
    picture = compose(STATE, case, "layer", layers=slices)
    assert (picture.pixels, picture.blank) == (None, why)
    assert blank_message(picture)
    np.testing.assert_array_equal(pixels(case), pixels(case.having(layers=case.layers[:2])))


def test_a_layer_that_is_not_ready_is_not_painted():
    case = case_with()
    assert compose(STATE, case, "layer", layers=lambda *_: None).blank is Blank.RESAMPLING_LAYER
    picture = compose(STATE, case, "fused", layers=lambda *_: None)
    assert picture.layers == 0
    assert not any("+ CT" in line.text for line in labels(STATE, case, "fused", picture).top_right)


def test_the_fused_pane_names_its_layers_and_how_unsure_they_are():
    case = case_with(opacity=0.3)
    unsure = case.having(links=tuple(replace(link, registration=_unverified(link)) for link in case.links))
    for looked_at, expected in (
        (case, ["+ CT 30%", "CT: HEADER ONLY, NOT CHECKED"]),
        (unsure, ["+ CT 30%", "CT: ALIGNMENT NOT VERIFIED"]),
    ):
        picture = compose(STATE, looked_at, "fused", layers=slices)
        said = [line.text for line in labels(STATE, looked_at, "fused", picture).top_right]
        assert [text for text in said if "CT" in text] == expected


def _unverified(link):
    from app.registration.verdict import Verdict

    return replace(link.registration, verdict=Verdict.UNVERIFIED)


def test_an_empty_case_has_no_layers():
    assert compose(ViewState(), Case(), "layer").blank is Blank.NOTHING
    assert plane_of(MRI.geometry, 2).shape == (8, 10)
