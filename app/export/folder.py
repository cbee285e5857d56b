"""A folder that gets all the files of one export or none of them.

Files are written into a hidden folder inside the target, so on the same disk, and moved to their names only when the
last one is complete. Whatever happens before, a full disk, a vanished drive, Cancel, takes the hidden folder away
again; whatever happens while they are moved puts back what was there.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.base.errors import ExportError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EIO}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class TargetExistsError(ExportError):
    hint = "Choose another folder, or allow overwriting (--overwrite)."

    def __init__(self, paths: Sequence[Path]) -> None:
        others = f", and {len(paths) - 1} more of the files to write" if len(paths) > 1 else ""
        super().__init__(f"{paths[0]} exists already{others}.")


class FullDiskError(ExportError):
    hint = "Free some space or choose another disk. Nothing of this export was left behind."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"The disk of {folder} is full.")


class FileTooLargeError(ExportError):
    hint = "Choose a disk with another file system, or export fewer slices. Nothing of this export was left behind."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"A file of this export is larger than {folder} may hold.")


class FolderGoneError(ExportError):
    hint = "Check that the drive is connected and the folder still there, then export again."

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder} vanished or failed while it was written to ({reason}).")


class NoPermissionError(ExportError):
    hint = "Choose a folder you may write to."

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} cannot be written to: no permission, or write-protected.")


class NotAFolderError(ExportError):
    hint = "Give a folder; it is made where there is none."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is a file, not a folder.")


def check_targets(folder: Path, names: Sequence[str], *, overwrite: bool) -> None:
    """Raise TargetExistsError or NotAFolderError where the files cannot be given these names; touches nothing."""
    for part in (folder, *folder.parents):
        if part.exists():
            if not part.is_dir():
                raise NotAFolderError(part)
            break
    there = [folder / name for name in names if os.path.lexists(folder / name)]
    if there and not overwrite:
        raise TargetExistsError(there)
    for path in there:
        if path.is_dir() and not path.is_symlink():
            raise TargetExistsError([path])  # a folder is never replaced by a file


class Staging:
    """Use as a context manager around the writing: `with Staging(folder, names, overwrite=False) as staging`.

    Leaving it normally moves all files to their names; leaving it by any exception removes them. An OSError becomes an
    ExportError with a sentence: inside the context, read sources only through code that raises its own errors.
    """

    def __init__(self, folder: Path, names: Sequence[str], *, overwrite: bool) -> None:
        self.folder = folder
        self.names = tuple(names)
        self.overwrite = overwrite
        self._new_folders: list[Path] = []  # folders that did not exist before, outermost first
        self._hidden: Path | None = None

    def __enter__(self) -> Self:
        check_targets(self.folder, self.names, overwrite=self.overwrite)
        try:
            for part in reversed((self.folder, *self.folder.parents)):
                if not part.exists():
                    part.mkdir()
                    self._new_folders.append(part)
            self._hidden = Path(tempfile.mkdtemp(prefix=".synoptic-", dir=self.folder))
        except OSError as error:
            self._clean_up(failed=True)
            raise as_export_error(error, self.folder) from error
        return self

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A new file for one of `names`, on the disk when the `with` block ends: a full disk shows here at last."""
        if name not in self.names:
            raise ValueError(f"{name!r} was not announced")
        assert self._hidden is not None  # inside the context
        with open(self._hidden / name, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    def write(self, name: str, content: bytes) -> None:
        with self.open(name) as file:
            file.write(content)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = True
        try:
            if error is None:
                self._publish()
                failed = False
        except OSError as problem:
            raise as_export_error(problem, self.folder) from problem
        finally:
            self._clean_up(failed=failed)
        if isinstance(error, OSError):
            raise as_export_error(error, self.folder) from error

    def _publish(self) -> None:
        assert self._hidden is not None  # inside the context
        placed: list[Path] = []
        kept: list[tuple[Path, Path]] = []
        try:
            for name in self.names:
                staged, target = self._hidden / name, self.folder / name
                if self.overwrite and os.path.lexists(target):
                    old = self._hidden / f"before-{len(kept)}"
                    os.replace(target, old)
                    kept.append((old, target))
                _move_to_new_name(staged, target)
                placed.append(target)
        except BaseException:
            for target in placed:
                _put_back(target, None)
            for old, target in kept:
                _put_back(target, old)
            raise

    def _clean_up(self, *, failed: bool) -> None:
        if self._hidden is not None:
            shutil.rmtree(self._hidden, ignore_errors=True)  # the drive may be gone, and with it what was written
        for folder in reversed(self._new_folders if failed else []):
            try:
                folder.rmdir()
            except OSError:  # somebody else put a file there meanwhile, or the drive is gone: both are no fault here
                break


def as_export_error(error: OSError, folder: Path) -> ExportError:
    """The sentence for what the operating system said while writing into `folder`."""
    if error.errno in _FULL:
        return FullDiskError(folder)
    if error.errno == errno.EFBIG:
        return FileTooLargeError(folder)
    if error.errno == errno.EEXIST:
        return TargetExistsError([Path(error.filename2 or error.filename or folder)])
    if error.errno in _FORBIDDEN:
        return NoPermissionError(folder)
    if error.errno == errno.ENOTDIR:
        return NotAFolderError(folder)
    if error.errno in _GONE:
        return FolderGoneError(folder, error.strerror or "unknown reason")
    return ExportError(f"{folder} cannot be written to: {error.strerror or error}.", "Choose another folder.")


def _move_to_new_name(staged: Path, target: Path) -> None:
    """Move without ever replacing a file that appeared meanwhile."""
    try:
        os.link(staged, target)  # fails where the target exists, unlike a rename
    except FileExistsError:
        raise
    except OSError:  # FAT, exFAT and some network drives know no links
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "File exists", str(target)) from None
        os.rename(staged, target)


def _put_back(target: Path, old: Path | None) -> None:
    try:
        if old is None:
            target.unlink()
        else:
            os.replace(old, target)
    except OSError:  # a drive that vanished in this moment: the error already under way tells so
        return
