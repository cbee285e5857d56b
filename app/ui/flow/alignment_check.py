"""Checking an alignment: what the reader has looked at, before and after registering, and the question before a yes.

A confirmation says that somebody has looked. So it is refused while nothing was shown that could tell (the overlay of
the pair for a moment, or the comparison of before and after), and asks once, naming what was looked at. What was looked
at counts for exactly the alignment that was in view: a nudge, an undo or another pair begins anew.
"""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from app.case.document import Case
from app.core.geometry import transform_points
from app.core.transforms import inverse, rotation_angle_deg
from app.registration.register import RegistrationResult
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import Notice
from app.view.layouts import LAYOUTS

LOOK_MS = 1000  # an overlay in view for less was passed by, not looked at
_AGAIN_S = 15.0  # the second press of C is an answer for that long
OVERLAY, COMPARISON = "the overlay", "before and after registering"


class AlignmentCheck(QObject):
    """noticed : a Notice to show; topic_cleared : the topic of notices that is settled"""

    noticed = Signal(object)
    topic_cleared = Signal(str)

    def __init__(self, workspace: Workspace, flow: PairFlow) -> None:
        super().__init__(workspace)
        self._workspace, self._flow = workspace, flow
        self._registration: RegistrationResult | None = None
        self._looked_at: tuple[str, ...] = ()
        self._asked_at = -np.inf
        self._ends: tuple[RegistrationResult, RegistrationResult] | None = None  # before and after
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(lambda: self._note(OVERLAY))
        flow.registered.connect(self._registered)
        workspace.case_changed.connect(self._follow)
        workspace.changed.connect(self._watch)

    # Confirming ------------------------------------------------------------------------------------------------

    @property
    def looked_at(self) -> tuple[str, ...]:
        """What of this alignment was in view long enough to be judged."""
        return self._looked_at

    def ask(self) -> None:
        """The reader wants to confirm: refused before a look, asked once after it, done the second time."""
        case = self._workspace.case
        if case.registration is None or case.stopped or self._flow.registering:
            return
        if not self._looked_at:
            self._say(
                "Not confirmed: the pair was not looked at in this alignment yet.",
                "Look at the overlay (Q and E, or the left slider) or compare before and after (B), then press C.",
            )
        elif time.monotonic() - self._asked_at < _AGAIN_S:
            self._asked_at = -np.inf
            self.topic_cleared.emit("confirm")
            self._flow.confirm()
        else:
            self._asked_at = time.monotonic()
            self._say(
                f"Is this alignment right? Looked at: {' and '.join(self._looked_at)}.",
                "Press C again to confirm it with your name and the time.",
            )

    def _note(self, what: str) -> None:
        if self._registration is not None and what not in self._looked_at:
            self._looked_at = (*self._looked_at, what)

    def _follow(self, case: Case) -> None:
        """Another alignment in view begins anew; one that is only confirmed does not."""
        before, now = self._registration, case.registration
        self._registration = now
        if now is None or before is None or not np.array_equal(before.fixed_to_moving, now.fixed_to_moving):
            toggled = self._ends is not None and any(now is end for end in self._ends)
            self._looked_at = (COMPARISON,) if toggled and COMPARISON in self._looked_at else ()
            self._asked_at = -np.inf
            self._look.stop()
        if self._ends is not None and not any(now is end for end in self._ends):
            self._ends = None
        self._watch()

    def _watch(self, _: object = None) -> None:
        """Start the clock while a picture of both is in view."""
        if not self._overlay_in_view():
            self._look.stop()
        elif OVERLAY not in self._looked_at and not self._look.isActive():
            self._look.start()

    def _overlay_in_view(self) -> bool:
        state, case = self._workspace.state, self._workspace.case
        if case.registration is None or case.mri is None or case.partner is None or case.stopped:
            return False
        fused = any(pane.role == "fused" for pane in LAYOUTS[state.layout].panes)
        return fused and not state.hold_mri and state.fusion < 1 and 0 < state.overlay < 1

    # Before and after ------------------------------------------------------------------------------------------

    @property
    def can_compare(self) -> bool:
        return self._ends is not None

    def compare(self) -> None:
        """Show the other of before and after, over the overlay: a fusion tells less, and has to be made first.

        What is shown then stands, and may be confirmed.
        """
        if self._ends is None or self._workspace.case.mri is None:
            return
        before, after = self._ends
        showing_before = self._workspace.case.registration is before
        self._note(COMPARISON)
        self._workspace.update(fusion=0.0)
        self._workspace.set_case(registration=after if showing_before else before)
        centre = self._workspace.case.mri.geometry.centre_mm
        if showing_before:
            self._say(f"After registering: {moved(before, after, centre)}.", "B: before. C confirms what is shown.")
        else:
            self._say("Before registering.", "B: after. C confirms what is shown, and keeps it.")

    def _registered(self, before: RegistrationResult, after: RegistrationResult) -> None:
        same = np.array_equal(before.fixed_to_moving, after.fixed_to_moving)
        self._ends = None if same else (before, after)

    def _say(self, text: str, hint: str) -> None:
        self.noticed.emit(Notice(text, hint, topic="confirm"))


def moved(before: RegistrationResult, after: RegistrationResult, centre_mm: np.ndarray) -> str:
    """ "moved 4.2 mm, turned 1.3°": how far two alignments of a pair lie apart in the middle of the MRI."""
    first, second = before.fixed_to_moving, after.fixed_to_moving
    shift = float(np.linalg.norm(transform_points(first, centre_mm) - transform_points(second, centre_mm)))
    return f"moved {shift:.1f} mm, turned {rotation_angle_deg(inverse(first) @ second):.1f}°"
