"""Colour bars: the colours as they are shown, the values at their ends, and both scales where there are two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.view.bars import bar
from app.view.compose import compose
from app.view.mixing import Mix
from app.view.state import ViewState
from tests.scenes import fused, head, pair, shown, volume

STATE = ViewState(crosshair_mm=(0.5, 0.5, 2.5))


@pytest.fixture(scope="module")
def case():
    mri, pet = head(32, 24)
    return shown(pair(mri, pet), mri_window=(300.0, 600.0), partner_window=(5.0, 10.0))


def test_colour_bars_show_the_window_with_its_unit_and_explain_only_the_colour_of_a_fusion(case):
    assert bar(STATE, case, compose(STATE, case, "mri")) is None
    own = bar(STATE, case, compose(STATE, case, "partner"))
    assert (own.mix, own.low, own.high, own.caption) == (Mix("Inverted Grey"), "0", "10", "SUVbw")
    over = bar(STATE, case, compose(STATE, case, "fused"))
    assert (over.mix, over.caption, over.other) == (Mix("Hot Iron", overlay=0.5), "SUVbw", "")
    with_stack = case.having(stack=fused(case.aligned, np.zeros(case.mri.stored.shape, np.float32)))
    state = replace(STATE, fusion=0.5)
    mixed = bar(state, with_stack, compose(state, with_stack, "fused"))
    assert (mixed.mix, mixed.caption) == (Mix("Hot Iron", overlay=0.5, fusion=0.5), "colour: PET SUVbw")
    assert mixed.other == ""


def test_colour_bars_say_where_the_panes_scale_is_not_the_fusions(case):
    with_stack = case.having(stack=fused(case.aligned, np.zeros(case.mri.stored.shape, np.float32)))
    with_stack = with_stack.with_layer(with_stack.partner_uid, window=(3.5, 7.0))
    assert bar(STATE, with_stack, compose(STATE, with_stack, "partner")).other == "fused 0 to 10"
    assert bar(STATE, with_stack, compose(STATE, with_stack, "fused")).other == "fused 0 to 10"
    state = replace(STATE, fusion=1.0)
    fusion = bar(state, with_stack, compose(state, with_stack, "fused"))
    assert (fusion.low, fusion.high, fusion.other) == ("0", "10", "pane 0 to 7")


def test_a_fusion_in_a_pictures_own_colours_has_no_bar():
    colour = np.zeros((1, 4, 5, 3), np.uint8)
    colour[..., 0] = 200
    visible = volume(np.zeros((1, 4, 5), np.uint8), modality="XC", in_mm=False, rgb=colour)
    infrared = volume(np.zeros((1, 4, 5), np.uint8), modality="TG", in_mm=False)
    both = shown(pair(visible, infrared), palette="Hot Iron")
    both = both.having(stack=fused(both.aligned, np.zeros((1, 4, 5), np.float32)))
    state = ViewState(fusion=1.0)
    picture = compose(state, both, "fused")
    assert picture.kind == "fusion"
    assert bar(state, both, picture) is None
