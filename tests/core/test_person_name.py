"""Names as PS3.5 6.2.1.1 and its annexes H, I and J write them: in one to three groups, in many scripts."""

from __future__ import annotations

import unicodedata

import pytest

from app.core.person_name import names_contradict, readable

JAPANESE = "Yamada^Tarou=山田^太郎=やまだ^たろう"  # PS3.5 H.3
KOREAN = "Hong^Gildong=洪^吉洞=홍^길동"  # PS3.5 I.2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (JAPANESE, "YAMADA^TAROU"),
        (JAPANESE, "=山田^太郎"),
        (JAPANESE, "山田^太郎"),  # an alphabetic group that holds ideographs
        (JAPANESE, "==やまだ^たろう"),
        (JAPANESE, "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),  # half-width kana (PS3.5 H.3.2)
        (JAPANESE, "ＹＡＭＡＤＡ^ＴＡＲＯＵ"),  # full-width letters
        (KOREAN, "HONG^GILDONG^^^="),
        (KOREAN, "Hong^Gildong==홍^길동"),
        ("Люкceмбypг", "ЛЮКCEМБYPГ"),
        ("Müller^Jörg", unicodedata.normalize("NFD", "MÜLLER^JÖRG")),
        ("Doe^Jane^^^", "DOE^JANE"),
        ("Doe ^ Jane", "Doe^Jane"),
        ("", JAPANESE),
        ("===", JAPANESE),
    ],
)
def test_one_name_written_in_other_ways_is_one_name(first, second):
    assert names_contradict(first, second) is False
    assert names_contradict(second, first) is False


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (JAPANESE, "Suzuki^Tarou"),
        (JAPANESE, "Yamada^Tarou=山田^次郎"),  # the same letters, other ideographs
        (JAPANESE, "==すずき^たろう"),
        (KOREAN, JAPANESE),
        ("Doe^Jane", "Jane^Doe"),
        ("Doe^Jane", "Doe^Jane^Marie"),
        ("قباني^لنزار", "نزار^قباني"),
    ],
)
def test_a_group_that_differs_is_another_name(first, second):
    assert names_contradict(first, second) is True
    assert names_contradict(second, first) is True


@pytest.mark.parametrize("other", ["Διονυσιος", "Иванов^Иван", "山田^太郎", "ﾔﾏﾀﾞ^ﾀﾛｳ", "홍^길동", "שרון^דבורה"])
def test_names_without_a_common_script_cannot_be_compared(other):
    assert names_contradict("Yamada^Tarou", other) is None


def test_a_name_is_readable_with_all_its_groups():
    assert readable(JAPANESE) == "Yamada Tarou (山田 太郎, やまだ たろう)"
    assert readable("=山田^太郎") == "山田 太郎"
    assert readable("Doe^Jane^^Dr^") == "Doe Jane Dr"
    assert readable("") == ""
