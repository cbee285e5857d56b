"""Zip archives, gzipped DICOM and DICOMDIRs, honest and hostile."""

from __future__ import annotations

import gzip
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from app.base.errors import AppError
from app.files import archives, readers
from app.files.readers import Scan
from tests.files.dicom.dicom_files import dataset, write_series


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def slices(folder: Path, count: int = 3) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in write_series(folder, places=range(count)).iterdir()}


def reasons(scan: Scan) -> str:
    return " ".join(skip.reason for skip in scan.skipped)


def test_a_zip_opens_like_a_folder_in_a_private_place(tmp_path):
    path = zipped(tmp_path / "stüdy.zip", {f"größe/{name}": data for name, data in slices(tmp_path / "s").items()})
    (series,) = readers.scan([path]).series
    assert readers.read(series).geometry.size == (8, 6, 3)
    folder = archives.private_folder()
    assert series.paths[0].is_relative_to(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_a_zip_from_windows_opens_like_any_other(tmp_path, encoding):
    folder, separator = ("PAT1", "\\") if encoding == "ascii" else ("表示", "/")
    stand_in = "Q" * len(folder.encode(encoding))
    plain = slices(tmp_path / "s")
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(stand_in + "/"), b"")
        for name, data in plain.items():
            entry = zipfile.ZipInfo("a")
            entry.filename = f"{stand_in}/{name}"
            archive.writestr(entry, data)
    raw = (tmp_path / "w.zip").read_bytes()
    (tmp_path / "w.zip").write_bytes(raw.replace(f"{stand_in}/".encode(), f"{folder}{separator}".encode(encoding)))
    scan = readers.scan([tmp_path / "w.zip"])
    (series,) = scan.series
    assert scan.skipped == ()
    assert {path.parent.name for path in series.paths} == {folder}
    np.testing.assert_array_equal(readers.read(series).stored[:, 0, 0], [0, 1000, 2000])


