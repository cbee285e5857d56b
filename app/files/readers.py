"""From files to series and volumes, whatever their format: `scan` lists what is there, `read` reads one series.

A format is one module with `claims(path, head)`, `scan(paths, progress)` and `read(series, progress)`, and one line in
READERS. The formats' libraries are imported when something is scanned, not when this module is.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

from app.base.errors import InputError
from app.base.progress import Progress, nested, silent
from app.core.modalities import modality_of
from app.core.volume import Patient, Series, Study, Volume
from app.files.scan_result import ScanResult, Skipped
from app.files.sidecar import stem

HEAD = 512  # bytes that `claims` sees
MOST_FILES = 500_000
BESIDE = ("nifti", "nrrd_mha", "pictures")  # formats whose files may have these beside them:
COMPANIONS = {".json", ".raw", ".zraw"}  # sidecars, and the data of a header
NO_IMAGES = {".ds_store", "thumbs.db", "desktop.ini", "dicomdir"}


class Format(Protocol):
    """What a format's module offers."""

    def claims(self, path: Path, head: bytes) -> bool: ...

    def scan(self, paths: Sequence[Path], progress: Progress = silent) -> ScanResult: ...

    def read(self, series: Series, progress: Progress = silent) -> Volume: ...


@dataclass(frozen=True)
class Reader:
    """name : as in Series.reader; title : for the reader; module : imported on first use."""

    name: str
    title: str
    module: str

    @property
    def format(self) -> Format:
        return cast(Format, importlib.import_module(self.module))


READERS = (  # asked in this order; DICOM last, because a DICOM file may lack its mark
    Reader("nifti", "NIfTI", "app.files.nifti_reader"),
    Reader("nrrd_mha", "NRRD, MetaImage", "app.files.nrrd_mha_reader"),
    Reader("pictures", "PNG, JPEG, TIFF, BMP", "app.files.picture_reader"),
    Reader("dicom", "DICOM", "app.files.dicom.reader"),
)


@dataclass(frozen=True)
class Scan:
    """All that was found: studies with their series, and what was not taken, with the reason."""

    studies: tuple[Study, ...]
    skipped: tuple[Skipped, ...]

    @property
    def series(self) -> tuple[Series, ...]:
        return tuple(series for study in self.studies for series in study.series)


class MissingPathError(InputError):
    hint = "Check the path; files on a network drive or a removed disk may be gone."

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: there is no such file or folder.")


class NotAVolumeError(InputError):
    hint = "Choose another series."

    def __init__(self, series: Series) -> None:
        super().__init__(f"{series.description or series.uid}: {series.problem}")


class FilesGoneError(InputError):
    hint = "Connect the drive again, or open the study from where it is now."

    def __init__(self, series: Series, gone: Sequence[Path]) -> None:
        which = gone[0].name if len(gone) == 1 else f"{gone[0].name} and {len(gone) - 1} more"
        super().__init__(
            f"{series.description or modality_of(series.modality).name or 'The series'}: {len(gone)} of "
            f"{len(series.paths)} files are no longer there ({which})."
        )


def scan(paths: Sequence[Path], progress: Progress = silent) -> Scan:
    """List the studies in files, folders, archives and DICOMDIRs, from headers alone.

    Raises
    ------
    MissingPathError : one of `paths` does not exist
    """
    files: list[Path] = []
    skipped: list[Skipped] = []
    for path in map(Path, paths):
        if not path.exists():
            raise MissingPathError(path)
        files += _files(path, skipped, nested(progress, 0.0, 0.05))
    files = list(dict.fromkeys(files))
    claimed = _claimed(files, skipped, progress)
    results: list[ScanResult] = []
    finished = 0
    for reader in READERS:
        batch = claimed.get(reader.name, [])
        if batch:
            share = nested(
                progress, 0.1 + 0.9 * finished / len(files), 0.1 + 0.9 * (finished + len(batch)) / len(files)
            )
            results.append(reader.format.scan(batch, share))
            finished += len(batch)
    progress(1.0, "all headers read")
    beside = {path.parent / stem(path) for name in BESIDE for path in claimed.get(name, [])}
    skipped = [skip for skip in skipped if not (skip.path.suffix in COMPANIONS and skip.path.with_suffix("") in beside)]
    skipped += [skip for result in results for skip in result.skipped]
    return Scan(_studies(results), tuple(_named_by_archive(skip) for skip in skipped))


def read(series: Series, progress: Progress = silent) -> Volume:
    """Read one series of a scan into a volume, in `series.unit`.

    Raises
    ------
    NotAVolumeError : the scan found it is no volume; the sentence says why
    InputError : a file is damaged or gone, or memory does not suffice
    """
    if series.problem:
        raise NotAVolumeError(series)
    reader = next(reader for reader in READERS if reader.name == series.reader)
    try:
        return reader.format.read(series, progress)
    except (InputError, OSError) as error:
        gone = [path for path in series.paths if not path.exists()]  # a format says what it met: a slice undecodable
        if gone:
            raise FilesGoneError(series, gone) from error
        if isinstance(error, FileNotFoundError):  # what stands beside them: the data of a header
            raise MissingPathError(Path(error.filename or series.paths[0])) from error
        raise
    except MemoryError as error:
        raise InputError(
            f"{series.description or series.uid}: memory does not suffice.", hint="Close other studies or programs."
        ) from error


