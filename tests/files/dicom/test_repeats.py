"""Several volumes at the same places in one series: whatever PS3.3 lets differ from picture to picture parts them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage, EnhancedPETImageStorage

from app.core.volume import Series
from app.files import readers
from tests.files.dicom.dicom_files import enhanced, item, only_series, slice_values, write_series

PLACES = 4


def volumes(folder: Path, modality: str, change, *, count: int = 2, places: int = PLACES) -> list[Series]:
    """Series of `count` volumes, one file a slice: change(ds, which volume, which place)."""

    def at_place(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [0, 0, 2.0 * (k % places)]
        ds.InstanceNumber = k + 1
        change(ds, k // places, k % places)

    return list(
        readers.scan([write_series(folder, modality, places=range(count * places), change=change and at_place)]).series
    )


def first_values(all_series: Sequence[Series]) -> list[list[int]]:
    """Which slices as written each volume holds, by the value of its first voxel."""
    return [[int(value) // 1000 for value in readers.read(series).stored[:, 0, 0]] for series in all_series]


ONE_AFTER_THE_OTHER = [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_complex_parts_in_one_enhanced_file_are_a_volume_each(tmp_path):
    """PS3.3 C.8.13.3.1.1: only ComplexImageComponent (0008,9208) of each frame tells them apart."""
    ds = enhanced([z for z in (0, 3, 6) for _ in range(2)])
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        part = ("MAGNITUDE", "PHASE")[n % 2]
        group.MRImageFrameTypeSequence = [item(FrameType=["ORIGINAL", "PRIMARY"], ComplexImageComponent=part)]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    all_series = readers.scan([tmp_path]).series
    assert [series.description for series in all_series] == [
        "MR head (complex part MAGNITUDE)",
        "MR head (complex part PHASE)",
    ]
    assert first_values(all_series) == [[0, 2, 4], [1, 3, 5]]


def macro(name: str, **elements: Any) -> dict[str, list[Dataset]]:
    return {name: [item(**elements)]}


PER_FRAME = {  # what a frame of volume 0 and of volume 1 states, and what is told
    "cardiac phase": [
        macro("CardiacSynchronizationSequence", NominalPercentageOfCardiacPhase=percent) for percent in (10.0, 70.0)
    ],
    "respiratory phase": [
        macro("RespiratorySynchronizationSequence", NominalPercentageOfRespiratoryPhase=share) for share in (0.0, 50.0)
    ],
    "inversion time": [macro("MRModifierSequence", InversionTimes=[time]) for time in (100.0, 900.0)],
    "velocity direction": [
        macro("MRVelocityEncodingSequence", VelocityEncodingDirection=[1.0, 0.0, float(n)]) for n in (0, 1)
    ],
    "spin labelling": [macro("MRArterialSpinLabelingSequence", ASLContext=what) for what in ("CONTROL", "LABEL")],
    "b-value": [macro("MRDiffusionSequence", DiffusionBValue=value) for value in (0.0, 1000.0)],
    "repetition time": [macro("MRTimingAndRelatedParametersSequence", RepetitionTime=time) for time in (500.0, 2000.0)],
    "tube voltage": [macro("CTXRayDetailsSequence", KVP=voltage) for voltage in (80.0, 140.0)],
    "stack": [macro("FrameContentSequence", StackID=stack) for stack in ("1", "2")],
    "dimension 2": [macro("FrameContentSequence", DimensionIndexValues=[1, n]) for n in (1, 2)],
    "contrast": [  # of no macro that is read with every header
        macro("ContrastBolusUsageSequence", ContrastBolusAgentNumber=1, ContrastBolusAgentAdministered=answer)
        for answer in ("NO", "YES")
    ],
    "metabolite": [macro("MRMetaboliteMapSequence", MetaboliteMapDescription=what) for what in ("WATER", "ZINC")],
    "energy": [
        macro("MultienergyCTCharacteristicsSequence", MonoenergeticEnergyEquivalent=energy) for energy in (40.0, 70.0)
    ],
    "0065,1002": [{"private": ["A"]}, {"private": ["B"]}],
}


@pytest.mark.parametrize("sop_class", [None, EnhancedCTImageStorage, EnhancedPETImageStorage], ids=["MR", "CT", "PT"])
@pytest.mark.parametrize("fact", PER_FRAME)
def test_whatever_differs_from_frame_to_frame_of_an_enhanced_file_parts_it(tmp_path, fact, sop_class):
    ds = enhanced([3.0 * (n % 3) for n in range(6)])
    if sop_class is not None:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
        ds.Modality = "CT" if sop_class == EnhancedCTImageStorage else "PT"
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        group.PixelValueTransformationSequence[0].RescaleSlope = 1
        for name, items in PER_FRAME[fact][n // 3].items():
            if name == "private":
                group.private_block(0x0065, "A MAKER", create=True).add_new(0x02, "SH", items[0])
            else:
                setattr(group, name, items)
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    all_series = readers.scan([tmp_path]).series
    assert first_values(all_series) == [[0, 1, 2], [3, 4, 5]]
    assert fact in all_series[0].description.lower()


def test_a_dimension_is_called_what_the_file_says_it_is(tmp_path):
    ds = enhanced([0, 0, 3, 3])
    ds.DimensionIndexSequence = [item(DimensionIndexPointer=0x00209057), item(DimensionIndexPointer=0x00189087)]
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        group.FrameContentSequence = [item(DimensionIndexValues=[n // 2 + 1, n % 2 + 1])]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    all_series = readers.scan([tmp_path]).series
    assert [series.description for series in all_series] == [
        "MR head (diffusion b-value number 1)",
        "MR head (diffusion b-value number 2)",
    ]
    assert first_values(all_series) == [[0, 2], [1, 3]]


def ge(ds: Dataset, stated: list[int]) -> None:
    ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x39, "IS", stated)


def siemens(ds: Dataset, b: int) -> None:
    ds.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", b)


def philips(ds: Dataset, b: float) -> None:
    ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", b)


def united(ds: Dataset, b: float) -> None:
    ds.private_block(0x0065, "Image Private Header", create=True).add_new(0x09, "FD", b)


def united_as_bytes(ds: Dataset, b: float) -> None:
    ds.private_block(0x0065, "Image Private Header", create=True).add_new(0x09, "UN", np.float64(b).tobytes())


MAKERS = {
    "GE": lambda ds, b: ge(ds, [b, 8, 0, 0]),
    "GE with its mark": lambda ds, b: ge(ds, [10**9 + b if b else 0, 8, 0, 0]),
    "Siemens": siemens,
    "Philips": lambda ds, b: philips(ds, float(b)),
    "United Imaging": lambda ds, b: united(ds, float(b)),
    "United Imaging, as bytes": lambda ds, b: united_as_bytes(ds, float(b)),
    "the standard's": lambda ds, b: setattr(ds, "DiffusionBValue", float(b)),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_b_values_are_read_where_each_maker_keeps_them(tmp_path, maker):
    """rordenlab/dcm2niix#149, #245, #690: GE states 1000 as 1000, or as 1000001000."""
    all_series = volumes(tmp_path, "MR", lambda ds, volume, place: MAKERS[maker](ds, 1000 * volume))
    assert [series.description for series in all_series] == [
        "MR head (b-value 0 s/mm²)",
        "MR head (b-value 1000 s/mm²)",
    ]
    assert first_values(all_series) == ONE_AFTER_THE_OTHER