def test_unpacked_files_are_gone_when_the_program_ends(tmp_path):
    path = zipped(tmp_path / "s.zip", slices(tmp_path / "s"))
    program = (
        "import sys; from pathlib import Path; from app.files import readers\n"
        "print(readers.scan([Path(sys.argv[1])]).series[0].paths[0])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    unpacked = Path(done.stdout.strip())
    assert unpacked.suffix == ".dcm"
    assert not unpacked.exists()
    assert not unpacked.parents[1].exists()


def test_a_folder_left_by_a_program_that_was_killed_is_removed(tmp_path, monkeypatch):
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    left = tmp_path / f"{archives.PREFIX}{finished.pid}-abc"
    ours = tmp_path / f"{archives.PREFIX}{archives.os.getpid()}-abc"
    for folder in (left, ours):
        folder.mkdir()
    monkeypatch.setattr(archives.tempfile, "tempdir", str(tmp_path))
    archives._remove_left_behind()
    assert not left.exists()
    assert ours.exists()


@pytest.mark.parametrize("name", ["../out.dcm", "/etc/out.dcm", "a/../../out.dcm", "c:out.dcm", "..\\out.dcm",
                                  "a\\..\\..\\out.dcm", "\\out.dcm", "\\\\server\\out.dcm"])  # fmt: skip
def test_names_that_lead_out_of_a_zip_are_refused(tmp_path, name):
    scan = readers.scan([zipped(tmp_path / "s.zip", {name: b"x", **slices(tmp_path / "s")})])
    assert "leads outside" in reasons(scan)
    assert len(scan.series) == 1
    assert not list(tmp_path.glob("out*"))


def test_links_doubles_and_archives_in_a_zip_are_refused(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a": b"b"}).read_bytes()
    path = zipped(tmp_path / "s.zip", {"inner.zip": inner, "a.txt": b"1", "A.TXT": b"2"})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link.dcm")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    sentences = reasons(readers.scan([path]))
    for what in ("link", "two files of this name", "archive inside"):
        assert what in sentences


def test_an_entry_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path):
    path = zipped(tmp_path / "bomb.zip", {"bomb.dcm": bytes(32 << 20)})
    assert "100 times" in reasons(readers.scan([path]))


def test_limits_on_entries_and_size(tmp_path, monkeypatch):
    path = zipped(tmp_path / "s.zip", {"a": b"1", "b": b"2"})
    monkeypatch.setattr(archives, "MOST_ENTRIES", 1)
    with pytest.raises(AppError, match="2 files"):
        readers.scan([path])
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MOST_BYTES", 1)
    with pytest.raises(AppError, match="unpacks to more"):
        readers.scan([path])


def test_an_entry_without_a_name_is_refused(tmp_path):
    path = zipped(tmp_path / "s.zip", {"NAME": b"1"})
    path.write_bytes(path.read_bytes().replace(b"NAME", b"\0\0\0\0"))
    assert "leads outside" in reasons(readers.scan([path]))


@pytest.mark.parametrize("cut", [30, 200, 1000])
def test_a_damaged_zip_is_refused_in_a_sentence(tmp_path, cut):
    path = zipped(tmp_path / "s.zip", slices(tmp_path / "s"))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(AppError, match=r"s\.zip: it is not a zip archive"):
        readers.scan([path])


def test_a_skipped_file_is_named_by_its_archive(tmp_path):
    scan = readers.scan([zipped(tmp_path / "s.zip", {"notes/read.me": b"hello"})])
    assert scan.skipped[0].path == tmp_path / "s.zip" / "notes" / "read.me"


def test_gzipped_dicom_is_read(tmp_path):
    ds = dataset()
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (tmp_path / "a.dcm.gz").write_bytes(gzip.compress((tmp_path / "a.dcm").read_bytes()))
    (tmp_path / "a.dcm").unlink()
    (series,) = readers.scan([tmp_path]).series
    assert int(readers.read(series).stored[0, 5, 7]) == 57


def test_a_gzipped_bomb_is_refused(tmp_path):
    ds = dataset()
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (tmp_path / "a.dcm.gz").write_bytes(gzip.compress((tmp_path / "a.dcm").read_bytes() + bytes(64 << 20)))
    assert "unpacks to more" in reasons(readers.scan([tmp_path / "a.dcm.gz"]))


def dicomdir(folder: Path, listed: list[list[str]]) -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MediaStorageDirectoryStorage, "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    index = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    index.DirectoryRecordSequence = []
    for components in listed:
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", components
        index.DirectoryRecordSequence.append(record)
    index.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder / "DICOMDIR"


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom on names that no DICOMDIR should hold
def test_a_dicomdir_opens_what_it_lists_and_nothing_outside_its_folder(tmp_path):
    root = tmp_path / "cd"
    names = list(slices(root / "images"))
    outside = tmp_path / "secret.dcm"
    dataset().save_as(outside, enforce_file_format=True)
    (root / "link.dcm").symlink_to(outside)
    hostile = [["..", "secret.dcm"], [str(outside)], ["images/../../secret.dcm"], ["link.dcm"], ["C:", "x"], ["GONE"]]
    scan = readers.scan([dicomdir(root, [["IMAGES", name.upper()] for name in names] + hostile)])
    (series,) = scan.series
    assert series.size[2] == 3
    assert reasons(scan).count("outside its folder") == 5
    assert "not there" in reasons(scan)
    np.testing.assert_array_equal(readers.read(series).stored[:, 0, 0], [0, 1000, 2000])


def test_a_damaged_or_empty_dicomdir_is_refused_in_a_sentence(tmp_path):
    path = dicomdir(tmp_path, [])
    with pytest.raises(AppError, match="lists no files"):
        readers.scan([path])
    path.write_bytes(path.read_bytes()[:140])
    with pytest.raises(AppError, match="DICOMDIR"):
        readers.scan([path])