def _files(path: Path, skipped: list[Skipped], progress: Progress) -> Iterator[Path]:
    """The regular files at or below `path`, in a fixed order."""
    if path.is_dir():
        count = 0

        def closed(error: OSError) -> None:
            skipped.append(Skipped(Path(error.filename), f"it cannot be opened ({error.strerror or 'read error'})."))

        for folder, subfolders, names in os.walk(path, onerror=closed):
            subfolders.sort()
            progress(0.0, f"{count} files found")
            for name in sorted(names):
                if _ignored(name):
                    continue
                count += 1
                if count > MOST_FILES:
                    raise InputError(f"{path} holds more than {MOST_FILES} files.", hint="Open a folder below it.")
                yield from _regular(Path(folder, name), skipped)
        return
    yield from _inside(path, skipped, progress)


def _inside(path: Path, skipped: list[Skipped], progress: Progress) -> Iterator[Path]:
    """A file given by itself: what it holds, if it is a zip or lists others, or else the file."""
    from app.files import archives  # brings pydicom

    for file in _regular(path, skipped):
        head = _head(file, skipped)
        if head is None:
            continue
        if head.startswith(b"PK\x03\x04") or file.suffix.lower() == ".zip":
            for member in archives.unpack_zip(file, skipped, progress):
                if not _ignored(member.name):
                    yield from _regular(member, skipped)
        elif archives.is_dicomdir(file, head):
            for target in archives.dicomdir_files(file, skipped):
                yield from _regular(target, skipped)
        else:
            yield file


def _head(path: Path, skipped: list[Skipped]) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        skipped.append(Skipped(path, f"it cannot be opened ({error.strerror or 'read error'})."))
        return None


def _ignored(name: str) -> bool:
    """What systems leave in every folder, and the index of a folder that is searched anyway."""
    return name.lower() in NO_IMAGES or name.startswith("._")


def _regular(path: Path, skipped: list[Skipped]) -> Iterator[Path]:
    """The path itself if it is a file with something in it; a pipe or device would be waited for without end."""
    try:
        status = path.stat()
    except OSError as error:
        skipped.append(Skipped(path, f"cannot be opened ({error.strerror or 'read error'})."))
        return
    if not stat.S_ISREG(status.st_mode):
        skipped.append(Skipped(path, "it is not a regular file."))
    elif status.st_size == 0:
        skipped.append(Skipped(path, "it is empty."))
    else:
        yield path


def _claimed(files: Sequence[Path], skipped: list[Skipped], progress: Progress) -> dict[str, list[Path]]:
    """The files of each format, by the name of its reader."""
    formats = [(reader.name, reader.format) for reader in READERS] if files else []
    claimed: dict[str, list[Path]] = defaultdict(list)
    for n, path in enumerate(files):
        if n % 64 == 0:
            progress(0.1 * n / len(files), f"{n} of {len(files)} files")
        head = _head(path, skipped)
        if head is None:
            continue
        name = next((name for name, format_ in formats if format_.claims(path, head)), None)
        if name is None and head[:2] == b"\x1f\x8b":
            inner = _gzipped_dicom(path, head, skipped)
            if inner is not None:
                claimed["dicom"].append(inner)
        elif name is None:
            skipped.append(Skipped(path, _unknown(path, head)))
        else:
            claimed[name].append(path)
    return claimed


def _named_by_archive(skip: Skipped) -> Skipped:
    """A skipped file from an archive under the archive's name, not that of the temporary folder."""
    archives = sys.modules.get("app.files.archives")
    return skip if archives is None else replace(skip, path=archives.shown(skip.path))


def _unknown(path: Path, head: bytes) -> str:
    if head.startswith((b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!")):
        return "it is an archive inside a folder: open it by itself, or unpack it."
    return "it is none of the image formats that can be opened here."


def _gzipped_dicom(path: Path, head: bytes, skipped: list[Skipped]) -> Path | None:
    """The unpacked file, where a gzip holds DICOM."""
    from app.files import archives  # brings pydicom
    from app.files.dicom.scan import claims  # brings pydicom

    if not claims(path, archives.gzip_head(head)):
        skipped.append(Skipped(path, "it is a packed file without an image in it: unpack it to see what it holds."))
        return None
    try:
        return archives.unpack_gzip(path)
    except archives.ArchiveError as error:
        skipped.append(Skipped(path, str(error).split(": ", 1)[-1]))
        return None


def _studies(results: Sequence[ScanResult]) -> tuple[Study, ...]:
    """Series grouped by study and patient; files without a study make one study for each of their folders."""
    descriptions = {uid: description for result in results for uid, description in result.studies.items()}
    groups: dict[tuple[str, Patient], list[Series]] = {}
    counts: dict[str, int] = {}
    for series in (series for result in results for series in result.series):
        count = counts[series.uid] = counts.get(series.uid, 0) + 1
        if count > 1:  # two patients with one SeriesInstanceUID, or the same file twice: both must be choosable
            series = replace(series, uid=f"{series.uid}#copy{count}")
        study = series.study_uid or f"folder {series.paths[0].parent.name}"
        matching = [key for key in groups if key[0] == study and series.patient.is_same_as(key[1])]
        groups.setdefault(matching[0] if matching else (study, series.patient), []).append(series)
    return tuple(
        Study(
            patient=patient,
            uid=uid,
            series=tuple(sorted(group, key=lambda series: (series.number, bool(series.problem)))),
            description=descriptions.get(uid, ("", ""))[0],
            date=descriptions.get(uid, ("", ""))[1],
        )
        for (uid, patient), group in groups.items()
    )
