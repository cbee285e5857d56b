"""The list of commands for the README."""

import argparse

from app.cli.command import Command
from app.cli.manual import BEGIN, END, main, manual, synopsis, with_manual


def made_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--loud", action="store_true")
    parser.add_argument("--how", choices=("low", "high"))
    parser.add_argument("--out", required=True, metavar="DIR")


HUM = Command("hum", "Hum a tune.", made_up, lambda args, progress: None)


def test_required_arguments_come_first_and_the_others_in_brackets():
    assert synopsis(HUM) == ["synoptic hum PATH... --out DIR [--loud] [--how low|high]"]


def test_lines_are_broken_between_arguments():
    def many(parser):
        for n in range(20):
            parser.add_argument(f"--option-{n}", metavar="NAME")

    lines = synopsis(Command("hum", "", many, lambda *_: None))
    assert len(lines) > 1
    assert all(len(line) <= 120 for line in lines)
    assert all(line.startswith("         [--option-") and line.endswith("NAME]") for line in lines[1:])


def test_only_what_stands_between_the_marks_is_written_anew(tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}stale\n{END}after\n", encoding="utf-8")
    main([str(readme)])
    assert readme.read_text(encoding="utf-8") == f"before\n{BEGIN}{manual()}{END}after\n"
    assert with_manual("without marks\n") == "without marks\n"
    main([])
    assert capsys.readouterr().out == manual()
