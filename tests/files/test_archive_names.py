"""Names as the archivers of many countries write them, and names that lead outside."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from app.files.archive_names import decoded_names, folders_and_name


def written(path: Path, names: list[bytes]) -> Path:
    """A zip whose entries bear these bytes as their names, without the flag for UTF-8."""
    with zipfile.ZipFile(path, "w") as archive:
        for n, name in enumerate(names):
            archive.writestr(f"{n:0{len(name)}}", b"x")
    raw = path.read_bytes()
    for n, name in enumerate(names):
        raw = raw.replace(f"{n:0{len(name)}}".encode(), name)
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp932", ["表示/IM1", "表示/IM2"]),  # 表 is 95 5C, and 5C is the backslash
        ("cp932", ["頭部CT\\IM1"]),
        ("cp932", ["山田太郎/アーカイブ/IM1"]),
        ("gbk", ["图像/IM1"]),
        ("gbk", ["头部\\IM1"]),
        ("cp949", ["영상/IM1"]),
        ("cp866", ["Голова МРТ/снимки/IM1"]),
        ("cp437", ["Schädel\\Größe\\IM1"]),
        ("cp850", ["crâne/tête/IM1"]),
        ("utf-8", ["größe/頭/IM1"]),  # as macOS writes it
        ("cp437", ["DICOM/IM1"]),
    ],
)
def test_names_are_read_in_the_code_page_they_were_written_in(tmp_path, encoding, names):
    path = written(tmp_path / "a.zip", [name.encode(encoding) for name in names])
    with zipfile.ZipFile(path) as archive:
        assert decoded_names(archive.infolist()) == names


def test_a_name_that_says_it_is_utf_8_is(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("表示/größe", b"x")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert decoded_names(archive.infolist()) == ["表示/größe"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("DICOM/IM1", ("DICOM", "IM1")),
        ("DICOM\\PAT 1\\IM1", ("DICOM", "PAT 1", "IM1")),
        (".\\DICOM\\IM1", ("DICOM", "IM1")),
        ("DICOM//.//IM1", ("DICOM", "IM1")),
        ("10:30/IM1?.dcm", ("10_30", "IM1_.dcm")),
        ("a..b/..c", ("a..b", "..c")),
    ],
)
def test_names_are_split_at_either_slash(name, parts):
    assert folders_and_name(name) == parts


@pytest.mark.parametrize(
    "name",
    [
        "", "../a", "..\\a", "a/../../b", "a\\..\\..\\b", "a/..\\b", "/etc/a", "\\Windows\\a", "\\\\server\\share\\a",
        "//server/share/a", "C:a", "c:/a", "D:\\a", "a\0b", "..",
    ],
)  # fmt: skip
def test_names_that_lead_outside_have_no_parts(name):
    assert folders_and_name(name) is None
