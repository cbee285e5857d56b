"""The list of keys, and what the program is and is not."""

from __future__ import annotations

import html

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTextBrowser

from app import NOT_FOR_DIAGNOSIS, __version__
from app.ui.commands.listing import sections
from app.ui.dialogs.help_dialog import about_html, keys_html


def test_the_list_of_keys_opens_with_a_question_mark(window):
    QTest.keyClick(window.views, "?")
    pages = [widget for widget in QApplication.topLevelWidgets() if widget.findChild(QTextBrowser)]
    assert "Show the MRI alone" in pages[0].findChild(QTextBrowser).toPlainText()
    pages[0].close()


def test_every_section_of_keys_is_a_heading_and_signs_are_not_taken_for_html():
    page = keys_html(sections())
    for title, rows in sections().items():
        assert f">{html.escape(title)}</h3>" in page
        for keys, text in rows:
            assert html.escape(keys) in page
            assert html.escape(text) in page


def test_about_names_the_version_and_what_the_program_is_not():
    page = about_html()
    assert f"Synoptic {__version__}" in page
    assert NOT_FOR_DIAGNOSIS in page
    assert "not a medical device" in page
