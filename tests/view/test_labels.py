"""The words on the panes, as a reader meets them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.case.document import Case
from app.core.values import Clipped
from app.registration.verdict import Verdict
from app.view.compose import compose
from app.view.labels import About, blank_message, labels, verdict_line
from app.view.picture import Blank, Picture
from app.view.state import ViewState
from tests.scenes import fused, head, pair, shown, volume


@pytest.fixture(scope="module")
def case():
    mri, pet = head(32, 24)
    return shown(pair(mri, pet), mri_window=(300.0, 600.0), partner_window=(5.0, 10.0))


STATE = ViewState(crosshair_mm=(0.5, 0.5, 2.5))


def words(state, case, role, axis=None):
    corners = labels(state, case, role, compose(state, case, role, axis=axis))
    return [line.text for corner in (corners.top_left, corners.top_right, corners.bottom_left) for line in corner]


def test_the_mri_pane_names_patient_series_window_and_place(case):
    assert words(STATE, case, "mri") == [
        "MRI  MR head",
        "Muster Anna  P1",
        "C 300  W 600 a.u.",
        "S 2.5 mm",
        "axial 15 / 24",
    ]


def test_the_partner_pane_says_that_it_is_resampled_and_how_aligned(case):
    lines = words(STATE, case, "partner")
    assert "resampled" in lines
    assert "HEADER ONLY, NOT CHECKED" in lines
    assert "C 5  W 10 SUVbw" in lines


def test_the_overlay_says_its_share_and_both_windows(case):
    lines = words(STATE, case, "fused")
    assert "Overlay: PET 50% on MRI" in lines
    assert "partner resampled" in lines
    assert {"MRI  C 300  W 600 a.u.  (Ctrl+drag)", "PET  C 5  W 10 SUVbw  (drag)"} <= set(lines)
    lines = words(replace(STATE, tool="pan"), case, "fused")  # another drag
    assert {"MRI  C 300  W 600 a.u.", "PET  C 5  W 10 SUVbw"} <= set(lines)


def test_a_fusion_names_network_plane_and_windows_and_warns_of_clipping(case):
    stack = replace(
        fused(case.aligned, np.zeros(case.mri.stored.shape, np.float32), network="lightfusionnet"),
        clipped_percent=(Clipped(61.0, 0.0), Clipped(0.0, 7.2)),
    )
    state, case = replace(STATE, fusion=1.0), case.having(stack=stack)
    shown = labels(state, case, "fused", compose(state, case, "fused"))
    assert [line.text for line in shown.top_left] == ["Fusion: LightFusionNet", "fused plane: axial"]
    assert [(line.text, line.tone) for line in shown.bottom_left[:2]] == [
        ("MRI fused 0 to 600 a.u.  (Ctrl+drag)", "plain"),
        ("PET fused 0 to 10 SUVbw, 7.2 % above  (drag)", "warn"),
    ]
    assert "reformatted from fused axial slices" in words(state, case, "fused", axis=0)
    assert not any("HU" in text for text in words(state, case, "fused"))


def test_a_network_that_never_saw_a_patient_says_so():
    mri = volume(np.ones((17, 33, 33), np.int16))
    case = pair(mri, volume(np.ones((17, 33, 33), np.int16), modality="CT", unit="HU"))
    stack = fused(case.aligned, np.zeros((17, 33, 33), np.float32), network="refinefuse-ir-vis")
    lines = words(replace(STATE, fusion=1.0), case.having(stack=stack), "fused")
    assert "network was never trained on patients" in lines


def test_a_network_trained_on_axial_slices_says_so_on_a_sagittal_stack():
    sagittal = np.array([[0, 0, 1.0, -8], [1, 0, 0, -16], [0, -1, 0, 16], [0, 0, 0, 1]])
    mri = volume(np.ones((17, 33, 33), np.int16), affine=sagittal)
    case = pair(mri, volume(np.ones((17, 33, 33), np.int16), modality="PT", unit="SUVbw", affine=sagittal))
    stack = fused(case.aligned, np.zeros((17, 33, 33), np.float32), network="lightfusionnet")
    state = replace(STATE, fusion=1.0, crosshair_mm=(0, 0, 0))
    lines = words(state, case.having(stack=stack), "fused")
    assert "fused plane: sagittal" in lines
    assert "network was trained on axial slices" in lines
    classical = fused(case.aligned, np.zeros((17, 33, 33), np.float32), network="average")
    assert "network was never trained on patients" not in lines
    assert "network was trained on axial slices" not in words(state, case.having(stack=classical), "fused")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_label(verdict):
    line = verdict_line(verdict)
    assert (line.tone == "plain") == (verdict is Verdict.REGISTERED)


def test_warnings_stay_when_the_annotations_are_switched_off():
    mri, pet = head(32, 24)
    case = pair(mri, pet, verdict="unverified")
    state = replace(STATE, annotations="none")
    assert words(state, case, "mri") == []
    assert words(state, case, "fused") == ["ALIGNMENT NOT VERIFIED"]
    confirmed = words(state, pair(mri, pet, verdict="registered"), "fused")
    assert confirmed == ["registered, confirmed"]  # no pane keeps quiet on how it is aligned
    marked = Case().having(mri=replace(mri, interpolated=np.ones(24, bool)))
    assert words(state, marked, "mri") == ["INTERPOLATED SLICE"]


@pytest.mark.parametrize("blank", list(Blank))
def test_every_blank_pane_says_why(blank):
    assert blank_message(Picture(None, blank=blank))


def test_an_overlay_in_place_of_a_fusion_says_so_whatever_the_annotations():
    case = pair(*head(32, 24))
    done = np.arange(24) < 3
    case = case.having(stack=fused(case.aligned, np.zeros((24, 32, 32), np.float32), done=done))
    state = replace(STATE, fusion=1.0)
    assert "NOT FUSED YET" in words(state, case, "fused")
    across = labels(state, case, "fused", compose(state, case, "fused", axis=0)).top_left
    assert [line.text for line in across] == ["NOT FUSED YET: 3 of 24 slices", "Overlay: PET 50% on MRI"]
    assert "NOT FUSED YET" in words(replace(state, annotations="none"), case, "fused")
    assert "NOT FUSED YET" not in words(replace(state, fusion=0.0), case, "fused")


def test_every_line_says_what_it_is_about(case):
    shown = labels(STATE, case, "partner", compose(STATE, case, "partner"))
    assert [line.about for line in shown.top_left] == [About.SERIES, About.PATIENT]
    assert [line.about for line in shown.top_right] == [About.ALIGNMENT, About.PIXELS]
    assert [line.about for line in shown.bottom_left] == [About.WINDOW, About.PLACE, About.PLACE]


def test_a_series_with_warnings_points_to_them(case):
    mri = replace(case.mri, series=replace(case.mri.series, warnings=("Two slices are missing.",)))
    shown = labels(STATE, Case().having(mri=mri), "mri", compose(STATE, Case().having(mri=mri), "mri"))
    assert [(line.text, line.tone) for line in shown.top_left[2:]] == [("1 warning: see the series list", "warn")]


def test_the_patient_can_be_hidden_alone(case):
    lines = words(replace(STATE, annotations="no patient data"), case, "mri")
    assert not any("Muster" in text or "P1" in text for text in lines)
    assert "MRI  MR head" in lines


def test_pictures_show_no_millimetres():
    picture = volume(np.zeros((1, 5, 6), np.uint8), in_mm=False, modality="")
    lines = words(ViewState(), shown(Case().having(mri=picture), mri_window=(128, 256)), "mri")
    assert "picture, no millimetres" in lines
    assert not any(" mm" in text for text in lines)


@pytest.mark.parametrize(("network", "said"), [("lightfusionnet", False), ("sspfusion", True), ("maximum", True)])
def test_a_fusion_that_loses_lesions_says_so(case, network, said):
    stack = fused(case.aligned, np.zeros(case.aligned.values.shape, np.float32), network=network)
    lines = words(replace(STATE, fusion=1.0), case.having(network=network).having(stack=stack), "fused")
    assert any("of test lesions" in line for line in lines) == said
