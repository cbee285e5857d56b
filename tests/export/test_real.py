"""Real studies of one patient, exported and looked at by the validators."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import SimpleITK as sitk

from app import export
from app.case import alignment, fusing
from app.files import readers
from app.registration.resample import slice_geometry
from tests.export.dicom.test_series_writer import errors_of
from tests.export.test_nifti_writer import same_place

SLICES = range(0, 59, 7)


@pytest.mark.data
@pytest.mark.parametrize("derived", [False, True], ids=["capture", "derived"])
@pytest.mark.parametrize("partner", ["PET", "CT"])
@pytest.mark.parametrize("patient", ["sts-001-dicom", "sts-010-dicom"])
def test_validators_accept_what_real_headers_lead_to(tmp_path, patient, partner, derived):
    folder = Path(os.environ["SYNOPTIC_DATA"]) / "volumes" / patient
    mri, other = (readers.read(readers.scan([folder / part]).series[0]) for part in ("MR_T1", partner))
    aligned = alignment.align(mri, other, alignment.register_pair(mri, other, how="none"))
    stack = fusing.fuse_pair(aligned, fusing.default_request(aligned, "maximum", "cpu"), slices=SLICES)
    paths = export.write(
        stack, tmp_path, formats=("dicom", "nifti"), switches=("derived-mr",) if derived else (), slices=SLICES
    )
    assert errors_of([path for path in paths if path.suffix == ".dcm"]) == []
    one = export.write(stack, tmp_path, formats=("nifti",), slices=(7,), overwrite=True)[0]
    same_place(sitk.ReadImage(str(one)), slice_geometry(mri.geometry, 7), 1e-3)
