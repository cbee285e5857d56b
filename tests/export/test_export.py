"""What every export has in common: names, refusals, nothing left behind, no patient outside DICOM."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from app import export
from app.base.errors import AppError, ExportError
from app.base.progress import Cancelled
from app.core.palettes import UnknownPaletteError
from app.core.volume import Patient
from app.export import Options
from app.export.dicom.sources import DifferentPatientsExportError
from app.export.folder import FolderGoneError, TargetExistsError
from app.export.formats import EXPORT_FORMATS, UnknownFormatError
from app.export.plan import NotFusedYetError
from tests.export.studies import SECRETS, study
from tests.paths import ROOT


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return study(tmp_path_factory.mktemp("pair"))


def relabelled(stack, **changes):
    """The same stack with another partner's series."""
    partner = replace(stack.aligned.partner, series=replace(stack.aligned.partner.series, **changes))
    return replace(stack, aligned=replace(stack.aligned, partner=partner))


def test_what_is_returned_is_what_lies_in_the_folder(pair, tmp_path):
    paths = export.write(pair, tmp_path / "out", formats=tuple(EXPORT_FORMATS), slices=range(1, 3))
    assert sorted(paths) == sorted((tmp_path / "out").iterdir())
    assert [path.name for path in paths[:3]] == [
        "PAT-4711_fused_0002.png",
        "PAT-4711_fused_0003.png",
        "PAT-4711_fused_0002.tif",
    ]


def test_options_and_single_changes_mean_the_same(pair, tmp_path):
    one = export.write(pair, tmp_path / "a", Options(formats=("png",), slices=(2,), switches=("plain",)))
    two = export.write(
        pair, tmp_path / "b", Options(formats=("tiff",)), formats=("png",), slices=(2,), switches=("plain",)
    )
    assert one[0].read_bytes() == two[0].read_bytes()


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_nothing_is_overwritten_unasked_in_any_format(pair, tmp_path, form):
    options = Options(formats=(form,), slices=(1, 2))
    paths = export.write(pair, tmp_path, options)
    paths[0].unlink()  # only a later file is in the way
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(TargetExistsError):
        export.write(pair, tmp_path, options)
    with pytest.raises(TargetExistsError):
        export.check(pair.aligned.mri.series, pair.aligned.partner.series, tmp_path, options)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert export.write(pair, tmp_path, options, overwrite=True) == paths
    assert sorted(tmp_path.iterdir()) == sorted(paths)


@pytest.mark.parametrize("form", EXPORT_FORMATS)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_cancelling_leaves_nothing_behind(pair, tmp_path, form, call):
    calls = []

    def cancel(fraction, message=""):
        calls.append(fraction)
        if len(calls) == call:
            raise Cancelled

    with pytest.raises(Cancelled):
        export.write(pair, tmp_path / "new", formats=(form,), progress=cancel)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_a_folder_that_vanishes_is_told_and_leaves_nothing(pair, tmp_path, form):
    def vanish(fraction, message=""):
        shutil.rmtree(tmp_path / "new", ignore_errors=True)

    with pytest.raises(FolderGoneError):
        export.write(pair, tmp_path / "new", formats=(form,), progress=vanish)
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_one(pair, tmp_path):
    fractions = []
    export.write(
        pair, tmp_path, formats=tuple(EXPORT_FORMATS), progress=lambda fraction, message="": fractions.append(fraction)
    )
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(fractions) > 5 * len(EXPORT_FORMATS)


def test_a_slice_that_is_not_fused_is_refused_and_the_others_are_not(pair, tmp_path):
    partly = replace(pair, done=np.array([False, True, True, False, False]))
    with pytest.raises(NotFusedYetError, match=r"3 of the slices .*: 1, 4, 5, counted from 1"):
        export.write(partly, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(export.write(partly, tmp_path, formats=("png",), slices=(1, 2))) == 2


def test_unknown_formats_and_palettes_are_refused(pair, tmp_path):
    with pytest.raises(UnknownFormatError, match="gif"):
        export.write(pair, tmp_path / "x", formats=("gif",))
    with pytest.raises(UnknownPaletteError):
        export.write(pair, tmp_path / "x", palette="Rainbow")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("subject", ["..", "a/b", "..\\x"])
def test_a_pseudonym_may_not_leave_the_folder(pair, tmp_path, subject):
    with pytest.raises(ExportError, match="cannot stand"):
        export.write(pair, tmp_path / "x", subject=subject)


def test_two_patients_are_refused_in_dicom_and_not_elsewhere(pair, tmp_path):
    mixed = relabelled(pair, patient=Patient("PAT-0001", "Someone^Else", "19470601", "F"))
    with pytest.raises(DifferentPatientsExportError, match="patient ID, name") as error:
        export.write(mixed, tmp_path / "x", formats=("png", "dicom"))
    assert not any(secret in str(error.value) for secret in SECRETS)
    assert not (tmp_path / "x").exists()
    series = mixed.aligned.mri.series, mixed.aligned.partner.series
    with pytest.raises(DifferentPatientsExportError):
        export.check(*series, tmp_path / "x", Options(formats=("dicom",)))
    assert export.write(mixed, tmp_path / "x", formats=("png",), slices=(0,))


def test_pictures_and_nifti_hold_nothing_about_the_patient(pair, tmp_path):
    for annotate in (True, False):
        for path in export.write(
            pair, tmp_path / str(annotate), formats=("nifti", "png", "tiff"), switches=() if annotate else ("plain",)
        ):
            content = path.read_bytes()
            if path.suffix == ".gz":
                header = nibabel.load(path).header
                content = bytes(header.binaryblock)
                assert not header.extensions
            for secret in (*SECRETS, str(pair.aligned.mri.sources[0].parent)):
                assert secret.encode() not in content


def test_a_limit_of_the_system_in_the_middle_of_each_format_leaves_nothing(tmp_path):
    """The kernel refuses to let a file grow, in a process of its own; like a full disk, and possible anywhere."""
    program = f"""
import resource
from pathlib import Path
from app import export
from app.base.errors import ExportError
from app.export.formats import EXPORT_FORMATS
from tests.export.studies import oblique, study
stack = study(Path({str(tmp_path)!r}) / "source", grid=oblique((192, 160, 2)))
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
refused = []
for form in EXPORT_FORMATS:
    try:
        export.write(stack, Path({str(tmp_path)!r}) / "out", formats=(form,))
    except ExportError as error:
        refused.append((form, type(error).__name__, bool(error.hint)))
print(refused)
"""
    root = ROOT
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str([(form, "FileTooLargeError", True) for form in EXPORT_FORMATS])
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_every_refusal_has_a_hint(pair, tmp_path):
    for changes in ({"formats": ("gif",)}, {"slices": (99,)}, {"palette": "x"}, {"subject": "/"}):
        with pytest.raises(AppError) as error:
            export.write(pair, tmp_path / "x", **changes)
        assert error.value.hint
