"""What a scan notes for reading: window, inversion and factors."""

from __future__ import annotations

import pytest

from app.files import readers
from app.files.dicom.details import Details
from tests.files.dicom.dicom_files import only_series, read_volume, write_series


def test_monochrome1_keeps_its_values_and_is_marked_inverted(tmp_path):
    read = read_volume(
        write_series(tmp_path, change=lambda ds, k: ds.update({"PhotometricInterpretation": "MONOCHROME1"}))
    )
    assert read.inverted
    assert int(read.stored[0, 0, 1]) == 1


def test_the_headers_window_is_kept_as_stated_and_shown_in_the_values_unit(tmp_path):
    """WindowCenter and WindowWidth stand before SUV scaling (PS3.3 C.11.2.1.2): factor times 1000 and 2000 Bq/mL."""
    change = {"WindowCenter": 1000, "WindowWidth": 2000}
    series = only_series(write_series(tmp_path, "PT", change=lambda ds, k: ds.update(change)))
    details = series.details
    assert isinstance(details, Details)
    assert details.window == (1000, 2000)
    factor = 70_000 / (350e6 * 2 ** (-3600 / 6586.2))  # weight in g over the dose decayed for one hour
    assert details.factors == pytest.approx((factor,) * 5)
    assert readers.read(series).window == pytest.approx((1000 * factor, 2000 * factor))


def test_without_a_window_or_a_factor_none_is_made_up(tmp_path):
    series = only_series(write_series(tmp_path, places=[0, 2]))
    assert series.details.window is None
    assert series.details.factors == (1.0, 1.0)
    assert not series.details.inverted
    assert len(series.details.stack.frames) == 2
