"""The folders of a user's files are where they have always been, on each platform."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from platformdirs.macos import MacOS

from app.base import folders


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the names of folders on Linux")
def test_the_folders_follow_xdg(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "k"))
    assert folders.config() == tmp_path / "c" / "synoptic"
    assert folders.cache() == tmp_path / "k" / "synoptic"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the names of folders on Linux")
def test_without_xdg_they_lie_in_the_home_folder(tmp_path, monkeypatch):
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folders.config() == tmp_path / ".config" / "synoptic"
    assert folders.cache() == tmp_path / ".cache" / "synoptic"
    assert list(tmp_path.iterdir()) == []  # they are named, not made


def test_on_macos_they_lie_in_the_library(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(folders, "_NAME", "Synoptic")
    for name in ("config", "cache"):
        monkeypatch.setattr(
            folders.platformdirs,
            f"user_{name}_path",
            lambda *given, name=name, **options: Path(getattr(MacOS(*given, **options), f"user_{name}_dir")),
        )
    assert folders.config() == tmp_path / "Library" / "Application Support" / "Synoptic"
    assert folders.cache() == tmp_path / "Library" / "Caches" / "Synoptic"
