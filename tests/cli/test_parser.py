"""The list of commands, and the parser made from it."""

import json

import pytest

from app import __version__
from app.cli import main, parser
from app.cli.command import Command
from app.cli.parser import COMMANDS, parse


def run_of(*words: str):
    return parse(words).run


def test_without_a_command_the_window_is_meant():
    view = next(command for command in COMMANDS if command.name == "view")
    for words in ((), ("folder",), ("--layout", "zoom"), ("view", "folder")):
        assert run_of(*words) is view.run


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_a_help_and_is_listed_in_that_of_the_program(command, capsys):
    for words in (["--help"], [command.name, "--help"]):
        with pytest.raises(SystemExit):
            parse(words)
        text = " ".join(capsys.readouterr().out.split())
        assert command.name in text
        assert command.summary in text


def test_the_version_is_that_of_the_program(capsys):
    with pytest.raises(SystemExit):
        parse(["--version"])
    assert capsys.readouterr().out == f"synoptic {__version__}\n"


def test_the_help_of_the_program_asks_no_command_for_its_arguments(monkeypatch, capsys):
    def arguments(parser):
        raise AssertionError("the lists of a command are read only for that command")

    monkeypatch.setattr(parser, "COMMANDS", (*COMMANDS, Command("hum", "Hum a tune.", arguments, lambda *_: None)))
    with pytest.raises(SystemExit):
        parse(["--help"])
    assert "Hum a tune." in capsys.readouterr().out


def test_a_command_added_to_the_list_runs_and_takes_json(monkeypatch, capsys):
    hum = Command("hum", "Hum a tune.", lambda parser: parser.add_argument("--times", type=int),
                  lambda args, progress: {"hummed": args.times})  # fmt: skip
    monkeypatch.setattr(parser, "COMMANDS", (*COMMANDS, hum))
    assert main(["hum", "--times", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"hummed": 3}


def test_what_cannot_be_parsed_ends_with_2_and_an_error_in_json(capsys):
    assert main(["fuse", "--js", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["hint"] == "See: synoptic fuse --help"
    assert "MRI, PARTNER, --network, --out" in document["error"]


def test_an_empty_name_is_no_path(capsys):
    assert main(["info", ""]) == 2
    assert "the name of a file or folder is empty" in capsys.readouterr().err
