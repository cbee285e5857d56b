"""Files inside other files: zip archives, gzipped DICOM and DICOMDIR indexes, none of which is trusted.

What is unpacked goes to one private folder (mode 0700) that is removed when the program ends; a folder left behind by
a program that crashed is removed at the next start. Limits stop archives that would fill the disk, and no name in an
archive or index can lead outside its folder.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO

from pydicom import Dataset, dcmread
from pydicom.multival import MultiValue

from app.base.errors import InputError
from app.base.progress import Progress
from app.core.limits import BoundedFile
from app.files.archive_names import decoded_names, folders_and_name, is_folder
from app.files.dicom.header import MALFORMED, clean, hush
from app.files.grid_file import unpacked
from app.files.scan_result import Skipped

MOST_ENTRIES = 200_000
MOST_BYTES = 64 << 30
LARGEST_RATIO = 100
SMALL = 1 << 20  # an empty slice may well pack by more than LARGEST_RATIO; below this size it does no harm
LARGEST_GZIP = 4 << 30
DISK_SHARE = 0.8  # of the free space
PIECE = 1 << 20
PREFIX = "synoptic-"
UNPACKING = (  # what unpackers raise on broken archives; Cancelled and AppError are not among them
    EOFError, LookupError, NotImplementedError, OSError, RuntimeError, struct.error, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
ARCHIVES = (b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!")
_archive_of: dict[Path, Path] = {}  # folder of unpacked files: the archive they came from


class ArchiveError(InputError):
    """An archive or index that is refused as a whole."""

    hint = "Unpack it with another program, look at what it holds, and open the folder."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")


@cache
def private_folder() -> Path:
    """The folder for unpacked files of this run; only this user can enter it, and it is removed at exit."""
    _remove_left_behind()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def shown(path: Path) -> Path:
    """What the reader knows an unpacked file by: the archive and the name in it; other paths as they are."""
    for folder, archive in _archive_of.items():
        if path.is_relative_to(folder):
            return archive / path.relative_to(folder)
    return path


def _remove_left_behind() -> None:
    """Folders of runs that were killed: patient data must not stay there. Windows cannot ask who still runs."""
    if os.name != "posix":
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        number = folder.name.removeprefix(PREFIX).split("-")[0]
        try:
            own_folder = not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            if own_folder and number.isdigit() and not _alive(int(number)):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # gone meanwhile, or someone else's
            continue


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def unpack_zip(path: Path, skipped: list[Skipped], progress: Progress) -> Iterator[Path]:
    """Unpack a zip's entries one by one; what is refused goes to `skipped`.

    Raises
    ------
    ArchiveError : not a zip, too many entries, or more than disk and limits allow
    """
    try:
        archive = zipfile.ZipFile(path)
    except UNPACKING as error:
        raise ArchiveError(path, "it is not a zip archive, or it is damaged.") from error
    with archive:
        infos = archive.infolist()
        entries = [pair for pair in zip(infos, decoded_names(infos), strict=True) if not is_folder(pair[1])]
        if len(entries) > MOST_ENTRIES:
            raise ArchiveError(path, f"it holds {len(entries)} files, more than {MOST_ENTRIES}.")
        folder = Path(tempfile.mkdtemp(dir=private_folder()))
        _archive_of[folder] = path
        budget = int(min(MOST_BYTES, DISK_SHARE * shutil.disk_usage(folder).free))
        if sum(entry.file_size for entry, _ in entries) > budget:
            raise ArchiveError(path, f"it unpacks to more than {budget / 2**30:.1f} GB.")
        targets: set[tuple[str, ...]] = set()
        for n, (entry, name) in enumerate(entries):
            progress(n / len(entries), f"unpacking {n + 1} of {len(entries)}")
            parts = folders_and_name(name)
            label = path / clean("/".join(parts) if parts else name)
            reason = _refusal(entry, parts, targets)
            if reason:
                skipped.append(Skipped(label, reason))
                continue
            target = folder.joinpath(*parts or ())
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source:
                    length = _copy(_read_on(source), target, budget)
            except UNPACKING as error:
                skipped.append(Skipped(label, f"it cannot be unpacked ({type(error).__name__})."))
                continue
            budget -= length
            with target.open("rb") as file:
                nested_archive = file.read(4) in ARCHIVES
            if nested_archive:
                skipped.append(Skipped(label, "it is an archive inside an archive: unpack it first."))
                continue
            yield target


def _refusal(entry: zipfile.ZipInfo, parts: tuple[str, ...] | None, targets: set[tuple[str, ...]]) -> str:
    """Why an entry is not unpacked, or ""."""
    if not parts:
        return "its name leads outside the archive."
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "it is a link, which is not followed."
    if entry.flag_bits & 1:
        return "it is encrypted: unpack the archive with its password first."
    if entry.file_size > SMALL and entry.file_size > LARGEST_RATIO * max(entry.compress_size, 1):
        return f"it would unpack to more than {LARGEST_RATIO} times its size, as an attack would."
    key = tuple(part.casefold() for part in parts)
    if key in targets:
        return "the archive holds two files of this name."
    targets.add(key)
    return ""


def _read_on(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece


def _copy(source: Iterator[bytes], target: Path, limit: int) -> int:
    """Write pieces to a new file; returns the bytes written. Stops at `most`, whatever the archive's index said."""
    length = 0
    with target.open("xb") as file:
        for piece in source:
            length += len(piece)
            if length > limit:
                raise ValueError("larger than stated")
            file.write(piece)
    return length


