"""Derived MR images: 16-bit grey, with those elements of the acquisition that the class allows."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import MRImageStorage

from app import export
from tests.export.studies import oblique, study


def derived(folder, **changes) -> Dataset:
    stack = study(folder / "source", grid=oblique((64, 64, 1)), **changes)
    return pydicom.dcmread(export.write(stack, folder / "out", formats=("dicom",), switches=("derived-mr",))[0])


def test_it_is_an_mr_image_of_16_bits_shown_from_black_to_white(tmp_path):
    ds = derived(tmp_path)
    assert (ds.SOPClassUID, ds.Modality, ds.PhotometricInterpretation) == (MRImageStorage, "MR", "MONOCHROME2")
    assert (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation) == (16, 16, 15, 0)
    assert (ds.WindowCenter, ds.WindowWidth) == (32768, 65536)


def test_fused_brightness_is_the_full_range_of_numbers(tmp_path):
    stack = study(tmp_path / "source", grid=oblique((64, 64, 1)))
    ds = pydicom.dcmread(export.write(stack, tmp_path / "out", formats=("dicom",), switches=("derived-mr",))[0])
    above = slice(0, 30)  # the notice stands below
    inside = stack.aligned.inside[0][above]
    expected = np.rint(stack.fused[0][above].astype(np.float64) * 65535)
    np.testing.assert_array_equal(ds.pixel_array[above][inside], expected[inside])


def test_the_acquisition_is_inherited(tmp_path):
    ds = derived(tmp_path)
    assert (ds.RepetitionTime, ds.EchoTime, ds.FlipAngle, ds.MagneticFieldStrength) == (8.1, 3.7, 8, 3)
    assert (ds.ScanningSequence, ds.SequenceVariant) == ("GR", "SP")


@pytest.mark.parametrize(
    ("changes", "keyword", "there"),
    [
        ({"ScanningSequence": ["GR", "IR"]}, "InversionTime", True),
        ({"ScanningSequence": "GR"}, "InversionTime", False),  # C.8.3.1: only with inversion recovery
        ({"ScanOptions": "CG", "TriggerTime": "20"}, "TriggerTime", True),
        ({"TriggerTime": "20"}, "TriggerTime", False),  # only with a gated heart
    ],
)
def test_elements_stand_only_where_their_condition_is_met(tmp_path, changes, keyword, there):
    assert (keyword in derived(tmp_path, **changes)) == there


def test_what_the_class_demands_and_the_source_lacks_is_empty(tmp_path):
    ds = derived(tmp_path, without=["EchoTrainLength", "RepetitionTime", "PatientPosition"])
    assert all(ds[word].value in (None, "") for word in ("EchoTrainLength", "RepetitionTime", "PatientPosition"))
