"""The list of studies and series, and the two roles above it: a series gets a role by drag, menu or button."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QBrush, QColor, QDragEnterEvent, QDropEvent, QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from app.case.document import Case
from app.case.roles import natural_role
from app.core.volume import Series
from app.ui.flow.opening import ROLE_TITLES, ROLES, Opening, title_of
from app.ui.flow.workspace import Workspace
from app.ui.panels.thumbnails import SIZE, Thumbnail, of_series, of_volume
from app.ui.panes.image_pane import SERIES_MIME
from app.ui.shell.messages import plain_label
from app.ui.shell.theme import repolish
from app.view import series_text
from app.view.state import ViewState

NOTHING_OPEN = "Drop files, a folder or a zip on the window, or press Ctrl+O."
AS_LAYER = "Show as a layer"
_UID = Qt.ItemDataRole.UserRole


class RoleSlot(QFrame):
    """One role: what holds it, a place to drop a series on, and a cross to empty it."""

    def __init__(self, role: str, choose: Callable[[str, Series | None], None], find: Callable[[str], Series | None]):
        super().__init__()
        self.role, self._choose, self._find = role, choose, find
        self.setAcceptDrops(True)
        self.setObjectName("notice")
        self.setToolTip(f"Drag a series here to make it the {ROLE_TITLES[role]}.")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 2, 2)
        self.name = plain_label(ROLE_TITLES[role], name="heading", wrap=False)
        self.name.setFixedWidth(54)
        self.text = plain_label("drag a series here", name="quiet", wrap=False)
        self.text.setMinimumWidth(20)
        self.clear = QToolButton()
        self.clear.setText("×")
        self.clear.setToolTip(f"Leave the role {ROLE_TITLES[role]} empty")
        self.clear.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.clear.clicked.connect(lambda: choose(role, None))
        row.addWidget(self.name)
        row.addWidget(self.text, 1)
        row.addWidget(self.clear)
        self.show_series(None)

    def show_series(self, series: Series | None) -> None:
        self.name.setText(title_of(self.role, series))
        self.text.setText("drag a series here" if series is None else series_text.title(series))
        self.text.setToolTip("" if series is None else series_text.title(series))
        self.text.setObjectName("quiet" if series is None else "")
        repolish(self.text)
        self.clear.setVisible(series is not None)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(SERIES_MIME):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        series = self._find(bytes(event.mimeData().data(SERIES_MIME).data()).decode())
        if series is not None:
            event.acceptProposedAction()
            self._choose(self.role, series)


class SeriesTree(QTreeWidget):
    """A tree of patients and studies, whose leaves carry a series' uid, also when dragged."""

    def mimeData(self, items: list[QTreeWidgetItem]) -> QMimeData:  # type: ignore[override]  # Qt asks for a Sequence
        data = QMimeData()
        uids = [item.data(0, _UID) for item in items if item.data(0, _UID)]
        if uids:
            data.setData(SERIES_MIME, uids[0].encode())
        return data


