"""The view command: what it hands to the window, and what it says before there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.base.terminal import CANCELLED
from app.cli import main


@pytest.fixture
def window(monkeypatch) -> list[tuple[list[Path], dict[str, Any]]]:
    """Calls of the window's `run`, which ends at once with 0."""
    calls: list[tuple[list[Path], dict[str, Any]]] = []

    def run(paths: list[Path], **options: Any) -> int:
        calls.append((paths, options))
        return 0

    monkeypatch.setattr("app.ui.application.run", run)
    return calls


def test_paths_and_options_reach_the_window(window, tmp_path):
    assert main([str(tmp_path), "--layout", "zoom", "--network", "average"]) == 0
    assert window == [([tmp_path], {"layout": "zoom", "network": "average", "screenshot": None})]


def test_a_path_that_is_not_there_is_told_before_any_window(window, tmp_path, capsys):
    assert main([str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert window == []


def test_a_window_that_was_cancelled_ends_like_a_command_that_was(monkeypatch, capsys):
    monkeypatch.setattr("app.ui.application.run", lambda paths, **options: CANCELLED)
    assert main([]) == CANCELLED
    assert "cancelled" in capsys.readouterr().err
