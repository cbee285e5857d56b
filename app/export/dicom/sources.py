"""The DICOM files that a fused slice comes from: their headers, read again now, and the references to them.

No patient data is carried through the program; what an export copies, it reads at this moment from the MRI's files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import MRImageStorage

from app.base.errors import ExportError
from app.core.geometry import transform_points
from app.files.dicom.header import MALFORMED, hush

if TYPE_CHECKING:
    from app.case.fusing import FusionStack
    from app.core.volume import Series, Volume

_REFERENCE_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "LossyImageCompression",
    "LossyImageCompressionRatio", "LossyImageCompressionMethod", "SpecificCharacterSet", "Manufacturer",
    "ManufacturerModelName", "InstitutionName", "StationName", "DeviceSerialNumber", "SoftwareVersions",
]  # fmt: skip
_PER_FRAME = 0x52009230  # PerFrameFunctionalGroupsSequence


class DifferentPatientsExportError(ExportError):
    hint = "Export pictures or NIfTI instead, or choose two series of one patient."

    def __init__(self, contradictions: Sequence[str]) -> None:
        super().__init__(
            "DICOM cannot be written: the two series name different patients "
            f"({', '.join(contradictions)} contradict each other)."
        )


class NoDicomHeaderError(ExportError):
    hint = "Export PNG, TIFF or NIfTI, or open the MRI from its DICOM files."

    def __init__(self, name: str) -> None:
        super().__init__(f"DICOM cannot be written: {name} has no DICOM header to inherit from.")


class SourceGoneError(ExportError):
    hint = "Connect the drive again, or open the study from where it is now."

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"DICOM cannot be written: its source {path.name} cannot be read again ({reason}).")


class NoDerivedMrError(ExportError):
    hint = "Export it as Secondary Capture instead."

    def __init__(self, reason: str) -> None:
        super().__init__(f"A derived MR image cannot be written: {reason}.")


class Reference(NamedTuple):
    """One source image, as others must find it again; frames: which of its frames, from 1, where it holds several."""

    sop_class: str
    sop_instance: str
    series: str
    study: str
    frames: tuple[int, ...] = ()


Images = dict[Path, tuple[int, ...]]  # files, and the frames of each that are meant; () for all it holds


class Sources:
    """Headers and references of one stack's sources; each file is read once."""

    def __init__(self, stack: FusionStack) -> None:
        self.stack = stack
        self._headers: dict[Path, Dataset] = {}
        self._partner: dict[Path, Dataset | None] = {}

    def header(self, k: int) -> Dataset:
        """Of the MRI's slice k; of an acquired slice next to it where k was interpolated."""
        return self._header(next(iter(self._mri_images(k))))

    def acquired(self, k: int) -> bool:
        """Whether slice k has a file of its own."""
        return self.stack.aligned.mri.sources[k] is not None

    def mri_references(self, k: int) -> list[Reference]:
        """The MRI's instance, or the two beside an interpolated slice."""
        return [_reference(self._header(path), frames) for path, frames in self._mri_images(k).items()]

    def partner_headers(self, k: int) -> list[Dataset]:
        """Of all the partner's instances whose voxels can contribute to slice k; none for a file without a header."""
        headers = (self._partner_header(path) for path in self._partner_images(k))
        return [header for header in headers if header is not None]

    def partner_references(self, k: int) -> list[Reference]:
        images = [(self._partner_header(path), frames) for path, frames in self._partner_images(k).items()]
        return [_reference(header, frames) for header, frames in images if header is not None]

    def _partner_images(self, k: int) -> Images:
        return _images_near(self.stack.aligned.partner, _contributing(self.stack, k))

    def _mri_images(self, k: int) -> Images:
        mri = self.stack.aligned.mri
        images = _images_near(mri, [k])
        if not images:
            raise NoDicomHeaderError(mri.series.description or "volume")
        return images

    def _header(self, path: Path) -> Dataset:
        if path not in self._headers:
            self._headers[path] = read_header(path)
        return self._headers[path]

    def _partner_header(self, path: Path) -> Dataset | None:
        if path not in self._partner:
            try:
                self._partner[path] = read_header(path, _REFERENCE_TAGS)
            except NoDicomHeaderError:  # a NIfTI partner cannot be referenced; the derivation text still names it
                self._partner[path] = None
        return self._partner[path]


def check_patients(mri: Series, partner: Series) -> None:
    """Raise DifferentPatientsExportError where the two headers contradict each other."""
    contradictions = mri.patient.differs_from(partner.patient)
    if contradictions:
        raise DifferentPatientsExportError(contradictions)


