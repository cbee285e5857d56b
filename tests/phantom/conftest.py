"""A small demo study, written once for all tests of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.phantom.study import write_demo


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "study"
    write_demo(folder, small=True)
    return folder


@pytest.fixture(scope="session")
def truth(study: Path) -> dict[str, Any]:
    return json.loads((study / "truth.json").read_text(encoding="utf-8"))
