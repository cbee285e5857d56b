"""The program's version and the notice that every picture of it carries."""

from __future__ import annotations

import re

from app import NOT_FOR_DIAGNOSIS, __version__
from tests.paths import ROOT


def test_the_version_is_a_release_that_the_changelog_tells_of():
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert f"## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_notice_is_short_enough_for_a_series_description():
    assert NOT_FOR_DIAGNOSIS == "NOT FOR DIAGNOSTIC USE"  # 22 of the 64 characters of DICOM's LO
