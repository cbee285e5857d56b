"""Messages: sentence and hint of an error, a bug without a patient's data on stderr, and the red stop."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton

from app.base.errors import InputError
from app.ui.shell.messages import MOST_SHOWN, Notice, NoticeBar, StopBanner, of_error, plain_label


@pytest.fixture
def bar(qapp):
    notice_bar = NoticeBar()
    yield notice_bar
    notice_bar.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # its dismissed rows go while it still lives
    notice_bar.deleteLater()
    QCoreApplication.sendPostedEvents(notice_bar, QEvent.Type.DeferredDelete)


def _raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def test_an_error_the_user_can_mend_shows_its_sentence_and_hint():
    notice = of_error("Opening", InputError("No image.", "Open another."), "open")
    assert (notice.text, notice.hint, notice.kind) == ("No image.", "Open another.", "error")


def test_a_bug_shows_its_type_and_keeps_its_message_off_stderr(capsys):
    notice = of_error("Opening", _raised(ValueError("Muster^Anna")))
    assert "ValueError" in notice.text
    told = capsys.readouterr().err
    assert "_raised" in told  # where it happened
    assert "Muster" not in told


def test_a_notice_replaces_the_one_with_its_topic(bar):
    bar.show_notice(Notice("first", topic="a"))
    bar.show_notice(Notice("second", topic="a"))
    assert [one.text for one in bar.notices] == ["second"]
    bar.clear_topic("a")
    assert bar.notices == ()
    assert bar.isHidden()


def test_only_the_latest_few_are_shown(bar):
    for n in range(MOST_SHOWN + 3):
        bar.show_notice(Notice(f"{n}"))
    assert [one.text for one in bar.notices] == ["3", "4", "5"]


def test_a_cross_takes_a_notice_away(bar):
    bar.show_notice(Notice("one"))
    bar.show_notice(Notice("two"))
    QTest.mouseClick(bar.findChildren(QToolButton)[0], Qt.MouseButton.LeftButton)
    assert [one.text for one in bar.notices] == ["two"]


def test_labels_show_html_as_it_is(qapp):
    assert plain_label("<b>x</b>").textFormat() == Qt.TextFormat.PlainText


def test_the_stop_names_the_fields_and_is_confirmed_by_its_button_alone(qapp):
    stop = StopBanner()
    confirmed = []
    stop.confirmed.connect(lambda: confirmed.append(True))
    stop.show_contradictions(("name", "sex"))
    assert not stop.isHidden()
    assert "name, sex" in stop.findChildren(QLabel)[0].text()
    assert stop.confirm_button.focusPolicy() == Qt.FocusPolicy.NoFocus  # Space or Return cannot press it
    QTest.mouseClick(stop.confirm_button, Qt.MouseButton.LeftButton)
    assert confirmed == [True]
    stop.show_contradictions(())
    assert stop.isHidden()
