"""The window: browser, panes and panels side by side, menus made from the table of commands, the status line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QMenu,
    QScrollArea,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.base.settings import Settings
from app.case.document import Case
from app.case.unsaved import unsaved
from app.core.geometry import Point
from app.core.modalities import modality_of
from app.ui.commands.actions import Actions, without_arguments
from app.ui.commands.command import Window
from app.ui.dialogs.export_dialog import Exporter
from app.ui.dialogs.leave_dialog import ask_to_leave, losses
from app.ui.dialogs.replace_dialog import ask_to_replace
from app.ui.flow import demo_study as demo
from app.ui.flow.alignment_check import AlignmentCheck
from app.ui.flow.first_look import FirstLook
from app.ui.flow.opening import ROLE_TITLES, ROLES, Opening
from app.ui.flow.pair_flow import PairFlow
from app.ui.flow.workspace import Workspace
from app.ui.panels.fusion_panel import FusionPanel
from app.ui.panels.layer_panel import LayerPanel
from app.ui.panels.metrics_pane import MetricsPane
from app.ui.panels.overlay_bar import OverlayBar
from app.ui.panels.registration_panel import RegistrationPanel
from app.ui.panels.study_browser import StudyBrowser
from app.ui.panes.layouts import ViewArea
from app.ui.shell.keyboard import HeldKeys
from app.ui.shell.messages import NoticeBar, StopBanner, of_error
from app.ui.shell.status_line import StatusLine
from app.ui.shell.theme import icon
from app.view.presets import presets
from app.view.probe import probe
from app.view.windows import volume_of

_SIZE = QSize(1440, 900)
_IDLE_MS = 400  # how long nothing must run before thumbnails of series not opened are made


class MainWindow(Window):
    """Owns the workspace and every part; parts talk through the workspace, commands are given the window."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.workspace = Workspace(self)
        self.opening = Opening(self.workspace, palette_of=self._palette_of)
        self.flow = PairFlow(self.workspace, settings.slice_ms)
        self.flow.ask_to_replace = partial(ask_to_replace, self)
        self.check = AlignmentCheck(self.workspace, self.flow)
        self.first_look = FirstLook(self.workspace)
        self._restore(settings)
        self.views = ViewArea(self.workspace)
        self.browser = StudyBrowser(self.workspace, self.opening)
        self.registration_panel = RegistrationPanel(self.workspace, self.flow)
        self.fusion_panel = FusionPanel(self.workspace, self.flow)
        self.layer_panel = LayerPanel(self.workspace)
        self.metrics_pane = MetricsPane(self.workspace, curve_metric=settings.curve_metric)
        self.notices, self.stop = NoticeBar(), StopBanner()
        self.status = StatusLine()
        self.exporter = Exporter(self, self.workspace, self.notices.show_notice)
        self._held = HeldKeys(self, lambda held: self.workspace.update(hold_mri=held))
        self._leaving = False
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(_IDLE_MS)
        self.setWindowTitle("Synoptic")
        self.setWindowIcon(icon("synoptic"))
        self.setAcceptDrops(True)
        self._assemble()
        self.actions_by_name = Actions(self)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # Qt's own would hide the tool bar for good
        self._settle_focus()
        self._connect()
        room = self.screen().availableSize()
        if QGuiApplication.platformName() == "offscreen":  # its screen is made up, and a picture must not be cramped
            room = _SIZE
        self.resize(_SIZE.boundedTo(room))
        self.views.setFocus()

    def _palette_of(self, code: str) -> str:
        """What a partner of this modality is shown in at first."""
        return self._settings.palettes.get(code, modality_of(code).palette)

    def _restore(self, settings: Settings) -> None:
        self.workspace.update(
            layout=settings.layout,
            reverse_window_drag=settings.window_drag_reversed,
        )
        self.workspace.set_case(device=settings.device)

    # Assembly --------------------------------------------------------------------------------------------------

    def _assemble(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for above in (self.stop, self.notices):
            column.addWidget(above)
        column.addWidget(self.views, 1)
        column.addWidget(OverlayBar(self.workspace))
        self.views.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.tabs = QTabWidget()
        self.tabs.addTab(_scrolled(self.registration_panel), "Registration")
        self.tabs.addTab(_scrolled(self.fusion_panel), "Fusion and display")
        self.tabs.addTab(_scrolled(self.layer_panel), "Layers")
        self.panels = QSplitter(Qt.Orientation.Vertical)
        self.panels.addWidget(self.tabs)
        self.panels.addWidget(_scrolled(self.metrics_pane))
        self.panels.setSizes([430, 400])
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.browser, middle, self.panels):
            self.splitter.addWidget(widget)
        self.splitter.setCollapsible(1, False)
        for n, stretch in enumerate((0, 1, 0)):
            self.splitter.setStretchFactor(n, stretch)
        self.splitter.setSizes([self._settings.browser_width, 900, self._settings.panel_width])
        self.setCentralWidget(self.splitter)
        self.setStatusBar(self.status)

    def _settle_focus(self) -> None:
        """Keys stay with the panes: a click takes them to no button, the wheel to no field."""
        for widget in (*self.findChildren(QAbstractButton), *self.findChildren(QComboBox)):
            if widget.focusPolicy() != Qt.FocusPolicy.NoFocus:
                widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for field in self.findChildren(QAbstractSpinBox):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel: see keyboard.py

    def _connect(self) -> None:
        workspace = self.workspace
        for source in (self.opening, self.flow, self.check):
            source.noticed.connect(self.notices.show_notice)
            source.topic_cleared.connect(self.notices.clear_topic)
        workspace.tasks.failed.connect(lambda name, error: self.notices.show_notice(of_error(name, error)))
        self.metrics_pane.failed.connect(lambda what, error: self.notices.show_notice(of_error(what, error, "metrics")))
        self.metrics_pane.grown.connect(self._make_room)
        self.stop.confirmed.connect(lambda: workspace.change(different_patients_confirmed=True))
        for signal, command in (
            (self.status.cancel_asked, "cancel"),
            (self.browser.open_asked, "open_files"),
            (self.registration_panel.confirm_asked, "confirm"),
            (self.registration_panel.compare_asked, "compare"),
            (self.registration_panel.save_asked, "save_transform"),
            (self.registration_panel.load_asked, "load_transform"),
        ):
            signal.connect(self.actions_by_name[command].trigger)
        workspace.tasks.changed.connect(self.status.show_running)
        workspace.role_wanted.connect(self._give_role)
        workspace.menu_wanted.connect(self._open_menu)
        workspace.probed.connect(self._show_probe)
        workspace.case_changed.connect(self._show_case)
        workspace.tasks.changed.connect(lambda _: self._idle.start())
        self._idle.timeout.connect(self._when_idle)
        self._show_case(workspace.case)

    # What is shown ---------------------------------------------------------------------------------------------

    @property
    def pending(self) -> bool:
        """Whether anything is still being worked out for the study in view."""
        return self.flow.pending or self.metrics_pane.pending

    def _show_case(self, case: Case) -> None:
        self.stop.show_contradictions(case.different_patients if case.stopped else ())

    def _show_probe(self, at: Point | None) -> None:
        case = self.workspace.case
        if at is None:
            self.status.reading.setText("")
            return
        names = [modality_of(volume.modality).short or "image" if volume else name
                 for volume, name in ((case.mri, "MRI"), (case.partner, "partner"))]  # fmt: skip
        self.status.reading.setText(probe(case, at).line(*names))

    def _make_room(self) -> None:
        """For the curve, which was opened below the table."""
        total = sum(self.panels.sizes())
        wanted = min(max(self.panels.sizes()[1], self.metrics_pane.sizeHint().height() + 10), total - 150)
        self.panels.setSizes([total - wanted, wanted])

    def _when_idle(self) -> None:
        if not self.pending:
            self.browser.make_next_thumbnail()

    # What is asked ---------------------------------------------------------------------------------------------

    def open_demo(self) -> None:
        self.opening.open_made("Making the demo study", demo.prepare)

    def _give_role(self, role: str, uid: str) -> None:
        series = self.workspace.case.series(uid)
        if series is not None and role in ROLES:
            self.opening.choose(role, series)

    def _open_menu(self, role: str, at: QPoint) -> None:
        self.menu_of(role).popup(at)

    def menu_of(self, role: str) -> QMenu:
        """The context menu of a pane: its windows, tools and layouts."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for windowed in ROLES if role == "fused" else (role,):
            volume = volume_of(self.workspace.case, windowed)
            windows = menu.addMenu(f"{ROLE_TITLES[windowed]} window")
            windows.setEnabled(volume is not None)
            for preset in presets(volume):
                change = partial(self.workspace.change_layer, windowed, window=preset.window)
                windows.addAction(preset.label).triggered.connect(without_arguments(change))
        for group in ("tool", "layout"):
            sub = menu.addMenu("Left drag" if group == "tool" else "Layout")
            sub.addActions(self.actions_by_name.of_group(group))
        menu.addSeparator()
        menu.addActions(self.actions_by_name.of_pane_menu())
        return menu

    def toggle_panels(self) -> None:
        shown = self.browser.isVisible()
        self.browser.setVisible(not shown)
        self.panels.setVisible(not shown)

    def save_picture(self, path: Path) -> bool:
        """The window as it is, as a PNG; whether that could be written."""
        return self.grab().save(str(path), "PNG")

    # Events ----------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.opening.open(paths)

    def settings(self) -> Settings:
        """What to remember for next time; never a path, never a patient."""
        state, case, sizes = self.workspace.state, self.workspace.case, self.splitter.sizes()
        kept = replace(
            self._settings,
            layout=state.layout,
            network=self._settings.network if case.network == self.flow.stand_in else case.network,
            device=case.device,
            window_drag_reversed=state.reverse_window_drag,
            curve_metric=self.metrics_pane.curve_metric,
            slice_ms=dict(self.flow.times.known),
        )
        if self.browser.isVisible() and self.panels.isVisible():
            kept = replace(kept, browser_width=min(max(sizes[0], 160), 900), panel_width=min(max(sizes[2], 200), 900))
        if case.partner is not None and modality_of(case.partner.modality).volume:
            kept = replace(kept, palettes={**kept.palettes, case.partner.modality: case.palette})
        return kept

    def unless_lost(self, action: str, go_on: Callable[[], None]) -> None:
        sentences = self._losses()
        if sentences:
            ask_to_leave(self, action, sentences, go_on)
        else:
            go_on()

    def _losses(self) -> tuple[str, ...]:
        return losses(unsaved(self.workspace.case, self.flow.saved), self.exporter.running)

    def leave(self) -> None:
        """Close without asking: the reader was asked, or nobody is there to answer."""
        self._leaving = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        sentences = () if self._leaving else self._losses()
        if sentences:
            event.ignore()
            ask_to_leave(self, "Quit", sentences, self.leave)
            return
        self._idle.stop()
        self.workspace.tasks.stop()
        event.accept()


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    area.setMinimumWidth(250)
    return area
