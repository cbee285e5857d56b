"""From a FusionStack to files, all of them or none.

`check` refuses from headers alone what cannot be written, before anybody waits; `write` checks again and writes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.base.progress import Progress, nested, silent
from app.core.palettes import find_palette
from app.export.folder import Staging, check_targets
from app.export.formats import ExportFormat, Job, find_format
from app.export.names import check_subject, stem, subject_of
from app.export.plan import Options, check_stack, chosen_slices

if TYPE_CHECKING:
    from app.case.document import Case
    from app.case.fusing import FusionStack
    from app.core.volume import Series

__all__ = ["Options", "check", "write"]


def check(mri: Series, partner: Series, folder: Path, options: Options) -> None:
    """Everything that headers alone can refuse, so that nobody waits for a fusion that cannot be written."""
    slices = chosen_slices(options, mri.size[2])
    if options.subject is not None:
        check_subject(options.subject)
    names = [name for _, group in _files(mri, options, slices) for name in group]
    check_targets(folder, names, overwrite=options.overwrite)
    if options.palette is not None:
        find_palette(options.palette)  # raises for an unknown name
    for name in options.formats:
        find_format(name).check(mri, partner, options.switches)


def write(
    stack: FusionStack,
    folder: Path,
    options: Options | None = None,
    *,
    case: Case | None = None,
    progress: Progress = silent,
    **changes: Any,
) -> list[Path]:
    """Write slices of a stack into a folder, which is made where there is none.

    Parameters
    ----------
    options : what to write; `changes` are fields of Options, for callers that need one or two
    case : the one that shows this stack: its windows and regions are those of the pictures
    progress : called before each slice; raising Cancelled from it leaves nothing behind

    Returns
    -------
    the files, in the order of the formats and then of the slices

    Raises
    ------
    ExportError : a slice is not fused, a file exists, the disk is full or gone, two patients, no DICOM header, ...
        Then no file was left behind, and files to be overwritten are as they were.
    """
    options = replace(options or Options(), **changes)
    folder = Path(folder)
    mri, partner = stack.aligned.mri, stack.aligned.partner
    slices = chosen_slices(options, len(stack.done))
    check(mri.series, partner.series, folder, replace(options, slices=slices))
    check_stack(stack, slices)

    from app.export.colour import colouring

    coloured = colouring(stack, options.palette, case)
    files = _files(mri.series, options, slices)
    every = [name for _, group in files for name in group]
    with Staging(folder, every, overwrite=options.overwrite) as staging:
        for number, (entry, names) in enumerate(files):
            part = nested(progress, number / len(files), (number + 1) / len(files))
            entry.write(Job(coloured, slices, names, options.switches, staging, part))
        progress(1, "written")
    return [folder / name for name in every]


def _files(mri: Series, options: Options, slices: tuple[int, ...]) -> list[tuple[ExportFormat, tuple[str, ...]]]:
    """Each format asked for, once, with the names of its files."""
    entries = [find_format(name) for name in dict.fromkeys(options.formats)]
    whole = stem(subject_of(mri) if options.subject is None else options.subject)
    return [(entry, entry.file_names(whole, slices)) for entry in entries]
