"""The list of formats, what goes in, and the document that comes out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.base.errors import AppError
from app.core.volume import Series, Volume
from app.files import readers
from app.files.readers import READERS
from tests.files.dicom.dicom_files import dataset


def write_each(folder: Path) -> dict[str, Path]:
    """One small file for every reader, by its name."""
    import SimpleITK as sitk

    files = {
        "nifti": folder / "mr.nii",
        "nrrd_mha": folder / "ct.nrrd",
        "pictures": folder / "p.png",
        "dicom": folder / "d.dcm",
    }
    nibabel.save(nibabel.Nifti1Image(np.ones((3, 4, 5), np.int16), np.diag([-1.0, -1, 2, 1])), files["nifti"])
    sitk.WriteImage(sitk.Image(3, 4, 5, sitk.sitkInt16), str(files["nrrd_mha"]))
    Image.fromarray(np.eye(4, dtype=np.uint8)).save(files["pictures"])
    dataset().save_as(files["dicom"], enforce_file_format=True)
    return files


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_each_reader_claims_its_own_file_and_no_other(tmp_path, reader):
    files = write_each(tmp_path)
    assert set(files) == {entry.name for entry in READERS}
    claimed = [name for name, path in files.items() if reader.format.claims(path, path.read_bytes()[: readers.HEAD])]
    assert claimed == [reader.name]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_each_reader_reads_what_it_scanned(tmp_path, reader):
    (series,) = readers.scan([write_each(tmp_path)[reader.name]]).series
    volume = readers.read(series)
    assert series.reader == reader.name
    assert volume.geometry.size == series.size
    assert volume.unit == series.unit
    assert len(volume.sources) == series.size[2]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_files_deleted_since_they_were_scanned_are_named(tmp_path, reader):
    path = write_each(tmp_path)[reader.name]
    (series,) = readers.scan([path]).series
    path.unlink()
    with pytest.raises(readers.FilesGoneError, match=f"1 of 1 files are no longer there \\({path.name}\\)"):
        readers.read(series)


def test_several_paths_at_once_and_the_same_twice(tmp_path):
    write_each(tmp_path)
    scan = readers.scan([tmp_path, tmp_path / "d.dcm"])
    assert len(scan.series) == len(READERS)


YAMADA = "YAMADA^TAROU=山田^太郎=やまだ^たろう"
SPELLINGS = {  # the same patient in two files: character sets and names
    "Japanese in ISO 2022": (("ISO_IR 100", "YAMADA^TAROU"), (["", "ISO 2022 IR 87"], YAMADA)),
    "Japanese in ISO 2022 and UTF-8": (("ISO_IR 192", YAMADA), (["ISO 2022 IR 13", "ISO 2022 IR 87"], YAMADA)),
    "Korean": (("ISO_IR 6", "Hong^Gildong"), (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동")),
    "Chinese in GB 18030 and GBK": (("GB18030", "Wang^XiaoDong=王^小东"), ("GBK", "WANG^XIAODONG=王^小东")),
    "Cyrillic alone and Latin alone": (("ISO_IR 144", "Иванов^Иван"), ("ISO_IR 100", "Ivanov^Ivan")),
    "Greek in two sets": (("ISO_IR 126", "Διονυσιος"), ("ISO_IR 192", "ΔΙΟΝΥΣΙΟΣ^")),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_one_patient_whose_name_is_written_in_two_ways_is_one(tmp_path, name):
    for n, ((charset, patient), modality) in enumerate(zip(SPELLINGS[name], ("MR", "PT"), strict=True)):
        ds = dataset(modality)
        ds.SpecificCharacterSet, ds.PatientName = charset, patient
        ds.SeriesInstanceUID = ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{n}"
        ds.save_as(tmp_path / f"{n}.dcm", enforce_file_format=True)
    (study,) = readers.scan([tmp_path]).studies
    mri, partner = study.series
    assert mri.patient.differs_from(partner.patient) == []
    assert {mri.patient.name, partner.patient.name} == {patient for _, patient in SPELLINGS[name]}


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(AppError, match="there is no such file"):
        readers.scan([tmp_path / "nothing"])


def test_what_no_format_claims_is_skipped_with_a_reason(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "in.zip").write_bytes(b"PK\x03\x04 and so on")
    os.mkfifo(tmp_path / "pipe.dcm")  # opening it would wait for ever
    reasons = {skip.path.name: skip.reason for skip in readers.scan([tmp_path]).skipped}
    assert "none of the image formats" in reasons["notes.txt"]
    assert "empty" in reasons["empty.dcm"]
    assert "archive" in reasons["in.zip"]
    assert "regular file" in reasons["pipe.dcm"]


def test_what_stands_beside_an_image_is_not_reported_as_skipped(tmp_path):
    import SimpleITK as sitk

    sitk.WriteImage(sitk.Image(3, 4, 5, sitk.sitkInt16), str(tmp_path / "mr.mhd"))  # and mr.raw
    (tmp_path / "mr.json").write_text("{}")
    (tmp_path / "other.json").write_text("{}")
    assert [skip.path.name for skip in readers.scan([tmp_path]).skipped] == ["other.json"]


def test_importing_the_readers_loads_no_format():
    program = "import sys, app.files.readers; print([m for m in ('pydicom', 'nibabel', 'PIL') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Broken files: anything may be wrong with them, and still there is an answer in words ------------------------------


def originals() -> dict[str, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        files = write_each(Path(folder))
        pet = Path(folder, "pet.dcm")
        dataset("PT").save_as(pet, enforce_file_format=True)
        with zipfile.ZipFile(Path(folder, "s.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files.values():
                archive.write(path, path.name)
        return {path.name: path.read_bytes() for path in (*files.values(), pet, Path(folder, "s.zip"))}


ORIGINALS = originals()


def complaint(work: Callable[[], object]) -> str:
    """The sentence of an AppError, "" where all went well; anything else is a bug and comes out."""
    try:
        work()
    except AppError as error:
        return str(error)
    return ""


def open_all(path: Path) -> list[str]:
    """Scan and read whatever can be; the sentences said on the way."""
    all_series: list[Series] = []
    sentences = [complaint(lambda: all_series.extend(readers.scan([path]).series))]
    return sentences + [complaint(lambda series=series: readers.read(series).values()) for series in all_series]


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("broken")


@given(
    name=st.sampled_from(sorted(ORIGINALS)),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=6),
)
def test_files_cut_or_overwritten_anywhere_give_an_answer_in_words(broken, name, cut, changes):
    raw = bytearray(ORIGINALS[name])
    for where, new in changes:
        at = int(where**2 * (len(raw) - 1))  # more often near the start, where the header is
        raw[at : at + len(new)] = new[: len(raw) - at]
    if cut is not None:
        del raw[int(cut * len(raw)) :]
    path = broken / name
    path.write_bytes(raw)
    tracemalloc.start()
    started = time.monotonic()
    try:
        sentences = open_all(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 10
    assert peak < 64 << 20  # of files below 10 kB
    assert all(sentence == "" or sentence.endswith((".", ".)")) for sentence in sentences), sentences


@pytest.mark.data
@pytest.mark.parametrize("part", ["volumes", "dicom-odd"])
def test_every_real_file_opens_or_is_refused_in_a_sentence(part):
    folder = Path(os.environ["SYNOPTIC_DATA"], part)
    folders = sorted({path.parent for path in folder.rglob("*") if path.is_file()})
    assert folders
    count = 0
    for folder in folders:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        for paths in [files, *([path] for path in files)] if part == "dicom-odd" else [files]:
            started = time.monotonic()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                scan = readers.scan(paths)
                count += len(scan.series) + len(scan.skipped)
                for series in scan.series:
                    read: list[Volume] = []
                    sentence = complaint(lambda series=series, read=read: read.append(readers.read(series)))
                    assert sentence.endswith(".") if sentence else np.isfinite(read[0].values()).all()
            assert all(skip.reason.endswith(".") for skip in scan.skipped)
            assert time.monotonic() - started < 10, paths[0]
    assert count > len(folders)


@pytest.mark.data
def test_every_orientation_of_one_head_shows_the_same_head():
    folder = Path(os.environ["SYNOPTIC_DATA"], "dicom-odd", "nifti", "orientations")
    all_series = readers.scan([folder]).series
    assert len(all_series) == 12
    volumes = [readers.read(series) for series in all_series]
    for series in all_series:
        assert series.orientation == series.description
    centre = volumes[0].geometry.centre_mm
    points = centre + np.random.default_rng(0).uniform(-50, 50, (200, 3))
    first = [volumes[0].value_at(point) for point in points]
    for volume in volumes[1:]:
        assert [volume.value_at(point) for point in points] == first
