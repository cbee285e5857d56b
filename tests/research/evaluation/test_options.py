"""The options of the measuring commands."""

from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

from app.research.evaluation import options
from app.research.evaluation.evaluate import Request


def test_evaluate_has_an_option_for_every_field_of_its_request():
    parser = argparse.ArgumentParser()
    options.add_evaluate(parser)
    args = vars(parser.parse_args(["--pairs", "x"]))
    assert set(args) == {field.name for field in fields(Request)}
    for field in fields(Request)[1:]:
        assert args[field.name] == (list(field.default) if field.name in ("weights", "table") else field.default)


def test_an_empty_path_is_refused():
    with pytest.raises(argparse.ArgumentTypeError, match="empty"):
        options.path_argument("")
