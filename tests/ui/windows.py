"""The whole window with a pair in it, driven by keys."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.core.volume import Study
from tests.scenes import ANNA


def give(window, mri, partner):
    """Put a pair into the window as if its study had been opened."""
    window.opening.chosen = {"mri": mri.series, "partner": partner.series}
    study = Study(ANNA, "1", (mri.series, partner.series))
    window.workspace.set_case(studies=(study,), mri=mri, partner=partner)


def press(window, key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(window.views, key, modifier)


def state_of(window):
    return window.workspace.state


def slice_of(window):
    return state_of(window).slice_of(window.workspace.case.mri.geometry)
