"""Help > Networks: the card of each network, and whether it can run here; weights are hashed in a worker."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextCursor, QTextDocument, QTextFrameFormat, QTextTable
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.base.assets import model_weights
from app.base.progress import Progress
from app.fusion import cards, registry
from app.ui.flow.slice_times import SliceTimes
from app.ui.flow.task import Work
from app.ui.flow.workspace import Workspace

_SIZE = (980, 680)
_WITHOUT_HTML = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML


@dataclass(frozen=True)
class Page:
    """One network: its card as Markdown, and whether it was refused."""

    title: str
    name: str
    markdown: str
    refused: bool


class NetworksDialog(QDialog):
    """A window of its own that does not stop the work: networks on the left, the chosen one's card on the right."""

    def __init__(self, workspace: Workspace, times: SliceTimes, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._workspace, self._times = workspace, times
        self.setWindowTitle("Networks")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.list, self.text = QListWidget(), QTextBrowser()
        self.text.setPlainText("Checking the weights…")
        self.text.setOpenLinks(False)
        self.text.setSearchPaths([str(model_weights())])  # of the pictures that cards show
        self.text.document().setDocumentMargin(14)
        self.list.currentItemChanged.connect(self._show)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(self.list)
        both.addWidget(self.text)
        both.setStretchFactor(1, 1)
        both.setSizes([190, _SIZE[0] - 190])
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(both)
        column.addWidget(buttons)
        self.resize(*_SIZE)
        case = workspace.case
        measured = [spec for spec in registry.networks() if times.seconds(spec, case)[1]]
        here = {spec.name: times.explained(spec, case) for spec in measured}
        key = f"networks {id(self)}"
        workspace.tasks.start(
            "Checking the weights",
            _pages(here),
            self._fill,
            failed=lambda error: self.text.setPlainText(str(error)),
            cancelled=lambda: self.text.setPlainText("Cancelled."),
            key=key,
        )
        self.finished.connect(lambda: workspace.tasks.cancel(key))  # an answer must not find the dialog gone

    def _fill(self, pages: list[Page]) -> None:
        for page in pages:
            item = QListWidgetItem(f"{page.title}\ncannot run here" if page.refused else page.title)
            item.setData(Qt.ItemDataRole.UserRole, page)
            self.list.addItem(item)
            if page.name == self._workspace.case.network:
                self.list.setCurrentItem(item)

    def _show(self, item: QListWidgetItem) -> None:
        self.text.document().setMarkdown(item.data(Qt.ItemDataRole.UserRole).markdown, _WITHOUT_HTML)
        _dress(self.text.document())
        self.text.moveCursor(QTextCursor.MoveOperation.Start)


def _pages(here: dict[str, str]) -> Work:
    """here : what was measured on this computer, by name"""

    def work(progress: Progress) -> list[Page]:
        pages = []
        for at, spec in enumerate(networks := registry.networks()):
            progress(at / len(networks), spec.title)
            refused = registry.refusal(spec)
            card = cards.card(registry.describe(spec), refused, here.get(spec.name, ""))
            pages.append(Page(spec.title, spec.name, card, refused is not None))
        return pages

    return work


def _dress(document: QTextDocument) -> None:
    """Tables with thin lines and room in their cells; Qt gives those of Markdown neither."""
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            shape = frame.format().toTableFormat()
            shape.setBorderCollapse(True)
            shape.setBorder(1)
            shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            shape.setBorderBrush(QColor("#454a53"))
            shape.setCellPadding(3)
            shape.setTopMargin(6)
            shape.setBottomMargin(6)
            frame.setFormat(shape)
            corner = frame.cellAt(0, 0).firstCursorPosition()
            if not corner.block().text():  # Qt begins a table with an empty line, and leaves its first heading thin
                corner.deleteChar()
            corner.setPosition(frame.cellAt(0, 0).lastPosition(), QTextCursor.MoveMode.KeepAnchor)
            corner.mergeCharFormat(frame.cellAt(0, 1).firstCursorPosition().charFormat())


def open_networks(workspace: Workspace, times: SliceTimes, parent: QWidget | None) -> NetworksDialog:
    dialog = NetworksDialog(workspace, times, parent)
    dialog.show()
    dialog.activateWindow()
    return dialog