class StudyBrowser(QWidget):
    """Shows `case.studies` and `case.skipped`; asks `Opening` for roles.

    open_asked : the reader wants to open files; files may also be dropped anywhere on the window
    """

    open_asked = Signal()

    def __init__(self, workspace: Workspace, opening: Opening) -> None:
        super().__init__()
        self._workspace, self._opening = workspace, opening
        self._thumbnails: dict[str, Thumbnail] = {}
        self._pictured: dict[str, Series] = {}  # by uid, the series listed when thumbnails were last looked over
        self._unreadable: set[str] = set()
        self._shown: tuple[object, ...] = ()
        self.slots_of_roles = {role: RoleSlot(role, opening.choose, self._series) for role in ROLES}
        self.tree = SeriesTree()
        self.tree.setHeaderHidden(True)
        self.tree.setIconSize(QSize(SIZE, SIZE))
        self.tree.setIndentation(10)
        self.tree.setDragEnabled(True)
        self.tree.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.tree.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._open_menu)
        self.tree.itemSelectionChanged.connect(self._show_details)
        self.tree.itemDoubleClicked.connect(lambda item, _: self._fitting_role(item))
        self.details = plain_label(name="quiet")
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)

        self.layer_button = QPushButton(AS_LAYER)
        self.layer_button.setToolTip("Lay the series chosen in the list over the pair, as a third layer")
        self.layer_button.setEnabled(False)
        self.layer_button.clicked.connect(self._show_selected_as_layer)

        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 2, 4)
        column.setSpacing(4)
        for slot in self.slots_of_roles.values():
            column.addWidget(slot)
        column.addWidget(self.tree, 1)
        column.addWidget(self.layer_button)
        column.addWidget(self.details)
        opening.chosen_changed.connect(self._show_roles)
        workspace.case_changed.connect(self.show_case)
        workspace.changed.connect(self._show_state)
        self._annotations = workspace.state.annotations
        self.show_case(workspace.case)

    # What is shown ---------------------------------------------------------------------------------------------

    def show_case(self, case: Case) -> None:
        self._forget_old(case)
        for volume in (case.mri, case.partner):
            if volume is None or self._pictured.get(volume.series.uid) is not volume.series:
                continue  # read before its files were looked at again, or taken from the list
            if volume.series.uid not in self._thumbnails:
                self._thumbnails[volume.series.uid] = of_volume(volume)
                self._show_thumbnail(volume.series.uid)
        if self._shown != (case.studies, case.skipped):
            self._shown = (case.studies, case.skipped)
            self._fill()

    def _forget_old(self, case: Case) -> None:
        """Pictures of series that left the list, or were found again and may show something else by now."""
        listed = {one.uid: one for study in case.studies for one in study.series}
        old = {uid for uid, one in self._pictured.items() if listed.get(uid) is not one}
        self._pictured = listed
        self._unreadable -= old
        for uid in old:
            self._thumbnails.pop(uid, None)

    def thumbnail_of(self, uid: str) -> Thumbnail | None:
        """The picture in the list of a series; None while there is none."""
        return self._thumbnails.get(uid)

    def _show_state(self, state: ViewState) -> None:
        if (state.annotations == "full") != (self._annotations == "full"):
            self._annotations = state.annotations
            self._fill()
        self._annotations = state.annotations

    def _fill(self) -> None:
        case = self._workspace.case
        self.tree.clear()
        for number, study in enumerate(case.studies, 1):
            named = self._annotations == "full"
            heads = series_text.patient(study.patient), series_text.study(study)
            top = self._item(self.tree, heads if named else (f"patient {number} (hidden)",), bold=True)
            for series in study.series:
                item = self._item(top, series_text.lines(series))
                item.setData(0, _UID, series.uid)
                item.setToolTip(0, series_text.tooltip(series_text.details(series, identified=named)))
                if series.problem:
                    item.setForeground(0, QBrush(QColor("#9aa1ab")))
                elif series.warnings:
                    item.setForeground(0, QBrush(QColor("#ffd479")))
                self._show_thumbnail(series.uid, item)
            top.setExpanded(True)
        if case.skipped:
            files = "1 file" if len(case.skipped) == 1 else f"{len(case.skipped)} files"
            top = self._item(self.tree, (f"Skipped: {files}",), bold=True)
            for one in case.skipped[:500] if named else ():  # names of files are often names of patients
                item = self._item(top, (series_text.shown(one.path.name), series_text.shown(one.reason)))
                item.setForeground(0, QBrush(QColor("#9aa1ab")))
                item.setToolTip(0, series_text.tooltip(f"{one.path.name}\n{one.reason}"))
        self._show_roles()
        self._show_details()

    def _item(
        self, parent: QTreeWidget | QTreeWidgetItem, lines: tuple[str, ...], *, bold: bool = False
    ) -> QTreeWidgetItem:
        item = QTreeWidgetItem(parent)
        item.setText(0, "\n".join(lines))
        if bold:
            font = self.tree.font()
            font.setBold(True)
            item.setFont(0, font)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        return item

    def _show_roles(self) -> None:
        uids = {}
        for role, slot in self.slots_of_roles.items():
            series = self._opening.chosen[role]
            slot.show_series(series)
            if series is not None:
                uids[series.uid] = title_of(role, series)
        for item in self._series_items():
            series = self._series(item.data(0, _UID))
            if series is not None:
                first, *rest = series_text.lines(series)
                holds = uids.get(series.uid)
                item.setText(0, "\n".join([f"● {holds}: {first}" if holds else first, *rest]))

    def _show_details(self) -> None:
        series = self.selected
        named = self._annotations == "full"
        empty = "" if self._workspace.case.studies else NOTHING_OPEN
        self.layer_button.setEnabled(series is not None and not series.problem)
        self.details.setText(empty if series is None else series_text.details(series, identified=named))

    # Thumbnails ------------------------------------------------------------------------------------------------

    def make_next_thumbnail(self) -> bool:
        """Start reading one series that has no picture yet, in the background; whether there was one.

        Called when nothing else runs: a thumbnail must never make the reader wait for something they asked for.
        """
        for study in self._workspace.case.studies:
            for series in study.series:
                if not series.problem and series.uid not in self._thumbnails and series.uid not in self._unreadable:
                    self._workspace.tasks.start(
                        "Thumbnails",
                        partial(of_series, series),
                        partial(self._thumbnail_made, series),
                        failed=partial(self._no_thumbnail, series.uid),
                        cancelled=partial(self._no_thumbnail, series.uid),
                        key="thumbnail",
                    )
                    return True
        return False

    def _thumbnail_made(self, series: Series, thumbnail: Thumbnail) -> None:
        if self._pictured.get(series.uid) is series:
            self._thumbnails[series.uid] = thumbnail
            self._show_thumbnail(series.uid)

    def _no_thumbnail(self, uid: str, error: Exception | None = None) -> None:
        """Why a series cannot be read is said when it is given a role, not for a picture nobody asked for."""
        self._unreadable.add(uid)

    def _show_thumbnail(self, uid: str, item: QTreeWidgetItem | None = None) -> None:
        item = item or next((one for one in self._series_items() if one.data(0, _UID) == uid), None)
        thumbnail = self._thumbnails.get(uid)
        if item is None:
            return
        pixmap = QPixmap(SIZE, SIZE)
        if thumbnail is None:
            pixmap.fill(QColor("#0f1012"))
        else:
            image = QImage(thumbnail.tobytes(), SIZE, SIZE, SIZE, QImage.Format.Format_Grayscale8)
            pixmap = QPixmap.fromImage(image)
        item.setIcon(0, QIcon(pixmap))

    # What is asked ---------------------------------------------------------------------------------------------

    @property
    def selected(self) -> Series | None:
        items = self.tree.selectedItems()
        return self._series(items[0].data(0, _UID)) if items and items[0].data(0, _UID) else None

    def menu_of(self, series: Series | None) -> QMenu:
        """The context menu of a series, or of the empty list."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if series is not None and not series.problem:
            for role in ROLES:
                action = QAction(f"Use as {ROLE_TITLES[role]}", menu)
                action.triggered.connect(partial(self._opening.choose, role, series))
                menu.addAction(action)
            layer = QAction(AS_LAYER, menu)
            layer.triggered.connect(partial(self._opening.show_as_layer, series))
            menu.addAction(layer)
            menu.addSeparator()
        action = QAction("Open files or a folder…", menu)
        action.triggered.connect(self.open_asked)
        menu.addAction(action)
        return menu

    def _show_selected_as_layer(self) -> None:
        series = self.selected
        if series is not None:
            self._opening.show_as_layer(series)

    def _fitting_role(self, item: QTreeWidgetItem) -> None:
        series = self._series(item.data(0, _UID)) if item.data(0, _UID) else None
        if series is not None:
            self._opening.choose(natural_role(series, base_taken=True), series)

    def _series(self, uid: str) -> Series | None:
        return self._workspace.case.series(uid)

    def _series_items(self) -> list[QTreeWidgetItem]:
        found = QTreeWidgetItemIterator(self.tree)
        items = []
        while (item := found.value()) is not None:
            items += [item] if item.data(0, _UID) else []
            found += 1
        return items

    def _open_menu(self, at: QPoint) -> None:
        self.menu_of(self.selected).popup(self.tree.viewport().mapToGlobal(at))
