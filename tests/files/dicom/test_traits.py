"""What a header states that tells pictures apart, under one name wherever it stands."""

from __future__ import annotations

from pydicom import Dataset

from app.files.dicom.header import TAGS
from app.files.dicom.traits import CLOCKS, NM_VECTORS, TRAITS, sort_key, trait_words, traits_of, whole_headers
from tests.files.dicom.dicom_files import dataset, enhanced, item


def test_every_trait_is_read_with_every_header():
    from pydicom.datadict import tag_for_keyword

    assert [key for key in TRAITS if tag_for_keyword(key) not in TAGS] == []
    assert set(CLOCKS) < set(TRAITS)
    assert "SliceVector" not in NM_VECTORS  # it says where a frame lies


def test_traits_are_told_in_words_with_their_unit():
    assert trait_words("EchoTime", "12.0") == "echo time 12 ms"
    assert trait_words("ComplexImageComponent", "PHASE") == "complex part PHASE"
    assert trait_words("ASLContext", "") == "spin labelling absent"
    assert trait_words("filter type", "BODY") == "filter type BODY"


def test_numbers_are_ordered_by_size_and_before_words():
    assert sorted(["b", "10", "9", "a", ""], key=sort_key) == ["9", "10", "", "a", "b"]


def test_complex_parts_of_ge_are_known_by_their_number():
    ds = dataset("MR")
    ds.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", 1)
    assert traits_of(ds, ("ORIGINAL",))["ComplexImageComponent"] == "PHASE"


def test_a_private_element_of_another_maker_is_none_of_ours():
    ds = dataset("MR")
    ds.private_block(0x0043, "SOMEONE ELSE", create=True).add_new(0x39, "IS", 1000)
    assert traits_of(ds, ())["DiffusionBValue"] == ""


def test_an_image_index_without_the_number_of_slices_says_nothing():
    ds = dataset("PT")
    ds.ImageIndex = 7
    assert "TimeSliceVector" not in traits_of(ds, ())
    ds.NumberOfSlices, ds.NumberOfTimeSlices = 3, 4
    assert traits_of(ds, ())["TimeSliceVector"] == "3"


def test_whole_headers_hold_what_is_short_and_no_clocks(tmp_path):
    ds = dataset("MR")
    ds.ImageComments, ds.ContentTime = "x" * 65, "120000"
    ds.FilterType = "BODY"
    ds.RequestAttributesSequence = [item(ScheduledProcedureStepID="7")]
    ds.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    (stated,) = whole_headers([(tmp_path / "a.dcm", 0)])
    assert stated["filter type"] == "BODY"
    assert stated["scheduled procedure step id"] == "7"
    assert "120000" not in stated.values()
    assert not any("xxx" in value for value in stated.values())


def test_frames_of_one_file_state_their_own(tmp_path):
    ds = enhanced([0, 3])
    for n, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
        group.FrameContentSequence = [item(FrameComments=f"frame {n}", DimensionIndexValues=[n + 1])]
    ds.save_as(tmp_path / "e.dcm", enforce_file_format=True)
    stated = whole_headers([(tmp_path / "e.dcm", 1), (tmp_path / "e.dcm", 0), (tmp_path / "gone.dcm", 0)])
    assert [values.get("frame comments") for values in stated] == ["frame 1", "frame 0", None]
    assert [values.get("dimension 1") for values in stated] == ["2", "1", None]
    assert stated[2] == {}


def test_bytes_that_are_no_number_are_no_b_value():
    ds = Dataset()
    ds.private_block(0x0065, "Image Private Header", create=True).add_new(0x09, "UN", b"\0\0\0")
    assert traits_of(ds, ())["DiffusionBValue"] == ""
