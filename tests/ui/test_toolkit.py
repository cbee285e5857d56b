"""The toolkit itself: a fault here shows as an abort somewhere else."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QWidget


def test_the_installed_pyside6_keeps_its_references_to_none(qapp):
    """PySide6 6.12.0 drops one reference at every call that returns None, and Python 3.11 aborts when none is left.

    If this fails, install the version pinned in packaging/requirements.txt.
    """
    widget = QWidget()
    before = sys.getrefcount(None)
    for _ in range(400):
        widget.update()
    assert sys.getrefcount(None) - before > -200
