import json

import pytest

from app.registration.verdict import Stopped, Verdict


def test_the_words_are_those_that_other_programs_read():
    assert [str(v) for v in Verdict] == ["header-aligned", "registered", "unverified", "rejected"]
    assert json.dumps(Verdict.UNVERIFIED) == '"unverified"'


@pytest.mark.parametrize("code", [*Verdict, *Stopped])
def test_every_code_has_a_sentence_of_its_own(code):
    assert code.sentence.endswith(".")
    assert sum(other.sentence == code.sentence for other in type(code)) == 1


def test_only_a_reader_s_confirmation_is_trusted():
    assert [v for v in Verdict if v.trusted] == [Verdict.REGISTERED]
