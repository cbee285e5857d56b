"""The list of keys, and what this program is and is not."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from app import NOT_FOR_DIAGNOSIS, __version__

ABOUT = (
    "Synoptic reads an MRI together with the CT, PET or SPECT of the same patient: register, fuse, look, export.",
    "It is not a medical device. It is meant for teaching and research, and must not be used for diagnosis, planning "
    "or any decision about a patient.",
    "A network's fused picture can hide or invent detail: look at the sources before you believe it. No HU or SUV is "
    "read from fused pixels.",
)


def keys_html(sections: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """A table for each section: the keys, and what they do."""
    parts = []
    for title, rows in sections.items():
        cells = "".join(
            f'<tr><td style="padding:1px 14px 1px 0"><b>{html.escape(keys)}</b></td><td>{html.escape(text)}</td></tr>'
            for keys, text in rows
        )
        parts.append(f'<h3 style="color:#9fc4ea;margin-bottom:2px">{html.escape(title)}</h3><table>{cells}</table>')
    return "".join(parts)


def about_html() -> str:
    body = "".join(f"<p>{html.escape(line)}</p>" for line in ABOUT)
    return f'<h2>Synoptic {__version__}</h2><p style="color:#ffd479"><b>{NOT_FOR_DIAGNOSIS}</b></p>{body}'


def open_page(title: str, page: str, parent: QWidget | None) -> QDialog:
    """A window of its own that does not stop the work."""
    dialog = QDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    text = QTextBrowser()
    text.setHtml(page)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    column = QVBoxLayout(dialog)
    column.addWidget(text)
    column.addWidget(buttons)
    dialog.resize(560, 640)
    dialog.show()
    dialog.activateWindow()
    return dialog