def check_pair(mri: Series, partner: Series, *, derived_mr: bool) -> None:
    """Whether DICOM can be derived from this pair; raises the sentence why not."""
    check_patients(mri, partner)
    if not mri.paths or mri.spacing_mm is None:
        raise NoDicomHeaderError(mri.description or mri.uid)
    header = read_header(mri.paths[0])
    if derived_mr:
        check_derived_mr(header, mri.modality)


def check_derived_mr(header: Dataset, modality: str) -> None:
    """A derived MR Image must come from an MR Image and inherits what that class demands."""
    if modality != "MR":
        raise NoDerivedMrError(f"the grid is that of a {modality or 'series without modality'}, not of an MR")
    if header.get("SOPClassUID") != MRImageStorage:
        raise NoDerivedMrError("the MRI is not of the class MR Image Storage (enhanced multi-frame MR is another)")
    for keyword in ("ScanningSequence", "SequenceVariant", "FrameOfReferenceUID"):
        if not header.get(keyword):
            raise NoDerivedMrError(f"the MRI's header lacks {keyword}, which is not to be invented")


def read_header(path: Path, keywords: Sequence[str] | None = None) -> Dataset:
    """A file's header without pixels; NoDicomHeaderError where it is none, SourceGoneError where it is unreadable."""
    hush()
    try:
        wanted = None if keywords is None else list(keywords)
        with open(path, "rb") as file:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=wanted)
        _drop_unreadable(header)
        missing = [word for word in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID") if not header.get(word)]
    except InvalidDicomError:
        raise NoDicomHeaderError(path.name) from None
    except OSError as error:
        raise SourceGoneError(path, error.strerror or "unknown reason") from error
    except MALFORMED as error:  # it was read before, so it was changed or damaged since
        raise SourceGoneError(path, "damaged header") from error
    if missing:
        raise NoDicomHeaderError(f"{path.name} (without {missing[0]})")
    return header


def _drop_unreadable(header: Dataset) -> None:
    """Take out elements whose value cannot be decoded, such as a number that is none: they count as absent."""
    for tag in list(header.keys()):
        if tag == _PER_FRAME:  # large, and nothing is inherited from it
            continue
        try:
            _ = header[tag]
        except MALFORMED:
            del header[tag]


def _reference(header: Dataset, frames: tuple[int, ...]) -> Reference:
    words = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    sop_class, sop_instance, series, study = (str(header.get(word, "")) for word in words)
    return Reference(sop_class, sop_instance, series, study, frames)


def _images_near(volume: Volume, slices: Iterable[int]) -> Images:
    """The files of some slices, and their frames there; of interpolated ones, the nearest acquired on both sides."""
    if not volume.sources:
        return dict.fromkeys(volume.series.paths, ())
    images: dict[Path, set[int]] = {}
    for at in dict.fromkeys(n for k in slices for n in _acquired_near(volume.sources, k)):
        path = volume.sources[at]
        assert path is not None  # _acquired_near says so
        frame = volume.source_frames[at] if volume.source_frames else None
        images.setdefault(path, set()).update(() if frame is None else (frame,))
    return {path: tuple(sorted(frames)) for path, frames in images.items()}


def _acquired_near(sources: Sequence[Path | None], k: int) -> list[int]:
    """Slice k itself where it was acquired; else the nearest ones that were, below and above."""
    if sources[k] is not None:
        return [k]
    below = next((n for n in range(k - 1, -1, -1) if sources[n] is not None), None)
    above = next((n for n in range(k + 1, len(sources)) if sources[n] is not None), None)
    return [n for n in (below, above) if n is not None]


def _contributing(stack: FusionStack, k: int) -> range:
    """The partner's slices, by its own k, that slice k of the MRI cuts or lies next to."""
    mri, partner = stack.aligned.mri.geometry, stack.aligned.partner.geometry
    i, j, _ = mri.size
    corners = mri.to_lps([(x, y, k) for x in (-0.5, i - 0.5) for y in (-0.5, j - 0.5)])
    at = partner.to_index(transform_points(stack.aligned.registration.fixed_to_moving, corners))[:, 2]
    count = partner.size[2]
    first = int(np.clip(np.floor(at.min() + 1e-6), 0, count - 1))
    last = int(np.clip(np.ceil(at.max() - 1e-6), 0, count - 1))
    return range(first, last + 1)