def test_a_b_value_in_several_directions_is_a_volume_for_each(tmp_path):
    directions = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]

    def change(ds: Dataset, volume: int, place: int) -> None:
        ge(ds, [1000 if volume else 0, 8, 0, 0])
        block = ds.private_block(0x0019, "GEMS_ACQU_01", create=True)
        for element, part in zip((0xBB, 0xBC, 0xBD), directions[volume], strict=True):
            block.add_new(element, "DS", part)
        ds.TriggerTime = 100 * place  # differs within a volume

    all_series = volumes(tmp_path, "MR", change, count=4)
    assert sorted(first_values(all_series)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]


def test_repeats_of_one_b_value_that_nothing_tells_apart_do_not_take_the_others_along(tmp_path):
    def change(ds: Dataset, volume: int, place: int) -> None:
        ds.DiffusionBValue = 1000.0 if volume else 0.0
        ds.InstanceNumber = 1

    all_series = volumes(tmp_path, "MR", change, count=3)
    whole = [series for series in all_series if not series.problem]
    mixed = [series for series in all_series if series.problem]
    assert first_values(whole) == [[0, 1, 2, 3]]
    assert "both lie at" in mixed[0].problem


def bed(ds: Dataset, volume: int, place: int) -> None:
    """Two passes over two beds: the clocks differ between all four (PS3.3 C.8.9.4.1.9 numbers the passes)."""
    second = 600 * volume + 300 * (place // 2)
    ds.AcquisitionTime = f"11{second // 60:02d}00"
    ds.FrameReferenceTime, ds.ActualFrameDuration = 1000 * (second + 148), 300_000


def test_passes_over_several_beds_are_told_apart_by_the_image_index(tmp_path):
    def change(ds: Dataset, volume: int, place: int) -> None:
        bed(ds, volume, place)
        ds.SeriesType, ds.NumberOfSlices, ds.NumberOfTimeSlices = ["DYNAMIC", "IMAGE"], PLACES, 2
        ds.ImageIndex = volume * PLACES + place + 1

    all_series = volumes(tmp_path, "PT", change)
    assert first_values(all_series) == ONE_AFTER_THE_OTHER
    assert [series.description for series in all_series] == ["PT head (time slice 1)", "PT head (time slice 2)"]


def test_passes_over_several_beds_are_told_apart_by_their_order_where_no_index_is_there(tmp_path):
    all_series = volumes(tmp_path, "PT", bed)
    assert first_values(all_series) == ONE_AFTER_THE_OTHER
    assert [series.description for series in all_series] == ["PT head (pass 1 of 2)", "PT head (pass 2 of 2)"]


def test_beds_taken_in_turns_are_no_passes(tmp_path):
    def change(ds: Dataset, volume: int, place: int) -> None:
        ds.AcquisitionTime = f"11{10 * volume + 15 * (place // 2):02d}00"  # the second bed begins before the first ends

    (series,) = volumes(tmp_path, "PT", change)
    assert "both lie at" in series.problem


def test_a_gated_pet_has_a_volume_for_each_time_slot_of_each_interval(tmp_path):
    def change(ds: Dataset, volume: int, place: int) -> None:
        ds.SeriesType, ds.NumberOfSlices = ["GATED", "IMAGE"], PLACES
        ds.NumberOfTimeSlots, ds.NumberOfRRIntervals = 2, 2
        ds.ImageIndex = volume * PLACES + place + 1

    all_series = volumes(tmp_path, "PT", change, count=4)
    assert sorted(first_values(all_series)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
    assert all_series[3].description == "PT head (R-R interval 2, time slot 2)"


def test_phases_of_the_heart_are_counted_where_trigger_times_vary_from_place_to_place(tmp_path):
    def change(ds: Dataset, volume: int, place: int) -> None:
        ds.TriggerTime = 400 * volume + 7 * place
        ds.ContentTime = f"12{place:02d}{30 * volume:02d}"

    all_series = volumes(tmp_path, "MR", change)
    assert first_values(all_series) == ONE_AFTER_THE_OTHER
    assert all_series[1].description == "MR head (phase 2 of 2)"


@pytest.mark.parametrize(
    ("keyword", "first", "second"),
    [
        ("ReconstructionMethod", "FBP", "OSEM"),
        ("FilterType", "BODY", "HEAD"),
        ("EchoTrainLength", 1, 16),
        ("ContrastBolusAgent", "", "Gadolinium"),
        ("ReconstructionDiameter", 200, 500),
        ("ImageComments", "in phase", "out of phase"),
    ],
)
def test_elements_that_are_not_read_with_every_header_part_volumes_too(tmp_path, keyword, first, second):
    all_series = volumes(tmp_path, "MR", lambda ds, volume, place: setattr(ds, keyword, second if volume else first))
    assert first_values(all_series) == ONE_AFTER_THE_OTHER


def test_what_has_as_many_values_but_not_one_for_each_repeat_tells_nothing(tmp_path):
    def change(ds: Dataset, volume: int, place: int) -> None:
        ds.ImageComments = "even" if place % 2 else "odd"
        ds.InstanceNumber = 1

    (series,) = volumes(tmp_path, "MR", change)
    assert "both lie at" in series.problem


def test_stacks_that_interleave_at_places_of_their_own_stay_one_volume(tmp_path):
    """rordenlab/dcm2niix#839: three packages, one even volume."""
    order = [k for package in range(3) for k in range(package, 9, 3)]
    ds = enhanced([4.0 * k for k in order])
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        group.FrameContentSequence = [item(StackID=str(n // 3 + 1), InStackPositionNumber=n % 3 + 1)]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    series = only_series(tmp_path)
    assert series.spacing_mm == pytest.approx((1.5, 2, 4))
    assert first_values([series]) == [[order.index(k) for k in range(9)]]


def test_slices_as_written_are_what_the_tests_above_read():
    assert [int(slice_values(k)[0, 0]) // 1000 for k in range(16)] == list(range(16))
