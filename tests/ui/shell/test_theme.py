"""The dark theme: colours that can be read, icons that are there, and no work done twice."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QLabel

from app.base import assets
from app.ui.shell import theme


def contrast(first: QColor, second: QColor) -> float:
    """WCAG 2.1's contrast ratio, 1 to 21."""

    def luminance(colour: QColor) -> float:
        parts = colour.redF(), colour.greenF(), colour.blueF()
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (QPalette.ColorRole.WindowText, QPalette.ColorRole.Window),
        (QPalette.ColorRole.Text, QPalette.ColorRole.Base),
        (QPalette.ColorRole.ButtonText, QPalette.ColorRole.Button),
        (QPalette.ColorRole.HighlightedText, QPalette.ColorRole.Highlight),
        (QPalette.ColorRole.ToolTipText, QPalette.ColorRole.ToolTipBase),
        (QPalette.ColorRole.Link, QPalette.ColorRole.Window),
    ],
)
def test_text_stands_out_from_its_ground(qapp, text, ground):
    palette = theme.palette()
    assert contrast(palette.color(text), palette.color(ground)) >= 4.5  # WCAG 2.1, level AA


def test_what_is_disabled_is_dimmer_than_what_is_not(qapp):
    palette, role = theme.palette(), QPalette.ColorRole.WindowText
    disabled = palette.color(QPalette.ColorGroup.Disabled, role)
    assert disabled.lightness() < palette.color(QPalette.ColorGroup.Active, role).lightness()


def test_the_sheet_names_icons_that_are_there_and_is_set_once(qapp, monkeypatch):
    theme.apply(qapp)
    sheet = qapp.styleSheet()
    assert "@icons@" not in sheet
    assert (assets.resources() / "icons").as_posix() in sheet or "url(" not in sheet
    monkeypatch.setattr(qapp, "setStyleSheet", lambda text: pytest.fail("every widget would be polished again"))
    theme.apply(qapp)


@pytest.mark.parametrize("name", sorted(path.stem for path in (assets.resources() / "icons").glob("*.svg")))
def test_every_icon_can_be_drawn(qapp, name):
    image = theme.icon(name).pixmap(24, 24).toImage()
    assert any(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24))


def test_figures_have_one_width(qapp):
    label = QLabel()
    font = theme.fixed_width_font(label)
    assert font.featureValue(QFont.Tag("tnum")) == 1
    label.deleteLater()
