"""From two volumes to fused slices, each step starting the next: compare headers, register, align, fuse.

The flow looks at the case whenever it changes and starts the first step that is missing (`steps`). When something it
rests on is replaced (another series, a nudge, an undo, another network), what is missing now is started. A step that
failed or was cancelled by the reader is not tried again until something it rests on changes, or the reader asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.base.progress import Progress
from app.case import alignment, fusing
from app.case.alignment import needs_registration
from app.case.document import Case
from app.fusion import registry
from app.fusion.weights import WeightsError
from app.registration.verdict import Verdict
from app.ui.flow.pair_work import compare_headers, reader_name, register_from
from app.ui.flow.slice_times import SliceTimes
from app.ui.flow.steps import Step, Steps
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import Notice, of_error

if TYPE_CHECKING:  # these bring SimpleITK or torch with them
    from app.core.values import FusionWindow
    from app.registration.register import RegistrationResult

CALM_MS = 400  # nudges and windows are followed live in the panes; the work begins when the reader pauses


class PairFlow(QObject):
    """times : how long networks take here; refused : why networks cannot be used, by name, as it was found out;
    stand_in : the network that is used because the one chosen cannot be, "" where the reader chose it

    ask_to_replace : called with what would replace a confirmed alignment, and how to go on; goes on at once by itself
    noticed : a Notice to show; topic_cleared : the topic of notices that is settled; network_refused : its name;
    given_up : a step that was cancelled or failed (refused weights apart)
    registered : the alignment before and after, once a registration has ended and is shown
    """

    noticed = Signal(object)
    topic_cleared = Signal(str)
    network_refused = Signal(str)
    given_up = Signal(str)
    registered = Signal(object, object)
    _slice_done = Signal(object, object, int)  # step, stack, k: from the worker to the GUI thread

    def __init__(self, workspace: Workspace, slice_ms: Mapping[str, float] | None = None) -> None:
        super().__init__(workspace)
        self.workspace = workspace
        self.times = SliceTimes(slice_ms or {}, self)
        self.stand_in = ""
        self.ask_to_replace: Callable[[str, Callable[[], None]], object] = lambda what, go_on: go_on()
        self.refused: dict[str, WeightsError] = {}
        self.saved: set[bytes] = set()  # transforms that were written to files, as the bytes of their 4x4
        self._steps = Steps(workspace, _NEEDS, self._step_failed, self._step_cancelled)
        self._register_next = False
        self._unsearched: set[tuple[str, str]] = set()  # pairs that were left while they were registered
        self._calm_for: RegistrationResult | None = None
        self._fused_from: tuple[Any, ...] = ()  # what the last fusion rested on, but its windows
        self._calm_windows: tuple[FusionWindow | None, FusionWindow | None] = (None, None)
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(CALM_MS)
        self._calm.timeout.connect(self._advance)
        self._slice_done.connect(self._on_slice)
        workspace.case_changed.connect(self._advance)

    @property
    def pending(self) -> bool:
        """Whether anything runs or is about to."""
        return self.workspace.tasks.busy or self._calm.isActive()

    @property
    def registering(self) -> bool:
        step = self._steps["register"]
        return step is not None and step.running

    @property
    def fusion_ended(self) -> bool:
        """Whether no more slices are on their way: all are there, or it was cancelled, or failed."""
        step = self._steps["fuse"]
        return step is not None and not step.running

    @property
    def can_go_on(self) -> bool:
        """Whether `go_on` would begin anything: slices are missing, and nothing on the way to them runs."""
        case = self.workspace.case
        begun = [step for name in ("register", *_TO_FUSED) if (step := self._steps[name])]
        stopped = bool(begun) and not self._calm.isActive() and not any(step.running for step in begun)
        return stopped and not case.stopped and (case.stack is None or not case.stack.complete)

    # Registration ----------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Register automatically, also where the headers agree, starting from the present alignment."""
        case = self.workspace.case
        if case.mri is None or case.partner is None or case.registration is None or case.stopped:
            return
        if not (case.mri.geometry.in_mm and case.partner.geometry.in_mm):
            self.noticed.emit(Notice("Plain pictures have no millimetres, and cannot be registered.", kind="warning"))
            return
        self._unless_confirmed("Registering again", self._register_now)

    def _register_now(self) -> None:
        self._steps.forget("register")
        self._register_next = True
        self._advance()

    def _unless_confirmed(self, what: str, go_on: Callable[[], None]) -> None:
        """Go on at once; where the reader has confirmed the alignment, only after asking."""
        registration = self.workspace.case.registration
        if registration is not None and registration.verdict is Verdict.REGISTERED:
            self.ask_to_replace(what, go_on)
        else:
            go_on()

    def confirm(self) -> None:
        """The reader has checked the alignment: said by who and when, and no picture need be computed again."""
        from app.registration import register as registrations

        case = self.workspace.case
        if case.registration is None or case.stopped or self.registering:
            return
        when = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        self.topic_cleared.emit("register")
        self._step(registrations.confirmed(case.registration, by=reader_name(), at=when))

    def _step(self, registration: RegistrationResult) -> None:
        """A registration that is a step of undo of its own, however soon it follows another or is followed."""
        self.workspace.end_gesture()
        self.workspace.change(registration=registration)
        self.workspace.end_gesture()

    def realign(self, fixed_to_moving: NDArray[np.float64], *, from_file: bool = False) -> None:
        """Align by hand, or by a file: a 4x4 of fixed to moving points, LPS mm."""
        from app.registration import register as registrations

        case = self.workspace.case
        if case.registration is None or case.mri is None or case.partner is None or case.stopped:
            return
        self._register_next = False
        if from_file:
            self._step(registrations.from_file(case.mri, case.partner, fixed_to_moving))
        else:
            if case.registration.verdict is Verdict.REGISTERED:  # asking at every key would be in the way
                hint = "Ctrl+Z brings it back."
                self.noticed.emit(Notice("The confirmed alignment was moved by hand.", hint, topic="register"))
            self.workspace.change(registration=registrations.nudged(case.registration, fixed_to_moving))

    def reset_alignment(self) -> None:
        """Back to where the headers put the pair."""
        case = self.workspace.case
        if case.mri is None or case.partner is None or case.registration is None:
            return
        from app.registration import register as registrations

        start = registrations.identity(case.mri, case.partner)

        def reset() -> None:
            self._register_next = False
            self._step(start)

        self._unless_confirmed("Going back to the header", reset)

    def load_transform(self, path: Path) -> None:
        """An ITK transform file for the pair in view; the reader confirms it like any other."""
        case = self.workspace.case

        def work(progress: Progress) -> NDArray[np.float64]:
            from app.files import tfm

            return tfm.read_tfm(path)

        def done(matrix: NDArray[np.float64]) -> None:
            now = self.workspace.case
            if now.mri is case.mri and now.partner is case.partner:
                self._unless_confirmed("Loading a transform", lambda: self.realign(matrix, from_file=True))

        self.workspace.tasks.start(
            "Loading the transform",
            work,
            done,
            failed=lambda error: self.noticed.emit(of_error("Loading the transform", error, "transform")),
        )

    def save_transform(self, path: Path) -> None:
        """As an ITK transform file about the MRI's centre; overwrites, since the reader was asked."""
        case = self.workspace.case
        if case.registration is None or case.mri is None:
            return
        matrix, centre = case.registration.fixed_to_moving, case.mri.geometry.centre_mm

        def work(progress: Progress) -> None:
            from app.files import tfm

            tfm.write_tfm(path, matrix, centre, overwrite=True)

        def done(_: object) -> None:
            self.saved.add(matrix.tobytes())
            self.noticed.emit(Notice(f"Saved {path}.", topic="transform"))

        self.workspace.tasks.start(
            "Saving the transform",
            work,
            done,
            failed=lambda error: self.noticed.emit(of_error("Saving the transform", error, "transform")),
        )

    # Fusion ----------------------------------------------------------------------------------------------------

    def go_on(self) -> None:
        """Go on after a cancel or a failure; slices that were fused stay."""
        for step in _TO_FUSED:
            if (begun := self._steps[step]) and not begun.running:
                self._steps.forget(step)
        self._advance()

    # The engine ------------------------------------------------------------------------------------------------

    def _advance(self, _: Case | None = None) -> None:
        """Drop what rests on something replaced; start the first step that is missing."""
        case = self.workspace.case
        self._note_unsearched()
        self._steps.forget_outdated()
        if case.mri is None or case.partner is None or case.stopped:
            return
        if case.registration is None or case.mri_fusion_window is None or case.partner_fusion_window is None:
            self._register_next = False
            self._steps.begin(
                "headers", "Comparing the headers", compare_headers(case.mri, case.partner), self._compared
            )
        elif self._register_next or (case.base_uid, case.partner_uid) in self._unsearched:
            self._register_next = False
            self._unsearched.discard((case.base_uid, case.partner_uid))
            self._steps.begin("register", "Registering", register_from(case), self._registered)
        elif self.registering:
            return
        elif case.aligned is None:
            self._align_when_calm(case)
        elif (case.stack is None or not case.stack.complete) and self._steps["fuse"] is None:
            self._fuse_when_calm(case)

    def _note_unsearched(self) -> None:
        """A pair that is left while it is registered is registered when it comes back."""
        step, case = self._steps["register"], self.workspace.case
        if step is not None and step.running:
            mri, partner, _ = step.rests_on
            if mri is not case.mri or partner is not case.partner:
                known = {layer.uid for layer in case.layers}
                pair = mri.series.uid, partner.series.uid
                self._unsearched |= {pair} if set(pair) <= known else set()

    def _step_failed(self, name: str, title: str, error: Exception) -> None:
        if isinstance(error, WeightsError):
            self._refuse(self.workspace.case.network, error)
            return
        self.noticed.emit(of_error(title, error, name))
        self.given_up.emit(name)
        self._advance()  # a failed registration leaves the start, which can be looked at

    def _refuse(self, network: str, error: WeightsError) -> None:
        """Say why, and go on with the first network that is left."""
        self.refused[network] = error
        left = next(spec for spec in registry.available() if spec.name not in self.refused)
        hint = f"{error.hint} {left.title} is used instead."
        self.noticed.emit(Notice(str(error), hint, "error", f"network {network}"))
        self.network_refused.emit(network)
        self.stand_in = left.name
        self.workspace.set_case(network=left.name)

    def _step_cancelled(self, name: str) -> None:
        if name == "register":
            text = "Registration cancelled; the pair stands as it did before."
            self.noticed.emit(Notice(text, topic="register"))
        self.given_up.emit(name)
        self._advance()

    def _compared(self, answer: tuple[RegistrationResult, FusionWindow, FusionWindow]) -> None:
        start, mri_window, partner_window = answer
        case = self.workspace.case
        assert case.mri is not None  # the step would have been forgotten
        assert case.partner is not None
        known = case.registration is not None  # from before, or by way of other series
        self._register_next = not known and needs_registration(case.mri, case.partner, start)
        if self._register_next:
            text = "The two series do not share a frame of reference: registering them automatically."
            hint = "Check the result over the overlay, then confirm it with C, or correct it."
            self.noticed.emit(Notice(text, hint, topic="register"))
        elif not known and start.method in _SAID:
            hint = "Check it over the overlay, then confirm it with C; Ctrl+R registers."
            self.noticed.emit(Notice(_SAID[start.method], hint, topic="register"))
        changes: dict[str, Any] = {
            "mri_fusion_window": case.mri_fusion_window or mri_window,
            "partner_fusion_window": case.partner_fusion_window or partner_window,
        }
        if not known:
            changes["registration"] = start
        self.workspace.set_case(**changes)

    def _registered(self, result: RegistrationResult) -> None:
        hint = "Compare before and after (B), look at the overlay, then confirm (C) or correct it (Alt+arrows)."
        before = self.workspace.case.registration
        if result.verdict.value == "unverified":
            self.noticed.emit(Notice(f"Registered automatically in {result.elapsed_s:.1f} s.", hint, topic="register"))
        else:
            reason = "" if result.stopped is None else result.stopped.sentence
            self.noticed.emit(Notice(result.verdict.sentence, reason, kind="warning", topic="register"))
        if result.warnings:
            self.noticed.emit(Notice(" ".join(result.warnings), kind="warning", topic="register warnings"))
        self._step(result)
        if before is not None and self.workspace.case.registration is result:
            self.registered.emit(before, result)

    def _align_when_calm(self, case: Case) -> None:
        registration = case.registration
        assert registration is not None
        assert case.mri is not None
        assert case.partner is not None
        if registration.method == "manual" and self._calm_for is not registration:
            self._calm_for = registration
            self._calm.start()
        elif not self._calm.isActive():
            mri, partner = case.mri, case.partner
            self._steps.begin(
                "align",
                "Resampling the partner",
                lambda progress: alignment.align(mri, partner, registration, progress),
                lambda aligned: self.workspace.set_case(aligned=aligned),
            )

    def _fuse_when_calm(self, case: Case) -> None:
        """At once, unless only a window has changed: a drag asks for another one at every step."""
        rests_on, windows = _NEEDS["fuse"](case)[:3], (case.mri_fusion_window, case.partner_fusion_window)
        again = len(self._fused_from) == 3 and all(a is b for a, b in zip(self._fused_from, rests_on, strict=True))
        if again and any(a is not b for a, b in zip(self._calm_windows, windows, strict=True)):
            self._calm_windows = windows
            self._calm.start()
        elif not self._calm.isActive():
            self._fused_from, self._calm_windows = rests_on, windows
            self._fuse(case)

    def _fuse(self, case: Case) -> None:
        aligned, mri_window, partner_window = case.aligned, case.mri_fusion_window, case.partner_fusion_window
        if aligned is None or mri_window is None or partner_window is None:
            return
        request = fusing.FusionRequest(case.network, mri_window, partner_window, case.device)
        grid = aligned.mri.geometry
        spec = registry.listed(case.network)
        expected_s, _ = self.times.seconds(spec, case)
        step = self._steps.fresh("fuse")  # before the worker starts: its first slice may be there at once

        def work(progress: Progress) -> fusing.FusionStack:
            return fusing.fuse_pair(
                aligned,
                request,
                earlier=case.stack,
                wanted=lambda: self.workspace.state.slice_of(grid, 2),
                on_slice=lambda stack, k: self._slice_done.emit(step, stack, k),
                expected_s=expected_s,
                progress=progress,
            )

        self._steps.begin("fuse", f"Fusing with {spec.title}", work, self._fused, step)
        self.topic_cleared.emit("fuse")

    @Slot(object, object, int)
    def _on_slice(self, step: Step, stack: fusing.FusionStack, k: int) -> None:
        if self._steps["fuse"] is not step:
            return  # stale: what it was fused from is no longer shown
        self.times.note(stack)
        case = self.workspace.case
        shown = case.stack
        fresh = shown is None or shown.fused is not stack.fused or shown.notes != stack.notes
        if fresh and case.aligned is not None:
            self.workspace.set_case(stack=replace(stack, aligned=case.aligned))
        if self.workspace.case.stack is not None:
            self.workspace.note_fused(self.workspace.case.stack, k)

    def _fused(self, stack: fusing.FusionStack) -> None:
        aligned = self.workspace.case.aligned
        if aligned is None:
            return
        self.workspace.set_case(stack=replace(stack, aligned=aligned))
        if stack.notes:
            self.noticed.emit(Notice(" ".join(stack.notes), kind="warning", topic="fuse"))


_SAID = {
    "grid": "Both series lie on one grid: the pair is left as it is, and not registered.",
    "coordinates": "Both series seem to lie in one space: the pair is left as it stands, and not registered.",
}
_TO_FUSED = ("headers", "align", "fuse")  # the steps without which there is no fused slice
_NEEDS: dict[str, Callable[[Case], tuple[Any, ...]]] = {
    "headers": lambda case: (case.mri, case.partner),
    "register": lambda case: (case.mri, case.partner, case.registration),
    "align": lambda case: (case.mri, case.partner, case.registration),
    "fuse": lambda case: (
        None if case.aligned is None else case.aligned.values,  # the same where only the verdict changes
        case.network,
        case.device,
        case.mri_fusion_window,
        case.partner_fusion_window,
    ),
}
