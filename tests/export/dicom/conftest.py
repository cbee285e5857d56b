"""DICOM objects of each kind, written once for the tests of this folder."""

from __future__ import annotations

import pytest

from app import export
from tests.export.studies import study

KINDS = [("PT", False), ("CT", False), ("PT", True), ("CT", True)]


IDS = ["colour capture", "grey capture", "derived from PET pair", "derived from CT pair"]


@pytest.fixture(scope="session", params=KINDS, ids=IDS)
def written(request, tmp_path_factory):
    """(stack, derived, files) of each kind of object."""
    folder = tmp_path_factory.mktemp("dicom")
    partner, derived = request.param
    stack = study(folder / "source", partner=partner)
    return (
        stack,
        derived,
        export.write(stack, folder / "out", formats=("dicom",), switches=("derived-mr",) if derived else ()),
    )


@pytest.fixture(scope="session")
def pet(tmp_path_factory):
    return study(tmp_path_factory.mktemp("pet"))
