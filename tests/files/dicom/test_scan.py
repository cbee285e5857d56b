"""DICOM series whose geometry and values are known because they were written here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import RLELossless, SecondaryCaptureImageStorage

from app.base.errors import AppError
from app.base.progress import Cancelled
from app.core.volume import Series, Volume
from app.files import readers
from tests.files.dicom.dicom_files import ROOT, dataset, put_pixels, slice_values, write_series


def only(folder: Path) -> Series:
    found = readers.scan([folder]).series
    assert len(found) == 1, [series.warnings for series in found]
    return found[0]


def volume(folder: Path) -> Volume:
    return readers.read(only(folder))


def test_a_plain_series_has_the_geometry_units_and_texts_it_was_written_with(tmp_path):
    series = only(write_series(tmp_path, "CT", places=[0, 3, 6, 9]))
    assert (series.modality, series.description, series.unit) == ("CT", "CT head", "HU")
    assert series.size == (8, 6, 4)
    assert series.spacing_mm == pytest.approx((1.5, 2.0, 3.0))  # columns, rows, positions: never SliceThickness
    assert series.orientation == "LPS"
    assert (series.patient.id, series.body_part, series.number) == ("P1", "HEAD", 3)
    assert series.frame_of_reference_uid == f"{ROOT}.9"
    assert series.warnings == ()
    assert series.problem == ""
    read = readers.read(series)
    np.testing.assert_array_equal(read.geometry.origin_mm, (-10, -20, 0))
    np.testing.assert_array_equal(read.values(), np.stack([slice_values(k) - 1000.0 for k in range(4)]))


def test_slices_follow_the_normal_not_names_or_instance_numbers_and_sources_follow_the_slices(tmp_path):
    read = volume(write_series(tmp_path, places=[9, 0, 6, 3]))
    assert [int(read.stored[k, 0, 0]) for k in range(4)] == [1000, 3000, 2000, 0]
    assert [path.name[-6:-4] for path in read.sources if path] == ["01", "03", "02", "00"]


def test_the_rescale_of_each_slice_is_its_own(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.RescaleSlope, ds.RescaleIntercept = 1 + k, -k

    read = volume(write_series(tmp_path, places=[0, 1, 2], change=change))
    for k in range(3):
        np.testing.assert_allclose(read.values(k), slice_values(k) * (1.0 + k) - k)


@pytest.mark.parametrize(
    ("signed", "value", "limit"), [(True, -2000, None), (False, 63536, None), (True, -2000, -1990), (True, 63536, None)]
)
def test_padding_is_masked_before_the_rescale_whatever_the_sign_it_is_written_with(tmp_path, signed, value, limit):
    def change(ds: Dataset, k: int) -> None:
        ds.PixelRepresentation = int(signed)
        pixels = slice_values(k).astype(np.int32)
        pixels[0, 0] = -2000 if signed else 63536
        pixels[1, 1] = -1995 if limit else 7
        ds.PixelData = pixels.astype("<i2" if signed else "<u2").tobytes()
        ds.add_new("PixelPaddingValue", "US" if value > 32767 else "SS", value)
        if limit is not None:
            ds.add_new("PixelPaddingRangeLimit", "SS", limit)

    read = volume(write_series(tmp_path, places=[0, 1], change=change))
    expected = np.ones((2, 6, 8), bool)
    expected[:, 0, 0] = False
    expected[:, 1, 1] = limit is None
    np.testing.assert_array_equal(read.valid, expected)


def test_bits_above_bits_stored_are_no_part_of_the_value(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 12, 11, 1
        ds.PixelData = np.full((6, 8), 0x3FFF, "<u2").tobytes()  # 12 bits of -1, an overlay bit above

    read = volume(write_series(tmp_path, places=[0, 1], change=change))
    assert (read.stored == -1).all()


def test_missing_slices_are_told_with_both_positions_interpolated_and_marked(tmp_path):
    series = only(write_series(tmp_path, places=[0, 2, 4, 10, 12]))
    assert series.size[2] == 7
    assert series.acquired == 5
    (warning,) = series.warnings
    assert "2 slices are missing" in warning
    assert "4.00 mm" in warning
    assert "10.00 mm" in warning
    read = readers.read(series)
    np.testing.assert_array_equal(read.interpolated, [0, 0, 0, 1, 1, 0, 0])
    assert [path is None for path in read.sources] == [False, False, False, True, True, False, False]
    np.testing.assert_allclose(read.values()[:, 0, 0], [-1000, 0, 1000, 4000 / 3, 5000 / 3, 2000, 3000], rtol=1e-6)


def test_an_uneven_gap_is_told_with_both_positions_and_values_stay_at_their_true_place(tmp_path):
    places = [0.0, 2.0, 4.0, 7.0, 9.0]
    series = only(write_series(tmp_path, places=places))
    assert any("3.00 mm instead of 2.00 mm" in warning and "7.00 mm" in warning for warning in series.warnings)
    read = readers.read(series)
    along = read.geometry.to_lps(
        np.stack([np.zeros(read.geometry.size[2])] * 2 + [np.arange(read.geometry.size[2])], 1)
    )
    np.testing.assert_allclose(read.values()[:, 0, 0], np.interp(along[:, 2], places, 1000.0 * np.arange(5)) - 1000)
    assert along[-1, 2] == pytest.approx(9)


def test_a_spacing_within_a_hundredth_of_a_millimetre_is_even(tmp_path):
    series = only(write_series(tmp_path, places=[0, 3.375, 6.745, 10.12, 13.49]))
    assert series.warnings == ()
    assert series.spacing_mm[2] == pytest.approx(3.3725)


def test_a_tilted_gantry_is_sheared_back_by_positions(tmp_path):
    """Each slice is 2 mm further in y than a straight stack's: one row of 2 mm."""

    def change(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [-10.0, -20.0 + 2 * k, 5.0 * k]
        ds.GantryDetectorTilt = -33  # wrong on purpose: it must not be used

    series = only(write_series(tmp_path, places=range(4), change=change))
    assert any("tilted by 21.8" in warning for warning in series.warnings)  # atan(2 / 5)
    read = readers.read(series)
    assert read.geometry.size == (8, 9, 4)
    assert read.interpolated.all()
    np.testing.assert_allclose(read.geometry.direction, np.eye(3), atol=1e-12)
    for k in range(4):
        np.testing.assert_allclose(read.values(k)[k : k + 6], slice_values(k) - 1000.0, atol=1e-3)
        assert read.valid[k, k : k + 6].all()
        assert not read.valid[k, :k].any()
        assert not read.valid[k, k + 6 :].any()
    assert all(read.sources)  # every slice still has its file


def test_oblique_axes_come_from_the_cosines(tmp_path):
    c, s = np.cos(0.3), np.sin(0.3)

    def change(ds: Dataset, k: int) -> None:
        ds.ImageOrientationPatient = [0, c, -s, 0, -s, -c]  # not axial: rows run back and down
        ds.ImagePositionPatient = [4.0 * k, 0, 0]

    read = volume(write_series(tmp_path, places=range(3), change=change))
    np.testing.assert_allclose(read.geometry.direction[:, 2], np.cross([0, c, -s], [0, -s, -c]), atol=1e-12)
    assert read.geometry.spacing_mm[2] == pytest.approx(4)
    assert read.geometry.plane == "sagittal"
    assert [int(v) for v in read.stored[:, 0, 0]] == (
        [0, 1000, 2000] if read.geometry.direction[0, 2] > 0 else [2000, 1000, 0]
    )


def test_another_size_orientation_or_spacing_splits_and_says_so(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        if k == 4:
            put_pixels(ds, slice_values(0, rows=5))
        if k == 5:
            ds.PixelSpacing = [3, 3]
        if k == 6:
            ds.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]

    found = readers.scan([write_series(tmp_path, places=range(7), change=change)]).series
    assert [series.size[2] for series in found] == [4, 1, 1, 1]
    assert [series.uid for series in found] == [f"{ROOT}.2", f"{ROOT}.2#2", f"{ROOT}.2#3", f"{ROOT}.2#4"]
    assert all("split into 4 parts" in series.warnings[0] for series in found)


def test_echoes_at_the_same_places_become_a_series_each(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        ds.EchoTime = 80 if k % 2 else 12
        ds.ImagePositionPatient = [0, 0, 2.0 * (k // 2)]

    found = readers.scan([write_series(tmp_path, "MR", places=range(8), change=change)]).series
    assert [series.description for series in found] == ["MR head (echo time 12 ms)", "MR head (echo time 80 ms)"]
    assert [series.size[2] for series in found] == [4, 4]
    np.testing.assert_array_equal(readers.read(found[1]).stored[:, 0, 0], [1000, 3000, 5000, 7000])


@pytest.mark.parametrize(
    ("keyword", "first", "second", "label"),
    [
        ("FrameReferenceTime", 1000, 61000, "frame reference time 1000 ms"),
        ("AcquisitionNumber", 1, 2, "acquisition number 1"),
        ("TemporalPositionIdentifier", 1, 2, "temporal position 1"),
    ],
)
def test_frames_of_a_dynamic_series_are_told_apart_by_time(tmp_path, keyword, first, second, label):
    def change(ds: Dataset, k: int) -> None:
        ds.ImagePositionPatient = [0, 0, 2.0 * (k % 4)]
        setattr(ds, keyword, first if k < 4 else second)
        ds.ContentTime = f"1200{k:02d}"  # differs between slices of one volume too: it must not tear it to pieces

    found = readers.scan([write_series(tmp_path, "PT", places=range(8), change=change)]).series
    assert [series.size[2] for series in found] == [4, 4]
    assert label in found[0].description


def test_copies_are_left_out_and_named(tmp_path):
    write_series(tmp_path, places=range(4))
    first = sorted(tmp_path.iterdir())[0]
    (tmp_path / "copy.dcm").write_bytes(first.read_bytes())
    series = only(tmp_path)
    assert series.size[2] == 4
    assert any("copy.dcm" in warning or first.name in warning for warning in series.warnings)


def test_two_different_slices_at_one_place_are_refused_with_both_names(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        if k == 4:
            ds.ImagePositionPatient = [-10.0, -20.0, 2.0]

    series = only(write_series(tmp_path, places=range(5), change=change))
    assert "both lie at 2.00 mm" in series.problem
    with pytest.raises(AppError, match="both lie at"):
        readers.read(series)


@pytest.mark.parametrize(
    ("gone", "told"), [("PixelSpacing", "PixelSpacing"), ("ImagePositionPatient", "where they lie")]
)
def test_without_spacing_or_position_it_is_no_volume(tmp_path, gone, told):
    series = only(write_series(tmp_path, change=lambda ds, k: ds.__delattr__(gone)))
    assert told in series.problem
    assert series.spacing_mm is None


def test_a_truncated_file_is_named_and_its_place_is_marked(tmp_path):
    folder = write_series(tmp_path, places=range(5))
    victim = next(path for path in folder.iterdir() if path.name.endswith("02.dcm"))
    victim.write_bytes(victim.read_bytes()[:-40])
    scan = readers.scan([folder])
    (skip,) = scan.skipped
    assert skip.path == victim
    assert "56 of 96 bytes" in skip.reason
    (series,) = scan.series
    assert any(victim.name in warning for warning in series.warnings)
    assert list(readers.read(series).interpolated) == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "secondary capture"),
        ({"Modality": "US"}, "modality US"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"], "Modality": "MR"}, "mosaic"),
    ],
)
def test_what_is_no_measurement_is_listed_with_the_reason(tmp_path, attributes, told):
    series = only(write_series(tmp_path, change=lambda ds, k: ds.update(attributes)))
    assert told in series.problem


def test_a_report_is_skipped_with_the_reason(tmp_path):
    ds = dataset()
    ds.Modality = "SR"
    ds.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    (skip,) = readers.scan([tmp_path]).skipped
    assert "report" in skip.reason


@pytest.mark.parametrize(
    ("attributes", "unit"),
    [
        ({}, "HU"),
        ({"RescaleType": None}, "HU"),
        ({"RescaleType": None, "ImageType": ["DERIVED", "SECONDARY"]}, "unknown"),
        ({"RescaleType": "US"}, "unknown"),
        ({"RescaleSlope": None}, "unknown"),
    ],
)
def test_hounsfield_units_only_where_the_header_says_so(tmp_path, attributes, unit):
    def change(ds: Dataset, k: int) -> None:
        for key, value in attributes.items():
            if value is None:
                delattr(ds, key)
            else:
                setattr(ds, key, value)

    series = only(write_series(tmp_path, change=change))
    assert series.unit == unit
    assert bool(series.warnings) == (unit == "unknown")


def test_monochrome1_keeps_its_values_and_is_marked_inverted(tmp_path):
    read = volume(write_series(tmp_path, change=lambda ds, k: ds.update({"PhotometricInterpretation": "MONOCHROME1"})))
    assert read.inverted
    assert int(read.stored[0, 0, 1]) == 1


def test_a_modality_table_replaces_the_rescale(tmp_path):
    def change(ds: Dataset, k: int) -> None:
        del ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType
        put_pixels(ds, np.array([[5, 6], [7, 99]], np.int16))
        table = Dataset()
        table.add_new("LUTDescriptor", "SS", [3, 5, 16])
        table.ModalityLUTType = "HU"
        table.add_new("LUTData", "OW", np.array([100, 200, 400], "<u2").tobytes())
        ds.ModalityLUTSequence = [table]

    read = volume(write_series(tmp_path, places=[0, 1], change=change))
    np.testing.assert_array_equal(read.values(0), [[100, 200], [400, 400]])
    assert read.unit == "HU"


def test_two_patients_in_one_series_uid_are_never_merged(tmp_path):
    scan = readers.scan([write_series(tmp_path, change=lambda ds, k: ds.update({"PatientID": f"P{k % 2}"}))])
    assert sorted(series.patient.id for series in scan.series) == ["P0", "P1"]
    assert len(scan.studies) == 2
    assert len({series.uid for series in scan.series}) == 2


def test_texts_lose_characters_that_rewrite_what_stands_beside_them(tmp_path):
    series = only(write_series(tmp_path, change=lambda ds, k: ds.update(
        {"SpecificCharacterSet": "ISO_IR 192", "SeriesDescription": "a\u202eb\u0007c" + "x" * 5000}
    )))  # fmt: skip
    assert series.description.startswith("abcxxx")
    assert len(series.description) <= 256


def test_a_program_in_the_preamble_is_told(tmp_path):
    folder = write_series(tmp_path, places=range(3))
    path = next(iter(folder.iterdir()))
    path.write_bytes(b"MZ" + path.read_bytes()[2:])
    assert any("Windows program" in warning for warning in only(folder).warnings)


def test_a_tall_stack_far_from_another_is_a_series_of_its_own(tmp_path):
    found = readers.scan([write_series(tmp_path, places=[0, 1, 2, 3, 500, 501, 502])]).series
    assert [series.size[2] for series in found] == [4, 3]


def test_a_lone_slice_far_away_is_not_joined_by_hundreds_of_invented_ones(tmp_path):
    found = readers.scan([write_series(tmp_path, places=[0, 1, 500])]).series
    assert [series.size[2] for series in found] == [2, 1]


def test_scanning_can_be_cancelled(tmp_path):
    folder = write_series(tmp_path)

    def stop(fraction: float, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        readers.scan([folder], stop)
    series = only(folder)
    with pytest.raises(Cancelled):
        readers.read(series, stop)


def test_a_file_that_vanished_is_named(tmp_path):
    folder = write_series(tmp_path / "größe 体", places=range(3))  # also: names beyond ASCII
    series = only(folder)
    series.paths[0].unlink()
    with pytest.raises(AppError, match=series.paths[0].name):
        readers.read(series)


def test_a_header_that_states_more_pixels_than_the_file_has_allocates_nothing(tmp_path):
    ds = dataset()
    ds.Rows = ds.Columns = 65535
    ds.save_as(tmp_path / "bomb.dcm", enforce_file_format=True)
    (skip,) = readers.scan([tmp_path]).skipped
    assert "cut short" in skip.reason


def test_a_compressed_file_without_its_end_is_called_cut_short(tmp_path):
    for k in range(3):
        ds = dataset(k=k, position=(0, 0, 2.0 * k))
        ds.compress(RLELossless)
        ds.save_as(tmp_path / f"{k}.dcm", enforce_file_format=True)
    last = tmp_path / "2.dcm"
    last.write_bytes(last.read_bytes()[:-12])
    scan = readers.scan([tmp_path])
    told = [skip.reason for skip in scan.skipped] + [w for s in scan.studies for one in s.series for w in one.warnings]
    with pytest.raises(AppError, match=r"2\.dcm.*cut short"):
        readers.read(scan.studies[0].series[0])
    assert not any("attribute" in sentence for sentence in told)
