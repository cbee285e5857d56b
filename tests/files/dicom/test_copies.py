"""Pictures that are there twice, by their pixels and not by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.files.dicom.copies import copy_warnings, same_pixels, without_copies
from app.files.dicom.frames import Frame, frames
from app.files.dicom.header import read_header
from tests.files.dicom.dicom_files import dataset, put_pixels, slice_values


def frame(path: Path, values: int = 0, uid: str = "1.2.3", slope: float = 1) -> Frame:
    ds = dataset("CT")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid
    ds.RescaleSlope = slope
    put_pixels(ds, slice_values(values))
    ds.save_as(path, enforce_file_format=True)
    (only,) = frames(read_header(path))
    return only


def test_the_same_pixels_in_other_files_are_the_same(tmp_path):
    first, second = frame(tmp_path / "a"), frame(tmp_path / "b", uid="1.2.4")
    assert same_pixels(first, second)
    assert not same_pixels(first, frame(tmp_path / "c", values=1))
    assert not same_pixels(first, frame(tmp_path / "d", slope=2))


def test_only_the_same_uid_with_the_same_pixels_is_a_copy(tmp_path):
    first = frame(tmp_path / "a")
    others = [frame(tmp_path / "b"), frame(tmp_path / "c", values=1), frame(tmp_path / "d", uid="1.2.4")]
    unique, warnings = without_copies([first, *others], lambda _: "")
    assert [original.path.name for original in unique] == ["a", "c", "d"]
    assert warnings == ("b: the same image is there twice, the copy was left out.",)


def test_what_is_no_slice_is_never_called_a_copy(tmp_path):
    pair = [frame(tmp_path / "a"), frame(tmp_path / "b")]
    assert without_copies(pair, lambda _: "a report") == (pair, ())


@pytest.mark.parametrize(("count", "end"), [(5, "4: "), (7, "4 and 2 more: ")])
def test_many_copies_are_counted(count, end):
    (sentence,) = copy_warnings([str(n) for n in range(count)])
    assert end in sentence
