"""Errors a user can mend: a sentence, a hint, and one tree that every such error of the program belongs to."""

from __future__ import annotations

import ast
import re

import pytest

from app.base import errors
from app.base.errors import AppError, ExportError, InputError
from tests.paths import ROOT

ANSWERS = {  # exceptions that are no errors: the user asked for them, or they are what a caller wants to know
    "Cancelled",
    "NoSuv",
    "NotAStack",
}


class NoTapeError(ExportError):
    hint = "Insert a tape."

    def __init__(self, drive: str) -> None:
        super().__init__(f"Drive {drive} holds no tape.")


def test_str_is_the_sentence_and_the_hint_is_that_of_the_class_or_of_the_moment():
    assert str(NoTapeError("B")) == "Drive B holds no tape."
    assert NoTapeError("B").hint == "Insert a tape."
    assert InputError("It is cut short.").hint == ""
    assert InputError("It is cut short.", "Copy it again.").hint == "Copy it again."
    assert InputError.hint == ""  # what one error says is not said by the next


def test_one_except_catches_the_whole_tree():
    with pytest.raises(AppError, match="no tape"):
        raise NoTapeError("A")


def test_the_tree_in_the_docstring_is_the_one_in_the_code():
    named = re.findall(r"── (\w+)", errors.__doc__ or "")
    branches = [kind.__name__ for kind in AppError.__subclasses__() if kind.__module__ == errors.__name__]
    assert named == branches


def test_no_exception_of_the_program_stands_outside_the_tree():
    outside = set()
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if bases & {"Exception", "BaseException", "RuntimeError", "ValueError", "OSError"}:
                    outside.add(node.name)
    assert outside - ANSWERS == {"AppError"}
