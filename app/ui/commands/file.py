"""The menu File: open, close, export, leave."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog

from app.ui.commands.command import Command, Window
from app.ui.flow.workspace import Workspace
from app.ui.shell.messages import Notice


def open_files(window: Window) -> None:
    files, _ = QFileDialog.getOpenFileNames(window, "Open DICOM, NIfTI, NRRD, MHA, zip or pictures")
    if files:
        window.opening.open([Path(file) for file in files])


def open_folder(window: Window) -> None:
    folder = QFileDialog.getExistingDirectory(window, "Open a folder")
    if folder:
        window.opening.open([Path(folder)])


def close_all(window: Window) -> None:
    window.unless_lost("Close all", window.opening.close_all)


def save_picture(window: Window) -> None:
    suggested = str(Path.home() / "synoptic.png")
    file, _ = QFileDialog.getSaveFileName(window, "Save a picture of the window", suggested, "PNG (*.png)")
    if file:
        path = Path(file) if Path(file).suffix else Path(f"{file}.png")
        saved = window.save_picture(path)
        text = f"Saved {path}." if saved else f"{path} cannot be written."
        window.notices.show_notice(Notice(text, kind="info" if saved else "error", topic="picture"))


def _has_fusion(workspace: Workspace) -> bool:
    return workspace.case.stack is not None and not workspace.case.stopped


COMMANDS = (
    Command("open_files", "File", "Open files…", open_files, ("Ctrl+O",), "open"),
    Command("open_folder", "File", "Open a folder…", open_folder, ("Ctrl+Shift+O",)),
    Command("open_demo", "File", "Open the demo study", lambda window: window.open_demo()),
    Command("close_all", "File", "Close all", close_all, ("Ctrl+W",)),
    Command(
        "export", "File", "Export fused slices…", lambda window: window.exporter.ask(), ("Ctrl+S",), "export",
        enabled=_has_fusion,
    ),
    Command("save_picture", "File", "Save a picture of the window…", save_picture, ("Ctrl+Shift+S",)),
    Command("quit", "File", "Quit", lambda window: window.close(), ("Ctrl+Q",)),
)  # fmt: skip
