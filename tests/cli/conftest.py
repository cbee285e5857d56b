"""The demo study on disk, and commands run with --json."""

from __future__ import annotations

import json

import pytest

from app.cli import main
from app.phantom.study import write_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "demo"
    return folder, write_demo(folder, small=True)


@pytest.fixture
def run(capsys):
    """Run a command with --json: (exit code, document, stderr)."""

    def runner(*words) -> tuple[int, dict, str]:
        code = main([*map(str, words), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out), captured.err

    return runner
