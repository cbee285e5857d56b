"""What to export and where to; the writing itself is `export.write` in a task, and asks before it overwrites."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app import export
from app.export import Options
from app.export.folder import TargetExistsError
from app.export.formats import EXPORT_FORMATS, Switch, switches
from app.export.names import folder_of, subject_of
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import Notice, Notify, of_error, plain_label

if TYPE_CHECKING:
    from app.case.document import Case


class ExportDialog(QDialog):
    """Formats, slices, names, folder. `options()` and `folder()` say what was chosen.

    subject : patient and study, or a pseudonym, with which names begin; a folder of that name follows it
    """

    def __init__(
        self, count: int, current: int, folder: Path, subject: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export the fused slices")
        self._count, self._current = count, current
        self.formats = {name: QCheckBox(entry.title) for name, entry in EXPORT_FORMATS.items()}
        for name, check in self.formats.items():
            check.setToolTip(EXPORT_FORMATS[name].description)
        next(iter(self.formats.values())).setChecked(True)
        self.switches = {switch.name: _switch_box(switch) for switch, _ in switches()}
        self.only_current = QRadioButton(f"the current slice ({current + 1})")
        self.some = QRadioButton("slices")
        self.all = QRadioButton(f"all {count} slices")
        self.only_current.setChecked(True)
        self.first, self.last = QSpinBox(), QSpinBox()
        for box, value in ((self.first, 1), (self.last, count)):
            box.setRange(1, count)
            box.setValue(value)
            box.valueChanged.connect(lambda: self.some.setChecked(True))
        self.path = QLineEdit(str(folder))
        self.path.setMinimumWidth(320)
        self.subject, self._followed = QLineEdit(subject), subject
        self.subject.setPlaceholderText("nobody")
        self.subject.setToolTip("Patient and study as the header has them; type a pseudonym for files to hand on.")
        self.subject.textEdited.connect(self._follow)
        browse = QPushButton("Browse…")
        browse.clicked.connect(self._browse)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setText("Export")
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

        column = QVBoxLayout(self)
        column.addWidget(self._format_box())
        column.addWidget(self._slice_box())
        where = QGridLayout()
        where.addWidget(plain_label("Patient in names", wrap=False), 0, 0)
        where.addWidget(self.subject, 0, 1, 1, 2)
        where.addWidget(plain_label("Folder", wrap=False), 1, 0)
        where.addWidget(self.path, 1, 1)
        where.addWidget(browse, 1, 2)
        column.addLayout(where)
        note = "Every export names the registration's verdict and says NOT FOR DIAGNOSTIC USE."
        column.addWidget(plain_label(note, name="quiet"))
        column.addWidget(self.buttons)
        for check in self.formats.values():
            check.toggled.connect(self._allow)
        self._allow()

    def _format_box(self) -> QGroupBox:
        box = QGroupBox("Format")
        grid = QGridLayout(box)
        rows = {name: row for row, name in enumerate(EXPORT_FORMATS)}
        for name, row in rows.items():
            grid.addWidget(self.formats[name], row, 0)
        for switch, entries in switches():
            grid.addWidget(self.switches[switch.name], rows[entries[0].name], 1)
        return box

    def _slice_box(self) -> QGroupBox:
        box = QGroupBox("Slices")
        column = QVBoxLayout(box)
        column.addWidget(self.only_current)
        row = QHBoxLayout()
        row.addWidget(self.some)
        row.addWidget(self.first)
        row.addWidget(plain_label("to", wrap=False))
        row.addWidget(self.last)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.all)
        return box

    def _allow(self) -> None:
        self.ok.setEnabled(any(check.isChecked() for check in self.formats.values()))
        for switch, entries in switches():
            self.switches[switch.name].setEnabled(any(self.formats[entry.name].isChecked() for entry in entries))

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Export to", self.path.text())
        if folder:
            self.path.setText(folder)

    def _follow(self, subject: str) -> None:
        """A folder named after the subject is named after the new one: the pseudonym hides the patient there, too."""
        folder = self.folder()
        if self._followed and folder.name == self._followed and subject.strip():
            self.path.setText(str(folder.with_name(subject.strip())))
            self._followed = subject.strip()

    def folder(self) -> Path:
        return Path(self.path.text()).expanduser()

    def slices(self) -> tuple[int, ...]:
        if self.only_current.isChecked():
            return (self._current,)
        if self.all.isChecked():
            return tuple(range(self._count))
        low, high = sorted((self.first.value() - 1, self.last.value() - 1))
        return tuple(range(low, high + 1))

    def options(self, palette: str) -> Options:
        return Options(
            formats=tuple(name for name, check in self.formats.items() if check.isChecked()),
            slices=self.slices(),
            palette=palette,
            switches=tuple(name for name, box in self.switches.items() if box.currentIndex() == 1),
            subject=self.subject.text().strip(),
        )


def _switch_box(switch: Switch) -> QComboBox:
    """Its two ways; the second is the switch being on."""
    box = QComboBox()
    box.addItems((switch.off, switch.on))
    return box


class Exporter:
    """Opens the dialog, starts the task, asks before overwriting, and says what was written."""

    def __init__(self, window: QWidget, workspace: Workspace, notify: Notify) -> None:
        self._window, self._workspace, self._notify = window, workspace, notify
        self._root = Path.home() / "synoptic-export"
        self._chosen: dict[str, tuple[str, Path]] = {}  # subject and folder, by the patient and study they are of
        self.running = 0  # exports that are being written

    def ask(self) -> None:
        case, state = self._workspace.case, self._workspace.state
        if case.stack is None or case.mri is None or case.stopped:
            self._notify(Notice("There is no fused slice to export yet.", kind="warning", topic="export"))
            return
        grid = case.mri.geometry
        own = folder_of(case.mri.series)
        subject, folder = self._chosen.get(own, (subject_of(case.mri.series), self._root / own))
        dialog = ExportDialog(grid.size[2], state.slice_of(grid, 2), folder, subject, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.write(case, dialog.folder(), dialog.options(case.palette)))
        dialog.open()

    def write(self, case: Case, folder: Path, options: Options) -> None:
        """Write the case's fusion with its windows and regions, as they are now whatever the reader does meanwhile."""
        stack = case.stack
        assert stack is not None  # `ask` looked
        self._chosen[folder_of(stack.aligned.mri.series)] = (options.subject or "", folder)
        if options.subject and folder.name == options.subject:
            self._root = folder.parent  # another patient gets a folder beside it, never this one

        def work(progress: Any) -> list[Path]:
            return export.write(stack, folder, options, case=case, progress=progress)

        self.running += 1
        self._workspace.tasks.start(
            "Exporting",
            work,
            lambda paths: self._written(folder, paths),
            failed=lambda error: self._failed(case, folder, options, error),
            cancelled=self._cancelled,
        )

    def _cancelled(self) -> None:
        self.running -= 1
        self._notify(Notice("Export cancelled; nothing was written.", topic="export"))

    def _written(self, folder: Path, paths: list[Path]) -> None:
        self.running -= 1
        files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
        self._notify(Notice(f"Exported {files} to {folder}.", topic="export"))

    def _failed(self, case: Case, folder: Path, options: Options, error: Exception) -> None:
        self.running -= 1
        if not isinstance(error, TargetExistsError) or options.overwrite:
            self._notify(of_error("Exporting", error, "export"))
            return
        box = QMessageBox(QMessageBox.Icon.Question, "Overwrite?", str(error), parent=self._window)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText("Nothing has been written yet.")
        overwrite = box.addButton("Overwrite", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        overwrite.clicked.connect(lambda: self.write(case, folder, replace(options, overwrite=True)))
        box.open()
