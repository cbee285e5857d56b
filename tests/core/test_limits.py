"""Memory is asked for before it is taken."""

from __future__ import annotations

import pytest

from app.core.limits import BoundedFile, TooLargeError, budget_bytes, require


def test_the_budget_is_a_part_of_this_machines_memory():
    assert 1 << 24 < budget_bytes() < 1 << 44


def test_more_than_the_budget_is_refused_by_name():
    with pytest.raises(TooLargeError, match="head CT: needs 1048576"):
        require(1 << 50, "head CT")
    require(1, "head CT")


def test_a_bounded_file_reads_no_more_than_there_is(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"abcdef")
    with BoundedFile(path) as file:
        assert file.read(2) == b"ab"
        assert file.read(1 << 40) == b"cdef"
        assert file.read(1 << 40) == b""
        assert file.name == str(path)  # pydicom adds it to a sentence
