"""What an export is asked for, and what of it can be refused for any format before a file is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.base.errors import ExportError

if TYPE_CHECKING:
    from app.case.fusing import FusionStack


class SlicesError(ExportError):
    hint = "Slices count from 0 along the MRI's k on the command line, and from 1 in the window."


class NotFusedYetError(ExportError):
    hint = "Wait until these slices are fused, or export only those that are."

    def __init__(self, slices: Sequence[int]) -> None:
        numbers = ", ".join(str(k + 1) for k in slices[:5]) + (", ..." if len(slices) > 5 else "")
        super().__init__(f"{len(slices)} of the slices to export are not fused yet: {numbers}, counted from 1.")


@dataclass(frozen=True)
class Options:
    """What to write.

    formats : some of EXPORT_FORMATS, by name
    slices : indices along the MRI's k; None for all
    overwrite : replace files of the same name; otherwise one such file refuses the whole export
    palette : name in `app.core.palettes`; None for grey with CT and other greys, Hot Iron with PET and SPECT, the
        picture's own colours with a colour picture
    switches : of the formats, by name, that are on
    subject : whom file names show: None for patient and study as the MRI's header has them (`names.subject_of`), a
        pseudonym, or "" for nobody
    """

    formats: Sequence[str] = ("nifti",)
    slices: Sequence[int] | None = None
    overwrite: bool = False
    palette: str | None = None
    switches: Collection[str] = ()
    subject: str | None = None


def chosen_slices(options: Options, count: int) -> tuple[int, ...]:
    """The slices asked for, ascending, each once; SlicesError where one is outside 0..count - 1 or there is none."""
    slices = tuple(range(count)) if options.slices is None else tuple(sorted({int(k) for k in options.slices}))
    if not slices:
        raise SlicesError("No slice is asked for.")
    if slices[0] < 0 or slices[-1] >= count:
        raise SlicesError(f"Slices {slices[0]} to {slices[-1]} are asked for, but the MRI has {count}.")
    return slices


def check_stack(stack: FusionStack, slices: Sequence[int]) -> None:
    """Raise NotFusedYetError unless every slice to export is done."""
    missing = [k for k in slices if not stack.done[k]]
    if missing:
        raise NotFusedYetError(missing)
