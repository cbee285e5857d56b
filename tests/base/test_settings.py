"""Settings survive a round trip, damage, and a full disk."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from app.base import settings
from app.base.settings import Settings


def test_what_is_saved_is_loaded(tmp_path):
    chosen = replace(Settings(), layout="planes", network="average", panel_width=400, window_drag_reversed=True)
    settings.save(chosen, tmp_path / "new" / "folder")
    assert settings.load(tmp_path / "new" / "folder") == (chosen, "")


def test_times_of_slices_are_kept_and_damaged_ones_are_not(tmp_path):
    times = {"lkcfunet cpu 256x256": 4100.5, "average cuda 512x512": 0.25}
    settings.save(replace(Settings(), slice_ms=times), tmp_path)
    assert settings.load(tmp_path) == (replace(Settings(), slice_ms=times), "")
    many = {f"a cpu {n}x1": 1.0 for n in range(settings.MOST_SLICE_TIMES + 1)}
    for bad in ({"a": "4"}, {"a": -1.0}, {"a": True}, {"a" * 101: 1.0}, {"a": 1e9}, [1.0], many):
        (tmp_path / settings.FILE_NAME).write_text(json.dumps({"slice_ms": bad}), encoding="utf-8")
        loaded, note = settings.load(tmp_path)
        assert loaded == Settings()
        assert "slice_ms" in note


def test_without_a_file_the_defaults_need_no_note(tmp_path):
    assert settings.load(tmp_path) == (Settings(), "")


@pytest.mark.parametrize(
    "damage", [b"{", b"\xff\xfe\x00", b"[]", b"3", b"", b'{"slice_ms": {"a": Infinity}}', b'{"network": "\xff"}']
)
def test_a_damaged_file_gives_defaults_and_a_note(tmp_path, damage):
    (tmp_path / settings.FILE_NAME).write_bytes(damage)
    loaded, note = settings.load(tmp_path)
    assert loaded == Settings()
    assert "defaults" in note


def test_one_unusable_value_costs_only_itself(tmp_path):
    stored = {"layout": "upside-down", "panel_width": True, "browser_width": 10**9, "network": "average", "later": 1}
    (tmp_path / settings.FILE_NAME).write_text(json.dumps(stored), encoding="utf-8")
    loaded, note = settings.load(tmp_path, choices={"layout": ("planes",)})
    assert loaded == replace(Settings(), network="average")
    assert "browser_width, layout, panel_width" in note
    assert "later" not in note


def test_a_failed_write_leaves_the_old_file_whole(tmp_path, monkeypatch):
    settings.save(Settings(), tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        settings.save(replace(Settings(), network="average"), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [settings.FILE_NAME]
    assert settings.load(tmp_path) == (Settings(), "")


def test_a_list_of_the_layers_above_says_what_a_field_may_hold(tmp_path):
    chosen = replace(Settings(), layout="spiral", palettes={"PT": "Rust"})
    settings.save(chosen, tmp_path)
    assert settings.load(tmp_path, choices={"layout": {"spiral": 1}, "palettes": ("Rust",)}) == (chosen, "")
    loaded, note = settings.load(tmp_path, choices={"layout": ("zoom",), "palettes": ("Grey",)})
    assert loaded == Settings()
    assert "layout, palettes" in note


@pytest.mark.parametrize("bad", [{"PT": 3}, {"PT": ["Grey"]}, {"PT": "x" * 101}, ["Grey"]])
def test_palettes_that_are_no_names_are_not_kept(tmp_path, bad):
    (tmp_path / settings.FILE_NAME).write_text(json.dumps({"palettes": bad}), encoding="utf-8")
    assert settings.load(tmp_path)[0] == Settings()
    assert settings.load(tmp_path, choices={"palettes": {"Grey": 1}})[0] == Settings()
