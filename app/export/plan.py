"""What an export is asked for, which files that gives, and everything that speaks against it before any is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.base.errors import ExportError
from app.core.palettes import find_palette
from app.export.folder import check_targets

if TYPE_CHECKING:
    from app.case.fusing import FusionStack
    from app.core.volume import Series

FORMATS = ("nifti", "png", "tiff", "dicom")
_SUFFIXES = {"png": ".png", "tiff": ".tif", "dicom": ".dcm"}


class UnknownFormatError(ExportError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no export format {name!r}.", f"Choose among {', '.join(FORMATS)}.")


class SlicesError(ExportError):
    hint = "Slices count from 0 along the MRI's k."


class NotFusedYetError(ExportError):
    hint = "Wait until these slices are fused, or export only those that are."

    def __init__(self, slices: Sequence[int]) -> None:
        named = ", ".join(str(k) for k in slices[:5]) + (", ..." if len(slices) > 5 else "")
        super().__init__(f"{len(slices)} of the slices to export are not fused yet: {named}.")


class DifferentPatientsExportError(ExportError):
    hint = "Export pictures or NIfTI instead, or choose two series of one patient."

    def __init__(self, contradictions: Sequence[str]) -> None:
        super().__init__(
            "DICOM cannot be written: the two series name different patients "
            f"({', '.join(contradictions)} contradict each other)."
        )


@dataclass(frozen=True)
class Options:
    """What to write.

    formats : some of FORMATS
    slices : indices along the MRI's k; None for all
    overwrite : replace files of the same name; otherwise one such file refuses the whole export
    palette : name in `app.core.palettes`; None for grey with CT and other greys, Hot Iron with PET and SPECT, the
        picture's own colours with a colour picture
    annotate : PNG and TIFF with text, letters and colour bar; without, the bare fused pixels
    derived_mr : DICOM as grey derived MR Image instead of Secondary Capture
    prefix : what file names begin with
    """

    formats: Sequence[str] = ("nifti",)
    slices: Sequence[int] | None = None
    overwrite: bool = False
    palette: str | None = None
    annotate: bool = True
    derived_mr: bool = False
    prefix: str = "fused"


def file_names(options: Options, slices: Sequence[int]) -> dict[str, tuple[str, ...]]:
    """Names in the folder, by format, in the order of the slices: fused.nii.gz, fused_rgb.nii.gz, fused_0040.png."""
    names: dict[str, tuple[str, ...]] = {}
    for form in options.formats:
        if form not in FORMATS:
            raise UnknownFormatError(form)
        if form == "nifti":
            names[form] = (f"{options.prefix}.nii.gz", f"{options.prefix}_rgb.nii.gz")
        else:
            names[form] = tuple(f"{options.prefix}_{k:04d}{_SUFFIXES[form]}" for k in slices)
    return names


def chosen_slices(options: Options, count: int) -> tuple[int, ...]:
    """The slices asked for, ascending, each once; SlicesError where one is outside 0..count - 1 or there is none."""
    slices = tuple(range(count)) if options.slices is None else tuple(sorted({int(k) for k in options.slices}))
    if not slices:
        raise SlicesError("No slice is asked for.")
    if slices[0] < 0 or slices[-1] >= count:
        raise SlicesError(f"Slices {slices[0]} to {slices[-1]} are asked for, but the MRI has {count}.")
    return slices


def check(mri: Series, partner: Series, folder: Path, options: Options) -> None:
    """Everything that headers alone can refuse, so that nobody waits for a fusion that cannot be written."""
    names = file_names(options, chosen_slices(options, mri.size[2]))
    if "/" in options.prefix or "\\" in options.prefix or options.prefix in ("", ".", ".."):
        raise ExportError(f"{options.prefix!r} cannot begin a file's name.", "Use letters and digits.")
    check_targets(folder, [name for group in names.values() for name in group], overwrite=options.overwrite)
    if options.palette is not None:
        find_palette(options.palette)  # raises for an unknown name
    if "dicom" in options.formats:
        from app.export.dicom.sources import check_mri

        contradictions = mri.patient.differs_from(partner.patient)
        if contradictions:
            raise DifferentPatientsExportError(contradictions)
        check_mri(mri, derived_mr=options.derived_mr)


def check_stack(stack: FusionStack, slices: Sequence[int]) -> None:
    """Raise NotFusedYetError unless every slice to export is done."""
    missing = [k for k in slices if not stack.done[k]]
    if missing:
        raise NotFusedYetError(missing)
