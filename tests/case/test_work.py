"""What was made is kept newest first, within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from app.case import work as module
from app.core.transforms import rigid
from app.core.values import FusionWindow
from tests.scenes import aligned, fused, head, pair, registered


@pytest.fixture
def settled():
    mri, pet = head(24, 12)
    windows = {
        "mri_fusion_window": FusionWindow(0, 600, "a.u."),
        "partner_fusion_window": FusionWindow(0, 10, "SUVbw"),
    }
    case = pair(mri, pet).having(**windows)
    return case.having(stack=fused(case.aligned, np.zeros(mri.stored.shape, np.float32)))


def _moved(case, mm):
    case = case.having(registration=registered(rigid((0, 0, 0), (mm, 0, 0))))
    return case.having(aligned=aligned(case.mri, case.partner, case.registration))


def test_a_fusion_answers_only_its_own_question(settled):
    work, windows = settled.work, (settled.mri_fusion_window, settled.partner_fusion_window)
    assert work.fusion(settled.aligned, "average", windows, "auto") is settled.stack
    assert work.fusion(settled.aligned, "average", windows, "cpu") is None
    assert work.fusion(settled.aligned, "average", windows[::-1], "auto") is None
    assert work.alignment(settled.mri, settled.partner, registered(rigid((0, 0, 0), (1e-9, 0, 0)))) is None
    assert work.alignment(settled.partner, settled.mri, settled.registration) is None


def test_the_oldest_are_let_go_and_what_is_shown_never(settled, monkeypatch):
    room = settled.aligned.values.nbytes + settled.aligned.inside.nbytes
    monkeypatch.setattr(module, "kept_bytes", lambda: 2 * room + 100)
    case = settled
    for mm in range(1, 5):
        case = _moved(case, mm)
    shifts = [made.registration.fixed_to_moving[0, 3] for made in case.work.alignments]
    assert shifts == pytest.approx([2, 3, 4])  # the one shown, and two within the bound
    assert case.work.fusions == ()  # that of an alignment let go would never be found
    monkeypatch.setattr(module, "kept_bytes", lambda: 0)
    assert _moved(case, 7).work.alignments[-1].registration.fixed_to_moving[0, 3] == 7


def test_layers_not_shown_are_let_go_last_and_with_what_was_made_of_them(settled, monkeypatch):
    _, other = head(24, 12, seed=1)
    monkeypatch.setattr(module, "kept_bytes", lambda: 0)
    away = settled.having(partner=other)
    assert [layer.uid for layer in away.layers] == [settled.base_uid, away.partner_uid]
    assert away.work.alignments == ()
    assert away.having(partner=settled.partner).registration is settled.registration  # a link needs no room
    shown = settled.with_layer(settled.partner_uid, visible=True).having(partner=other)
    assert shown.layer(settled.partner_uid) is not None


def test_the_bound_is_decided_once():
    assert module.kept_bytes() == module.kept_bytes() > 1 << 20
