"""DICOM as one of the readers."""

from __future__ import annotations

import numpy as np
import pytest

from app.base.progress import Cancelled
from app.files import readers
from app.files.dicom import reader
from tests.files.dicom.dicom_files import only_series, write_series


def test_scanning_can_be_cancelled(tmp_path):
    folder = write_series(tmp_path)

    def stop(fraction: float, message: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        readers.scan([folder], stop)
    series = only_series(folder)
    with pytest.raises(Cancelled):
        readers.read(series, stop)


def test_what_it_claims_it_scans_and_what_it_scanned_it_reads(tmp_path):
    paths = sorted(write_series(tmp_path, places=[0, 2, 4]).iterdir())
    assert all(reader.claims(path, path.read_bytes()[: readers.HEAD]) for path in paths)
    assert not reader.claims(tmp_path / "p.png", b"\x89PNG\r\n\x1a\n" + bytes(200))
    (series,) = reader.scan(paths).series
    np.testing.assert_array_equal(reader.read(series).stored[:, 0, 0], [0, 1000, 2000])
