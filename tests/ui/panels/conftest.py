"""Volumes and a workspace for tests of panels."""

from __future__ import annotations

import pytest

from app.ui.flow.workspace import Workspace
from tests.scenes import head


@pytest.fixture(scope="module")
def volumes():
    return head(size=48, slices=12)


@pytest.fixture
def workspace(qapp):
    one = Workspace()
    yield one
    one.tasks.stop()