def gzip_head(head: bytes, count: int = 512) -> bytes:
    """The first unpacked bytes of a gzip file's beginning, b"" where it is none."""
    if head[:2] != b"\x1f\x8b":
        return b""
    try:
        return next(unpacked(iter([head])), b"")[:count]
    except zlib.error:
        return b""


def unpack_gzip(path: Path) -> Path:
    """Unpack one gzipped file.

    Raises
    ------
    ArchiveError : damaged, or it unpacks to too much
    """
    folder = Path(tempfile.mkdtemp(dir=private_folder()))
    _archive_of[folder] = path
    target = folder / path.name.removesuffix(".gz")
    limit = int(min(LARGEST_GZIP, max(SMALL, LARGEST_RATIO * path.stat().st_size)))
    try:
        with path.open("rb") as file:
            _copy(unpacked(_read_on(file)), target, limit)
    except zlib.error as error:
        raise ArchiveError(path, "its gzip stream is damaged.") from error
    except ValueError as error:
        raise ArchiveError(path, f"it unpacks to more than {limit / 2**20:.0f} MB.") from error
    return target


def is_dicomdir(path: Path, head: bytes) -> bool:
    return path.name.upper() == "DICOMDIR" or b"1.2.840.10008.1.3.10" in head[132:]


def dicomdir_files(path: Path, skipped: list[Skipped]) -> list[Path]:
    """The files that a DICOMDIR lists, all inside its own folder.

    Raises
    ------
    ArchiveError : it is damaged, or lists nothing
    """
    hush()
    try:
        with BoundedFile(path) as file:
            records = dcmread(file, specific_tags=["DirectoryRecordSequence"]).get("DirectoryRecordSequence")
        file_ids = [components for record in records or () if (components := _components(record))]
    except MALFORMED as error:
        raise ArchiveError(path, "this DICOMDIR is damaged; open its folder instead.") from error
    if not file_ids:
        raise ArchiveError(path, "this DICOMDIR lists no files; open its folder instead.")
    root = path.parent.resolve()
    files = []
    for components in file_ids:
        label = path.parent.joinpath(*(part.strip("/\\") or "_" for part in components))
        if any(part in ("", ".", "..") or set(part) & set("/\\:\0") for part in components):
            skipped.append(Skipped(label, "the DICOMDIR points outside its folder."))
            continue
        target = _as_on_disk(root, components)
        if target is None:
            skipped.append(Skipped(label, "the DICOMDIR lists it, but it is not there."))
        elif not target.resolve().is_relative_to(root):
            skipped.append(Skipped(label, "the DICOMDIR points outside its folder, by a link."))
        else:
            files.append(target)
    return files


def _components(record: Dataset) -> list[str]:
    value = record.get("ReferencedFileID")
    if not value:
        return []
    return [str(part) for part in value] if isinstance(value, MultiValue | list) else [str(value)]


def _as_on_disk(root: Path, components: list[str]) -> Path | None:
    """The file, also where the disk spells it in another case, as copies of CDs do."""
    path = root
    for part in components:
        if (path / part).exists():
            path = path / part
            continue
        try:
            path = next(child for child in path.iterdir() if child.name.casefold() == part.casefold())
        except (StopIteration, OSError):
            return None
    return path if path.is_file() else None
