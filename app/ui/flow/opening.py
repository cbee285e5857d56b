"""Opening: paths -> the list of series -> two roles, MRI and partner -> their volumes in the case.

What comes after two volumes is pair_flow.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.base.errors import InputError
from app.base.progress import Progress
from app.case import pipeline
from app.case.document import Case, Hindrance
from app.case.layers import Layer
from app.case.roles import guess_roles, natural_role, why_no_partner
from app.case.study_list import joined
from app.core.modalities import modality_of
from app.core.volume import Series, Study, Volume
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import Notice, of_error
from app.view import series_text

ROLES = ("mri", "partner")
ROLE_TITLES = {"mri": "MRI", "partner": "Partner"}


def title_of(role: str, series: Series | None) -> str:
    """What holds a role is called an MRI only where it says that it is one, or where nothing holds it."""
    return "Base" if role == "mri" and series is not None and series.modality != "MR" else ROLE_TITLES[role]


class NothingReadableError(InputError):
    """The hint is the first reason found: which file, and why not."""

    def __init__(self, names: Sequence[str], reasons: Sequence[str]) -> None:
        where = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        super().__init__(f"{where}: no image that can be read.", reasons[0] if reasons else "The folder is empty.")


class Opening(QObject):
    """noticed : a Notice to show; topic_cleared : the topic of notices that is settled; chosen_changed : a role has
    another series. `failed` is what stopped the last opening, for those who run the window unattended."""

    noticed = Signal(object)
    topic_cleared = Signal(str)
    chosen_changed = Signal()

    def __init__(self, workspace: Workspace, *, palette_of: Callable[[str], str]) -> None:
        super().__init__(workspace)
        self.workspace = workspace
        self.chosen: dict[str, Series | None] = dict.fromkeys(ROLES)
        self._before: dict[str, Series | None] = dict.fromkeys(ROLES)  # what was shown before the last choice
        self.failed: Exception | None = None
        self._closed = 0  # how often everything was closed: what was looked for before must not come back
        self._palette_of = palette_of

    # Opening and roles -----------------------------------------------------------------------------------------

    def open(self, paths: Sequence[Path]) -> None:
        """Add what lies under the paths to the list, and give the roles to a pair found there."""
        paths = tuple(Path(path) for path in paths)
        self.workspace.tasks.start(
            "Looking for series",
            lambda progress: pipeline.open_study(paths, progress),
            self._unless_closed(lambda scan: self._opened(paths, scan)),
            failed=self._unless_closed(self._failed_to_open),
        )

    def open_made(self, name: str, make: Callable[[Progress], Path]) -> None:
        """Open what `make` prepares first, such as the demo study."""
        self.workspace.tasks.start(
            name,
            make,
            self._unless_closed(lambda path: self.open([path])),
            failed=self._unless_closed(self._failed_to_open),
        )

    def _unless_closed(self, hear: Callable[[Any], None]) -> Callable[[Any], None]:
        """A worker may have ended, its answer still waiting in the queue, when the reader closes everything."""
        closed = self._closed
        return lambda answer: hear(answer) if closed == self._closed else None

    def _failed_to_open(self, error: Exception) -> None:
        self.noticed.emit(of_error("Opening", error, "open"))
        self.failed = _without_frames(error)

    def _opened(self, paths: Sequence[Path], scan: Any) -> None:
        case = self.workspace.case
        studies, found = joined(case.studies, scan.studies)
        self.workspace.set_case(studies=studies, skipped=(*case.skipped, *scan.skipped))
        usable = [one for study in found for one in study.series if not one.problem]
        if not usable:
            reasons = [one.problem for study in scan.studies for one in study.series]
            reasons += [f"{one.path.name}: {one.reason}" for one in scan.skipped]
            self._failed_to_open(NothingReadableError([path.name or str(path) for path in paths], reasons))
            return
        self.topic_cleared.emit("open")
        mri, partner = guess_roles(found)
        if mri is not None and partner is None and self.chosen["mri"] is not None and self.chosen["partner"] is None:
            mri, partner = guess_roles(studies)  # a second file: the other half of a pair
        if mri is not None and partner is not None:
            self._give_roles(mri, partner)
            return
        if len(usable) == 1 or self.chosen["mri"] is None:
            only = mri or partner or usable[0]
            taken = self.chosen["mri"] is not None
            self.choose("partner" if taken else natural_role(only, base_taken=taken), only)
        else:
            text = f"{len(usable)} series were added to the list; none was given a role."
            self.noticed.emit(Notice(text, "Drag one onto a role.", topic="open"))
        if self.chosen["partner"] is None and self.chosen["mri"] is not None:
            self._say_why_no_partner(studies, self.chosen["mri"])

    def _say_why_no_partner(self, studies: tuple[Study, ...], base: Series) -> None:
        """A role is not left empty silently; where nothing else was opened, its pane says enough."""
        refused = why_no_partner(studies, base)
        if refused:
            first = [f"{series_text.title(other)}: {series_text.shown(why).rstrip('.')}." for other, why in refused[:3]]
            more = f" (and {len(refused) - 3} more)" if len(refused) > 3 else ""
            text = f"No partner was chosen. {' '.join(first)}{more}"
            self.noticed.emit(
                Notice(text, "Drag a series onto the role to choose it all the same.", "warning", "role partner")
            )

    def _give_roles(self, mri: Series | None, partner: Series | None) -> None:
        self._note_shown()
        self.chosen = {"mri": mri, "partner": partner}
        self._read_chosen()

    def choose(self, role: str, series: Series | None) -> None:
        """Give a series a role, or None to empty it; the other role swaps where it held that series."""
        if series is not None and series.problem:
            self.noticed.emit(Notice(series.problem, "Choose another series.", "error", f"role {role}"))
            return
        self._note_shown()
        other = _other(role)
        held = self.chosen[other]
        if series is not None and held is not None and held.uid == series.uid:
            self.chosen[other] = self.chosen[role]
        self.chosen[role] = series
        self._read_chosen()

    def show_as_layer(self, series: Series) -> None:
        """Lay a series over the pair, besides its two roles; read first where it is not at hand."""
        case = self.workspace.case
        if series.problem:
            self.noticed.emit(Notice(series.problem, "Choose another series.", "error", "layer"))
            return
        if series in self.chosen.values():
            role = next(role for role, chosen in self.chosen.items() if chosen is series)
            text = f"{title_of(role, series)} is part of the pair already."
            self.noticed.emit(Notice(text, "Choose another series for a layer.", topic="layer"))
            return
        layer = next((layer for layer in case.layers if layer.series is series), None)
        if layer is not None:
            self._show_layer(layer)
            return
        self.workspace.tasks.start(
            "Loading a layer",
            partial(_read, series),
            partial(self._layer_read, series),
            failed=lambda error: self.noticed.emit(of_error("Loading a layer", error, "layer")),
            key="read layer",
        )

    def _layer_read(self, series: Series, volume: Volume) -> None:
        if self.workspace.case.series(series.uid) is not series:
            return  # the list was emptied or replaced while it was read
        if series.warnings:
            self.noticed.emit(Notice(" ".join(series.warnings), kind="warning", topic="layer warnings"))
        layer = Layer.of(volume)
        self._show_layer(replace(layer, palette=self._palette_of(volume.modality)))

    def _show_layer(self, layer: Layer) -> None:
        shown = replace(layer, visible=True)
        others = tuple(other for other in self.workspace.case.layers if other.uid != layer.uid)
        self.workspace.set_case(layers=(*others, shown))
        if self.workspace.case.hindrance(shown) is Hindrance.NOT_LINKED and self.workspace.case.base is not None:
            text = "The layer is laid over nothing yet: nothing says where it lies in the MRI."
            self.noticed.emit(Notice(text, "Register it as the partner once; the link stays.", "warning", "layer"))
        else:
            self.topic_cleared.emit("layer")

    def close_all(self) -> None:
        """Empty the window: nothing of the study stays in memory."""
        self._closed += 1
        self.workspace.tasks.cancel_all()
        self.chosen, self._before = dict.fromkeys(ROLES), dict.fromkeys(ROLES)
        self.workspace.clear_history()
        self.workspace.set_case(self.workspace.case.emptied())
        self.chosen_changed.emit()

    def _note_shown(self) -> None:
        """What to go back to where the choice that is made now cannot be read; choices not read yet are none."""
        case = self.workspace.case
        if all(series is None or volume is not None for series, volume in self._roles(case)):
            self._before = dict(self.chosen)

    def _roles(self, case: Case) -> tuple[tuple[Series | None, Volume | None], ...]:
        """The chosen series of each role, and its volume once it is read."""
        return tuple(zip(self.chosen.values(), (case.mri, case.partner), strict=True))

    def _back_to_what_was_shown(self, role: str) -> bool:
        """Give a role that stays empty the series it had, where it still fits the other role's; whether it did."""
        other, series = _other(role), self._before[role]
        if series is None or self.chosen[other] is not self._before[other]:
            return False
        layer = next((layer for layer in self.workspace.case.layers if layer.series is series), None)
        if layer is None:  # let go of, for want of memory: reading it again could fail as well
            return False
        self.chosen[role] = series
        self._place(role, layer.volume)
        return True

    def _read_chosen(self) -> None:
        """Bring the case's volumes to the chosen series: those at hand at once, the others one after the other."""
        case = self.workspace.case
        at_hand = [layer.volume for layer in case.layers]
        wanted: dict[str, Any] = {  # the very series: one that was found again may have other files by now
            role: next((volume for volume in at_hand if volume.series is series), None)
            for role, series in self.chosen.items()
        }
        self.workspace.set_case(**wanted)  # a role without its volume yet is blank: no old picture stays
        self.chosen_changed.emit()
        self._read_next()

    def _read_next(self) -> None:
        case = self.workspace.case
        volumes = {"mri": case.mri, "partner": case.partner}
        for role in ROLES:
            series = self.chosen[role]
            if series is not None and volumes[role] is None:
                self.workspace.tasks.start(
                    "Loading the MRI" if role == "mri" else "Loading the partner",
                    partial(_read, series),
                    partial(self._read_done, role, series),
                    failed=partial(self._read_failed, role),
                    cancelled=self._read_cancelled,
                    key="read",
                )
                return

    def _read_done(self, role: str, series: Series, volume: Volume) -> None:
        if self.chosen[role] is series:
            self.topic_cleared.emit(f"role {role}")
            known = self.workspace.case.layer(volume.series.uid) is not None
            self._place(role, volume)
            if role == "partner" and modality_of(volume.modality).volume:
                layer = self.workspace.case.partner_layer
                if layer is not None and not known:  # as the reader has left it, where it was read before
                    chosen = replace(layer, palette=self._palette_of(volume.modality))
                    others = tuple(other for other in self.workspace.case.layers if other is not layer)
                    self.workspace.set_case(layers=(*others, chosen))
            if volume.series.warnings:
                text = f"{title_of(role, series)}: {' '.join(volume.series.warnings)}"
                self.noticed.emit(Notice(text, kind="warning", topic=f"role {role}"))
        self._read_next()

    def _read_failed(self, role: str, error: Exception) -> None:
        self.chosen[role] = None
        notice = of_error(f"Loading the {ROLE_TITLES[role]}", error, f"role {role}")
        if self._back_to_what_was_shown(role):
            notice = replace(notice, hint=f"{notice.hint} What was shown before stays.".strip())
        self.noticed.emit(notice)
        self.failed = _without_frames(error)
        self.chosen_changed.emit()
        self._read_next()

    def _read_cancelled(self) -> None:
        case = self.workspace.case
        for role, volume in (("mri", case.mri), ("partner", case.partner)):
            if volume is None:
                self.chosen[role] = None
                self._back_to_what_was_shown(role)
        self.chosen_changed.emit()

    def _place(self, role: str, volume: Volume) -> None:
        if role == "mri":
            self.workspace.set_case(mri=volume)
        else:
            self.workspace.set_case(partner=volume)


def _other(role: str) -> str:
    return ROLES[1 - ROLES.index(role)]


def _without_frames(error: Exception) -> Exception:
    """The error alone: its frames, and those of its causes, hold the arrays of a volume half read."""
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        one.__traceback__ = None
        one = one.__cause__ or one.__context__
    return error


def _read(series: Series, progress: Progress) -> Volume:
    from app.files import readers
    from app.view.windows import default_window

    volume = readers.read(series, progress)
    default_window(volume)  # worked out here, so that the first paint finds it
    return volume
