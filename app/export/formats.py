"""From a FusionStack to files: PNG, TIFF, NIfTI, DICOM; all of them, or none.

`check` refuses from headers alone what cannot be written, before anybody waits; `write` checks again and writes. A new
format is one module, one name in `plan.FORMATS` and one branch of `_write_format`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.base.progress import Progress, nested, silent
from app.export.plan import FORMATS, Options, check, check_stack, chosen_slices, file_names

if TYPE_CHECKING:
    from app.case.fusing import FusionStack
    from app.export.colour import Colouring
    from app.export.folder import Staging

__all__ = ["FORMATS", "Options", "check", "write"]


def write(
    stack: FusionStack, folder: Path, options: Options | None = None, *, progress: Progress = silent, **changes: Any
) -> list[Path]:
    """Write slices of a stack into a folder, which is made where there is none.

    Parameters
    ----------
    options : what to write; `changes` are fields of Options, for callers that need one or two
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
    from app.export.folder import Staging

    coloured = colouring(stack, options.palette)
    names = file_names(options, slices)
    everything = [name for group in names.values() for name in group]
    with Staging(folder, everything, overwrite=options.overwrite) as staging:
        for number, form in enumerate(names):
            part = nested(progress, number / len(names), (number + 1) / len(names))
            _write_format(staging, form, names[form], coloured, slices, options, part)
        progress(1, "written")
    return [folder / name for name in everything]


def _write_format(
    staging: Staging,
    form: str,
    names: Sequence[str],
    coloured: Colouring,
    slices: Sequence[int],
    options: Options,
    progress: Progress,
) -> None:
    if form == "nifti":
        from app.export import nifti_writer as nifti

        for number, (name, put) in enumerate(zip(names, (nifti.write_luma, nifti.write_rgb), strict=True)):
            with staging.open(name) as file:
                put(file, coloured, slices, nested(progress, number / 2, (number + 1) / 2))
        return
    if form == "dicom":
        from app.export.dicom.series_writer import DicomSeries

        series = DicomSeries(coloured, derived_mr=options.derived_mr)
    else:
        from app.export.picture_writer import write_picture
    for count, (name, k) in enumerate(zip(names, slices, strict=True)):
        progress(count / len(slices), f"writing {name}")
        with staging.open(name) as file:
            if form == "dicom":
                series.write(file, k)
            else:
                write_picture(file, form, coloured, k, annotate=options.annotate)
