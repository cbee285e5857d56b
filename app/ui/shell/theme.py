"""The dark theme: Fusion style, a palette for what style sheets cannot reach, resources/style.qss, and the icons."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.base import assets

_COLOURS = {
    QPalette.ColorRole.Window: "#1b1d21",
    QPalette.ColorRole.WindowText: "#dcdfe4",
    QPalette.ColorRole.Base: "#121316",
    QPalette.ColorRole.AlternateBase: "#1b1e22",
    QPalette.ColorRole.Text: "#dcdfe4",
    QPalette.ColorRole.PlaceholderText: "#8b919b",
    QPalette.ColorRole.Button: "#343941",
    QPalette.ColorRole.ButtonText: "#dcdfe4",
    QPalette.ColorRole.BrightText: "#ff8f85",
    QPalette.ColorRole.Highlight: "#2f6fb3",
    QPalette.ColorRole.HighlightedText: "#ffffff",
    QPalette.ColorRole.ToolTipBase: "#30343b",
    QPalette.ColorRole.ToolTipText: "#eceff3",
    QPalette.ColorRole.Link: "#8fc7ff",
    QPalette.ColorRole.LinkVisited: "#b9a7ff",
    QPalette.ColorRole.Light: "#4c525c",
    QPalette.ColorRole.Midlight: "#3e444d",
    QPalette.ColorRole.Mid: "#33373e",
    QPalette.ColorRole.Dark: "#16181b",
    QPalette.ColorRole.Shadow: "#0f1012",
}
_DISABLED = (
    QPalette.ColorRole.WindowText,
    QPalette.ColorRole.Text,
    QPalette.ColorRole.ButtonText,
    QPalette.ColorRole.HighlightedText,
)


def apply(application: QApplication) -> None:
    """Give the whole program its look; every window opened later has it too."""
    sheet = (assets.resources() / "style.qss").read_text(encoding="utf-8")
    sheet = sheet.replace("@icons@", (assets.resources() / "icons").as_posix())
    if application.styleSheet() == sheet:
        return  # it would have every widget there is polished again
    application.setStyle("Fusion")
    application.setPalette(palette())
    application.setStyleSheet(sheet)


def palette() -> QPalette:
    dark = QPalette()
    for role, colour in _COLOURS.items():
        dark.setColor(role, QColor(colour))
    for role in _DISABLED:
        dark.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7d838c"))
    dark.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight, QColor("#3a3f47"))
    return dark


def icon(name: str) -> QIcon:
    """resources/icons/<name>.svg: drawn in light strokes for the dark theme, sharp on any screen."""
    return QIcon(str(assets.resources() / "icons" / f"{name}.svg"))


def repolish(widget: QWidget) -> None:
    """Let the style sheet look again at a widget whose property, such as `verdict` or `kind`, has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def fixed_width_font(widget: QWidget) -> QFont:
    """The widget's font with figures of one width, so that numbers do not jump while they change."""
    font = QFont(widget.font())
    font.setFeature(QFont.Tag("tnum"), 1)
    return font
