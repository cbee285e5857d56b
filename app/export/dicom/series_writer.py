"""One DICOM series of fused slices: what Secondary Capture and derived MR have in common, and writing either.

Pixels stay in the rows and columns of the MRI, so position, orientation and spacing are its own. The verdict on the
alignment and the notice that it is no diagnostic picture stand in the pixels, since few viewers show descriptions.
"""

from __future__ import annotations

import datetime
import io
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from app import NOT_FOR_DIAGNOSIS, __version__
from app.base.errors import ExportError
from app.export import wording
from app.export.colour import Colouring
from app.export.dicom.attribute_copy import copy_elements, lawful
from app.export.dicom.derived_mr import fill_mr
from app.export.dicom.inherited import inherit
from app.export.dicom.references import code, refer
from app.export.dicom.secondary_capture import fill_secondary
from app.export.dicom.sources import Sources, check_derived_mr, check_patients
from app.export.lettering import banner

if TYPE_CHECKING:
    from app.core.geometry import Geometry

_IMPLEMENTATION = UID("2.25.283563920137640294312937216391829471022")  # drawn once at random, for this program
_TOLERANCE_MM = 0.01
_STANDARD_DERIVATIONS = {
    "average": ("113049", "DCM", "Pixel by pixel mean"),
    "maximum": ("113048", "DCM", "Pixel by pixel Maximum"),
}
_FUSION = ("FUSION", "99SYNOPTIC", "Image fusion")


class PlainPictureError(ExportError):
    hint = "Export PNG or TIFF."

    def __init__(self) -> None:
        super().__init__("DICOM cannot be written: plain pictures have no patient, study or position.")


class DicomSeries:
    """Writes slices of one stack as one new series; its UID, number, date and wording are the same in all of them."""

    def __init__(self, colouring: Colouring, *, derived_mr: bool) -> None:
        stack = colouring.stack
        mri, partner = stack.aligned.mri, stack.aligned.partner
        if not mri.geometry.in_mm:
            raise PlainPictureError
        check_patients(mri.series, partner.series)
        self.colouring = colouring
        self.derived_mr = derived_mr
        self.sources = Sources(stack)
        self.uid = generate_uid(prefix=None)
        self.made = datetime.datetime.now()
        self._banner = banner(
            mri.geometry.size[1],
            mri.geometry.size[0],
            (f"FUSED, {wording.verdict(stack)}", NOT_FOR_DIAGNOSIS),
        )
        first = self.sources.header(0)
        if derived_mr:
            check_derived_mr(first, mri.modality)
        self.number = _series_number(first)
        self._frame_of_reference = first.get("FrameOfReferenceUID")

    def write(self, file: BinaryIO, k: int) -> None:
        """Slice k as one file."""
        content = io.BytesIO()  # pydicom would wrap what the disk says into an error without its number
        pydicom.dcmwrite(content, self.dataset(k), enforce_file_format=True)
        file.write(content.getbuffer())

    def dataset(self, k: int) -> Dataset:
        source = self.sources.header(k)
        dataset = Dataset()
        inherit(source, dataset)
        if "FrameOfReferenceUID" in dataset and self._frame_of_reference:
            # One for a series (C.7.4.1.1.1), also where an anonymiser gave one to each file of the source.
            dataset.FrameOfReferenceUID = self._frame_of_reference
        self._describe(dataset, k)
        _place(dataset, self.colouring.stack.aligned.mri.geometry, k, source if self.sources.acquired(k) else None)
        refer(self.sources, k, dataset)
        if self.derived_mr:
            fill_mr(dataset, source, self.colouring, k, self._banner)
        else:
            fill_secondary(dataset, self.colouring, k, self._banner, self.made)
        dataset.preamble = bytes(128)  # a preamble can hold a program: never anything but 0
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.ImplementationClassUID = _IMPLEMENTATION
        meta.ImplementationVersionName = f"SYNOPTIC {__version__}"[:16]
        dataset.file_meta = meta
        return dataset

    def _describe(self, dataset: Dataset, k: int) -> None:
        stack = self.colouring.stack
        date, time = self.made.strftime("%Y%m%d"), self.made.strftime("%H%M%S")
        dataset.SOPInstanceUID = generate_uid(prefix=None)
        dataset.InstanceCreationDate, dataset.InstanceCreationTime = date, time
        dataset.ContentDate, dataset.ContentTime = date, time
        dataset.SeriesDate, dataset.SeriesTime = date, time
        dataset.SeriesInstanceUID = self.uid
        dataset.SeriesNumber = self.number
        dataset.SeriesDescription = wording.series_description(stack)
        dataset.InstanceNumber = k + 1
        dataset.Manufacturer = "Synoptic"
        dataset.ManufacturerModelName = "Synoptic"
        dataset.SoftwareVersions = __version__
        dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        dataset.BurnedInAnnotation = "YES"
        dataset.DerivationDescription = wording.derivation(stack, None if self.derived_mr else self.colouring)
        steps = [_STANDARD_DERIVATIONS.get(stack.request.network, _FUSION)]
        if not stack.aligned.partner.geometry.same_grid(stack.aligned.mri.geometry):
            steps.insert(0, ("113085", "DCM", "Spatial resampling"))
        dataset.DerivationCodeSequence = pydicom.Sequence([code(*step) for step in steps])
        comment = "; ".join(wording.caption(stack, k, None if self.derived_mr else self.colouring))
        dataset.ImageComments = comment


