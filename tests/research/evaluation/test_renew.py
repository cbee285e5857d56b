"""A document's tables are renewed by the commands that stand above them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.research.__main__ import main
from app.research.evaluation.renew import printed, process_words, shown
from tests.research import made_up

DOCUMENT = """# Methods

Text with | a bar.

## Two of them

    synoptic evaluate --pairs DIR --networks average,maximum

| ct-mri, 9 | old |
|---|---|
| maximum | 1 |

| pet-mri, 9 | old |
|---|---|
| maximum | 1 |
Between.

## By hand

    python -m app.fusion.something

| ct-mri | kept |
|---|---|
| by hand | 7 |
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "methods.md"
    path.write_text(DOCUMENT, "utf-8")
    return path


def test_tables_belong_to_the_command_above_them_and_to_no_other():
    (one,) = shown(DOCUMENT.splitlines())
    assert one.command == "synoptic evaluate --pairs DIR --networks average,maximum"
    assert one.heading == "Two of them"
    assert one.tables == [("ct-mri", 8, 11), ("pet-mri", 12, 15)]


def test_tables_in_what_a_command_prints_are_told_apart_by_their_task():
    text = "note\n| **ct-mri**, 2 | EN |\n|---|---|\n| a | 1 |\n\n| pet-mri, 3 | EN |\n"
    assert printed(text) == {"ct-mri": text.splitlines()[1:4], "pet-mri": ["| pet-mri, 3 | EN |"]}


def test_a_command_runs_on_the_folders_given():
    folders = {"--pairs": Path("a b"), "--peers": Path("p")}
    assert process_words("synoptic evaluate --pairs DIR --scalar", folders)[1:] == [
        *("-m", "app", "evaluate", "--pairs", "a b", "--scalar")
    ]
    assert process_words("python -m app.research lesions --peers X --pairs DIR", folders)[1:] == [
        *("-m", "app.research", "lesions", "--peers", "X", "--pairs", "a b")
    ]


def test_new_tables_stand_where_the_old_ones_stood_and_the_rest_stays(document, tmp_path):
    pairs = made_up.write(tmp_path / "pairs")
    assert main(["renew", str(document), "--pairs", str(pairs)]) == 0
    now = document.read_text("utf-8")
    head, new, rest = now.partition("| ct-mri, 2 |")
    assert head == DOCUMENT[: DOCUMENT.index("| ct-mri, 9 |")]
    assert new
    assert "| pet-mri, 2 |" in rest
    assert "spect-mri" not in now  # printed, and nowhere asked for
    assert now[now.index("Between.") :] == DOCUMENT[DOCUMENT.index("Between.") :]
    assert {line.split(" | ")[0].strip("| ") for line in now[: now.index("Between.")].splitlines() if "." in line} >= {
        *("average", "maximum")
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("| maximum | 1 |", "| gone | 1 |"), "prints nothing of gone for 'ct-mri'"),
        (("pet-mri, 9", "other-task, 9"), "prints no table of 'other-task'"),
        (("average,maximum", "nonsense"), "ended with 2"),
        (("synoptic evaluate", "synoptic info"), "no command with tables"),
    ],
)
def test_what_cannot_be_renewed_is_told_and_nothing_is_written(document, tmp_path, capfd, change, told):
    document.write_text(DOCUMENT.replace(*change), "utf-8")
    before = document.read_bytes()
    assert main(["renew", str(document), "--pairs", str(made_up.write(tmp_path / "pairs"))]) == 2
    assert told in capfd.readouterr().err
    assert document.read_bytes() == before


def test_a_document_that_is_not_there_and_a_text_that_nothing_has(document, tmp_path, capsys):
    assert main(["renew", str(tmp_path / "none.md"), "--pairs", "x"]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert main(["renew", str(document), "--pairs", "x", "--only", "lesions"]) == 2
    assert "has 'lesions' in it" in capsys.readouterr().err


def test_a_command_with_a_folder_that_nobody_named_is_left_as_it_is(document, tmp_path, capsys):
    text = DOCUMENT.replace("--pairs DIR", "--peers RECIPES --pairs DIR")
    document.write_text(text, "utf-8")
    assert main(["renew", str(document), "--pairs", str(tmp_path)]) == 0
    assert "it does not say what RECIPES is" in capsys.readouterr().err
    assert document.read_text("utf-8") == text
