"""An infrared-visible pair in the window: its roles, its colours, and no word of an MRI."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.core.values import luma_chroma
from app.ui.flow.opening import Opening, title_of
from app.ui.flow.workspace import Workspace
from app.view import labels, series_text
from app.view.colours import rgb
from app.view.compose import compose
from app.view.state import ViewState
from tests.scenes import fused, pair, volume
from tests.waiting import wait_until


@pytest.fixture
def opening(qapp):
    workspace = Workspace()
    one = Opening(workspace, palette_of=lambda modality: "PET")
    one.told = []
    one.noticed.connect(one.told.append)
    yield one
    workspace.tasks.stop()


def test_two_files_take_their_roles_by_name_and_are_not_called_mri(opening, tmp_path):
    draw = np.random.default_rng(0)
    paths = []
    for folder, shape in (("ir", (20, 30)), ("vis", (20, 30, 3))):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "0001.png")
        Image.fromarray(draw.integers(0, 256, shape, dtype=np.uint8)).save(paths[-1])
    opening.open(paths)
    wait_until(lambda: not opening.workspace.tasks.busy, "opening")
    case = opening.workspace.case
    assert (case.mri.series.paths[0], case.partner.series.paths[0]) == (paths[1], paths[0])
    assert opening.workspace.case.palette == "Grey"
    said = [one.text for one in opening.told]
    assert [text.split(":")[0] for text in said] == ["Base", "Partner"]
    assert not any("MRI" in text for text in said)
    assert series_text.title(case.mri.series) == "visible  0001"
    assert labels.name_of(case.partner) == "infrared"


def test_a_visible_picture_alone_takes_the_first_place(opening, tmp_path):
    path = tmp_path / "visible.png"
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(path)
    opening.open([path])
    wait_until(lambda: not opening.workspace.tasks.busy, "opening")
    assert opening.workspace.case.mri is not None


def test_only_an_mri_is_called_one():
    mri, visible = (volume(np.zeros((1, 4, 5), np.uint8), modality=code).series for code in ("MR", "XC"))
    assert [title_of("mri", one) for one in (None, mri, visible)] == ["MRI", "MRI", "Base"]
    assert [title_of("partner", one) for one in (None, visible)] == ["Partner", "Partner"]


@pytest.mark.parametrize("false_colours", [False, True])
def test_the_fusion_keeps_the_visible_pictures_chroma(false_colours):
    colour, other = np.random.default_rng(0).integers(90, 160, (2, 1, 6, 8, 3), dtype=np.uint8)
    visible = volume(np.zeros((1, 6, 8), np.uint8), modality="XC", in_mm=False, rgb=colour)
    more = {"rgb": other} if false_colours else {}
    case = pair(visible, volume(other[..., 0].copy(), modality="TG", in_mm=False, **more))
    case = case.having(stack=fused(case.aligned, np.full((1, 6, 8), 0.5, np.float32)))
    shown = rgb(compose(replace(ViewState(), fusion=1.0), case, "fused").pixels)
    luma, chroma = luma_chroma(shown)
    assert np.abs(luma - 0.5).max() < 0.01
    np.testing.assert_allclose(chroma, luma_chroma(colour[0])[1], atol=0.01)
