"""Pictures and the reasons for their absence."""

from __future__ import annotations

import numpy as np
import pytest

from app.view.compose import compose
from app.view.picture import Blank, PartnerSlice
from app.view.state import ViewState
from tests.scenes import head, pair

MRI, PET = head(24, 24)
WHOLE, UNALIGNED = pair(MRI, PET), pair(MRI, PET, with_aligned=False)
ALONE, NO_LINK = WHOLE.having(partner=None), WHOLE.having(registration=None)
NOTHING = WHOLE.having(mri=None, partner=None)


@pytest.mark.parametrize("fusion", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("role", ["mri", "partner", "fused"])
@pytest.mark.parametrize("case", [WHOLE, UNALIGNED, ALONE, NO_LINK, NOTHING])
def test_a_pane_has_pixels_and_a_kind_or_a_reason_never_both(case, role, fusion):
    picture = compose(ViewState(fusion=fusion), case, role)
    assert (picture.pixels is None) == (picture.blank is not None) == (picture.kind == "")
    assert (picture.plane is None) == (picture.blank is Blank.NOTHING)
    if picture.pixels is not None:
        assert picture.pixels.shape == picture.plane.shape
        assert (picture.pixels >> 24 == 255).all()


def test_a_resampler_that_cannot_answer_yet_leaves_the_pane_blank_until_it_can():
    answers = [None, PartnerSlice(np.ones((24, 24), np.float32), np.ones((24, 24), bool))]
    shown = [compose(ViewState(), UNALIGNED, "partner", resample=lambda *_, a=answer: a).blank for answer in answers]
    assert shown == [Blank.RESAMPLING, None]
