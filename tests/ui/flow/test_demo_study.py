"""The demo study in the cache folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.base import folders
from app.base.errors import InputError
from app.ui.flow import demo_study as demo


def test_the_demo_is_made_once_and_whole_or_not_at_all(monkeypatch):
    from app.phantom import study as demo_study

    made = []

    def write(folder, *, progress):
        made.append(folder)
        (folder / "dicom").mkdir()
        if len(made) == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo_study, "write_demo", write)
    with pytest.raises(InputError, match="No space left on device"):
        demo.prepare(lambda fraction, message="": None)
    assert list(folders.cache().iterdir()) == []
    found = demo.prepare(lambda fraction, message="": None)
    assert found == Path(demo.folder()) / "dicom"
    assert found.is_dir()
    assert demo.prepare(lambda fraction, message="": None) == found
    assert len(made) == 2
    found.rmdir()
    demo.folder().rmdir()
