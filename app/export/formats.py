"""The formats of exports, as one list: the command line, the dialog and `export.write` read it.

A new format is one module that writes it, and one entry here. Names, titles and switches are known without the
libraries that write: those are imported when a format is checked or written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from app.base.errors import ExportError
from app.base.progress import Progress, nested

if TYPE_CHECKING:
    from app.core.volume import Series
    from app.export.colour import Colouring
    from app.export.folder import Staging


class UnknownFormatError(ExportError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no export format {name!r}.", f"Choose among {', '.join(EXPORT_FORMATS)}.")


@dataclass(frozen=True)
class Switch:
    """A choice between two ways to write a format; off unless asked for.

    name : in Options.switches, and with -- before it on the command line; help : what it does, in one line there
    off, on : the two ways, as the dialog calls them
    """

    name: str
    help: str
    off: str
    on: str


@dataclass(frozen=True)
class Job:
    """One format's part of an export: what to write, where, and how.

    names : of its files, as ExportFormat.file_names gives them; switches : by name, those that are on
    """

    colouring: Colouring
    slices: Sequence[int]
    names: Sequence[str]
    switches: Collection[str]
    staging: Staging
    progress: Progress

    def write_each_slice(self, put: Callable[[BinaryIO, int], None]) -> None:
        """`put(file, k)` for every slice and its file."""
        for count, (name, k) in enumerate(zip(self.names, self.slices, strict=True)):
            self.progress(count / len(self.slices), f"writing {name}")
            with self.staging.open(name) as file:
                put(file, k)


def _nothing_to_refuse(mri: Series, partner: Series, switches: Collection[str]) -> None:
    """Of a format that can always be written."""


@dataclass(frozen=True)
class ExportFormat:
    """One kind of file.

    name, title, description : on the command line; in the dialog; what is in it, shown beside the title
    suffixes : of its files: one file with each of them for every slice, or where not `each_slice` for all together
    write : writes all files of a Job
    check : raises ExportError for what the headers of the MRI and its partner alone refuse, before anybody waits
    """

    name: str
    title: str
    description: str
    suffixes: tuple[str, ...]
    write: Callable[[Job], None]
    each_slice: bool = True
    switches: tuple[Switch, ...] = ()
    check: Callable[[Series, Series, Collection[str]], None] = _nothing_to_refuse

    def file_names(self, stem: str, slices: Sequence[int]) -> tuple[str, ...]:
        """In the order of the slices, which count from 1 here: fused_0041.png; or fused.nii.gz, fused_rgb.nii.gz."""
        stems = [f"{stem}_{k + 1:04d}" for k in slices] if self.each_slice else [stem]
        return tuple(f"{stem}{suffix}" for stem in stems for suffix in self.suffixes)


def _write_png(job: Job) -> None:
    _write_pictures(job, "png")


def _write_tiff(job: Job) -> None:
    _write_pictures(job, "tiff")


def _write_pictures(job: Job, form: str) -> None:
    from app.export.picture_writer import write_picture

    annotate = PLAIN.name not in job.switches
    job.write_each_slice(lambda file, k: write_picture(file, form, job.colouring, k, annotate=annotate))


def _write_nifti(job: Job) -> None:
    from app.export.nifti_writer import write_luma, write_rgb

    for number, (name, put) in enumerate(zip(job.names, (write_luma, write_rgb), strict=True)):
        with job.staging.open(name) as file:
            put(file, job.colouring, job.slices, nested(job.progress, number / 2, (number + 1) / 2))


def _check_dicom(mri: Series, partner: Series, switches: Collection[str]) -> None:
    from app.export.dicom.sources import check_pair

    check_pair(mri, partner, derived_mr=DERIVED_MR.name in switches)


def _write_dicom(job: Job) -> None:
    from app.export.dicom.series_writer import DicomSeries

    job.write_each_slice(DicomSeries(job.colouring, derived_mr=DERIVED_MR.name in job.switches).write)


PLAIN = Switch("plain", "PNG and TIFF without text and colour bar", "with text and colour bar", "the bare fused pixels")
DERIVED_MR = Switch(
    "derived-mr", "DICOM as grey derived MR, not secondary capture", "Secondary Capture (colour)", "derived MR (grey)"
)
EXPORT_FORMATS: dict[str, ExportFormat] = {
    entry.name: entry
    for entry in (
        ExportFormat(
            "png", "PNG pictures", "one for each slice, as on the screen", (".png",), _write_png, switches=(PLAIN,)
        ),
        ExportFormat(
            "tiff", "TIFF pictures", "the same, for print", (".tif",), _write_tiff, switches=(PLAIN,)
        ),
        ExportFormat(
            "nifti", "NIfTI volume (luma and RGB)", "numbers and colours on the MRI's grid",
            (".nii.gz", "_rgb.nii.gz"), _write_nifti, each_slice=False,
        ),
        ExportFormat(
            "dicom", "DICOM", "a new series in the MRI's study", (".dcm",), _write_dicom, switches=(DERIVED_MR,),
            check=_check_dicom,
        ),
    )
}  # fmt: skip


def find_format(name: str) -> ExportFormat:
    """The entry of this name; UnknownFormatError for any other."""
    if name not in EXPORT_FORMATS:
        raise UnknownFormatError(name)
    return EXPORT_FORMATS[name]


def switches() -> Iterator[tuple[Switch, tuple[ExportFormat, ...]]]:
    """Each switch once, with the formats that have it."""
    every = dict.fromkeys(switch for entry in EXPORT_FORMATS.values() for switch in entry.switches)
    for switch in every:
        yield switch, tuple(entry for entry in EXPORT_FORMATS.values() if switch in entry.switches)
