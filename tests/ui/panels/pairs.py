"""A pair whose fusion is given, for tests of panels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.core.values import FusionWindow
from app.registration import register as registration
from app.ui.flow.opening import Opening
from tests.scenes import aligned, fused


def give_pair(workspace, volumes, **changes):
    """A pair whose fusion is given, so that nothing has to be computed."""
    mri, partner = volumes
    there = replace(registration.identity(mri, partner), **changes)
    onto = aligned(mri, partner, there)
    luma = np.where(onto.inside, np.linspace(0, 1, 48, dtype=np.float32), 0).astype(np.float32)
    windows = {"mri_fusion_window": FusionWindow(0, 600, "a.u."), "partner_fusion_window": FusionWindow(0, 10, "SUVbw")}
    workspace.set_case(mri=mri, partner=partner)
    workspace.set_case(registration=there, aligned=onto, stack=fused(onto, luma), **windows)


class Chooser:
    """Stands in for Opening: notes what it is asked."""

    def __init__(self, workspace):
        self.opening = Opening(workspace, palette_of=lambda _: "PET")
        self.asked = []
        self.opening.choose = lambda role, one: self.asked.append((role, one.uid if one else None))