def _place(dataset: Dataset, grid: Geometry, k: int, source: Dataset | None) -> None:
    """Position, orientation and spacing of slice k; in the very digits of its source where they say the same."""
    _, j_mm, k_mm = grid.spacing_mm
    i_mm = grid.spacing_mm[0]
    elements: list[tuple[str, NDArray[np.float64], float]] = [
        ("ImagePositionPatient", grid.to_lps((0, 0, k)), _TOLERANCE_MM),
        ("ImageOrientationPatient", grid.direction[:, :2].T.ravel(), 1e-5),
        ("PixelSpacing", np.array([j_mm, i_mm]), 1e-5),  # between rows, then between columns
    ]
    for keyword, values, tolerance in elements:
        if source is not None and _says(source, keyword, values, tolerance):
            setattr(dataset, keyword, source[keyword].value)
        else:
            setattr(dataset, keyword, [format_number_as_ds(float(value)) for value in values])
    dataset.SliceThickness = None  # type 2: an interpolated slice has none
    if source is not None:
        copy_elements(source, dataset, ["SliceThickness"])
    dataset.SpacingBetweenSlices = format_number_as_ds(k_mm)
    dataset.PatientOrientation = ["".join(_sides(grid.direction[:, axis])) for axis in (0, 1)]


def _says(source: Dataset, keyword: str, values: NDArray[np.float64], tolerance: float) -> bool:
    """Whether the header states these numbers, in a form that may be copied."""
    stated = source.get(keyword)
    if stated is None or len(stated) != len(values) or not lawful(source[keyword]):
        return False
    return bool(np.allclose(np.asarray(stated, dtype=np.float64), values, rtol=0, atol=tolerance))


def _sides(vector: NDArray[np.float64]) -> list[str]:
    """Letters of PatientOrientation for a direction, the strongest first (C.7.6.1.1.1)."""
    letters = [("L", "R")[int(vector[0] < 0)], ("P", "A")[int(vector[1] < 0)], ("H", "F")[int(vector[2] < 0)]]
    order = np.argsort(-np.abs(vector), kind="stable")
    return [letters[axis] for axis in order if abs(vector[axis]) > 0.1]


def _series_number(header: Dataset) -> int:
    """The MRI's number with a 9 in front of three digits, so that it stands apart and beside it."""
    try:
        number = int(header.get("SeriesNumber") or 0)
    except (TypeError, ValueError):
        number = 0
    return 9000 + number % 1000 if number >= 0 else 9000
