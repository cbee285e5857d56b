"""All files of an export or none: full disks, vanished folders, cancelling, files already there."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.base.errors import ExportError
from app.base.progress import Cancelled
from app.export.folder import (
    FileTooLargeError,
    FolderGoneError,
    FullDiskError,
    NoPermissionError,
    NotAFolderError,
    Staging,
    TargetExistsError,
    as_export_error,
)
from tests.paths import ROOT

NAMES = ("a.bin", "b.bin", "c.bin")


def put(folder, names=NAMES, content=b"new", overwrite=False):
    with Staging(folder, names, overwrite=overwrite) as staging:
        for name in names:
            staging.write(name, content)


def put_and(folder, meanwhile, names=NAMES):
    """Let something happen before the file named "gone" is written, or, where none is, after the last file."""
    with Staging(folder, names, overwrite=False) as staging:
        for name in names:
            if name == "gone":
                meanwhile()
            staging.write(name, b"new")
        if "gone" not in names:
            meanwhile()


def stop(error):
    raise error


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_files_arrive_and_nothing_else(tmp_path):
    put(tmp_path / "deep" / "er")
    assert contents(tmp_path / "deep" / "er") == dict.fromkeys(NAMES, b"new")


def test_files_are_as_readable_as_any_other(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    put(tmp_path)
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_one_file_that_exists_refuses_all_before_anything_is_written(tmp_path):
    (tmp_path / "b.bin").write_bytes(b"old")
    with pytest.raises(TargetExistsError, match=r"b\.bin exists already"):
        put(tmp_path)
    assert contents(tmp_path) == {"b.bin": b"old"}


def test_a_dangling_link_counts_as_existing(tmp_path):
    (tmp_path / "b.bin").symlink_to(tmp_path / "nowhere")
    with pytest.raises(TargetExistsError):
        put(tmp_path)


def test_overwriting_replaces_only_the_named_files(tmp_path):
    for name in ("b.bin", "z.bin"):
        (tmp_path / name).write_bytes(b"old")
    put(tmp_path, overwrite=True)
    assert contents(tmp_path) == dict.fromkeys(NAMES, b"new") | {"z.bin": b"old"}


def test_a_folder_is_never_replaced_by_a_file(tmp_path):
    (tmp_path / "b.bin").mkdir()
    with pytest.raises(TargetExistsError):
        put(tmp_path, overwrite=True)
    assert (tmp_path / "b.bin").is_dir()


@pytest.mark.parametrize("interruption", [Cancelled(), KeyboardInterrupt(), ValueError("a bug")])
def test_whatever_interrupts_the_writing_passes_on_and_leaves_nothing(tmp_path, interruption):
    folder = tmp_path / "made" / "for it"
    with pytest.raises(type(interruption)):
        put_and(folder, lambda: stop(interruption))
    assert contents(tmp_path) == {}


def test_a_folder_that_was_there_before_stays(tmp_path):
    folder = tmp_path / "there"
    folder.mkdir()
    with pytest.raises(Cancelled), Staging(folder, NAMES, overwrite=False):
        raise Cancelled
    assert list(tmp_path.iterdir()) == [folder]


def fail_at(monkeypatch, name, call, error):
    """Let the n-th call of os.<name> fail."""
    real, calls = getattr(os, name), []

    def counted(*args, **kwargs):
        calls.append(args)
        if len(calls) == call:
            raise OSError(error, os.strerror(error))
        return real(*args, **kwargs)

    monkeypatch.setattr(os, name, counted)


def test_a_disk_that_fills_while_files_get_their_names_puts_everything_back(tmp_path, monkeypatch):
    (tmp_path / "a.bin").write_bytes(b"old a")
    (tmp_path / "c.bin").write_bytes(b"old c")
    fail_at(monkeypatch, "link", 2, errno.ENOSPC)
    fail_at(monkeypatch, "rename", 1, errno.ENOSPC)
    with pytest.raises(FullDiskError):
        put(tmp_path, overwrite=True)
    assert contents(tmp_path) == {"a.bin": b"old a", "c.bin": b"old c"}


def test_a_full_disk_seen_only_when_data_are_brought_to_it(tmp_path, monkeypatch):
    fail_at(monkeypatch, "fsync", 3, errno.ENOSPC)  # network drives and delayed allocation do so
    with pytest.raises(FullDiskError, match="full"):
        put(tmp_path / "new")
    assert contents(tmp_path) == {}


def test_a_real_full_device_is_told_as_one(tmp_path):
    with pytest.raises(OSError, match="No space") as error, open("/dev/full", "wb", buffering=0) as full:
        full.write(b"x")
    assert isinstance(as_export_error(error.value, tmp_path), FullDiskError)


def test_a_file_that_the_kernel_will_not_let_grow_leaves_nothing(tmp_path):
    """A real limit of the operating system, in a process of its own."""
    program = f"""
import resource, sys
from pathlib import Path
from app.export.folder import FileTooLargeError, Staging
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with Staging(Path({str(tmp_path / "out")!r}), ["small", "large"], overwrite=False) as staging:
        staging.write("small", bytes(1000))
        staging.write("large", bytes(1_000_000))
except FileTooLargeError as error:
    sys.exit(7 if error.hint else 1)
"""
    root = ROOT
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 7
    assert contents(tmp_path) == {}


def test_a_folder_that_vanishes_meanwhile(tmp_path):
    with pytest.raises(FolderGoneError, match="vanished"):
        put_and(tmp_path / "x", lambda: shutil.rmtree(tmp_path / "x"), names=("a.bin", "gone", "b.bin"))
    assert contents(tmp_path) == {}


def test_a_folder_that_vanishes_after_the_last_file(tmp_path):
    with pytest.raises(FolderGoneError):
        put_and(tmp_path / "x", lambda: shutil.rmtree(tmp_path / "x"))
    assert contents(tmp_path) == {}


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(TargetExistsError):
        put_and(tmp_path, lambda: (tmp_path / "b.bin").write_bytes(b"somebody else's"))
    assert contents(tmp_path) == {"b.bin": b"somebody else's"}


@pytest.mark.parametrize("appears", [False, True])
def test_disks_without_links_get_the_files_all_the_same(tmp_path, monkeypatch, appears):
    def no_links(*args, **kwargs):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    if not appears:
        put(tmp_path)
        assert contents(tmp_path) == dict.fromkeys(NAMES, b"new")
        return
    with pytest.raises(TargetExistsError):
        put_and(tmp_path, lambda: (tmp_path / "c.bin").write_bytes(b"theirs"))
    assert contents(tmp_path) == {"c.bin": b"theirs"}


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotAFolderError, match="is a file"):
            put(folder)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EACCES, NoPermissionError), (errno.EROFS, NoPermissionError), (errno.EDQUOT, FullDiskError),
     (errno.ENODEV, FolderGoneError), (errno.ESTALE, FolderGoneError), (errno.EFBIG, FileTooLargeError),
     (errno.ENAMETOOLONG, ExportError)],
)  # fmt: skip
def test_each_refusal_of_the_system_becomes_a_sentence_and_a_hint(tmp_path, number, kind):
    error = as_export_error(OSError(number, os.strerror(number)), tmp_path)
    assert type(error) is kind
    assert str(tmp_path) in str(error)
    assert error.hint
