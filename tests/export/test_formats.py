"""What every export has in common: names, refusals, nothing left behind, no patient outside DICOM."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from app.base.errors import AppError, ExportError
from app.base.progress import Cancelled
from app.core.palettes import UnknownPaletteError
from app.core.volume import Patient
from app.export import formats
from app.export.folder import FolderGoneError, TargetExistsError
from app.export.plan import (
    FORMATS,
    DifferentPatientsExportError,
    NotFusedYetError,
    Options,
    SlicesError,
    UnknownFormatError,
    chosen_slices,
    file_names,
)
from tests.export.studies import SECRETS, study
from tests.paths import ROOT


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return study(tmp_path_factory.mktemp("pair"))


def relabelled(stack, **changes):
    """The same stack with another partner's series."""
    partner = replace(stack.aligned.partner, series=replace(stack.aligned.partner.series, **changes))
    return replace(stack, aligned=replace(stack.aligned, partner=partner))


def test_names_follow_the_slices():
    options = Options(formats=("nifti", "png", "tiff", "dicom"), prefix="fused")
    assert file_names(options, (3, 40)) == {
        "nifti": ("fused.nii.gz", "fused_rgb.nii.gz"),
        "png": ("fused_0003.png", "fused_0040.png"),
        "tiff": ("fused_0003.tif", "fused_0040.tif"),
        "dicom": ("fused_0003.dcm", "fused_0040.dcm"),
    }


def test_all_slices_are_the_default_and_a_choice_is_sorted():
    assert chosen_slices(Options(), 3) == (0, 1, 2)
    assert chosen_slices(Options(slices=[4, 1, 4]), 5) == (1, 4)


@pytest.mark.parametrize("slices", [(), (-1, 0), (5,), range(3, 9)])
def test_slices_that_are_not_there_are_refused(slices):
    with pytest.raises(SlicesError):
        chosen_slices(Options(slices=slices), 5)


def test_what_is_returned_is_what_lies_in_the_folder(pair, tmp_path):
    paths = formats.write(pair, tmp_path / "out", formats=FORMATS, slices=range(1, 3))
    assert sorted(paths) == sorted((tmp_path / "out").iterdir())
    assert [path.name for path in paths[:3]] == ["fused.nii.gz", "fused_rgb.nii.gz", "fused_0001.png"]


def test_options_and_single_changes_mean_the_same(pair, tmp_path):
    one = formats.write(pair, tmp_path / "a", Options(formats=("png",), slices=(2,), annotate=False))
    two = formats.write(pair, tmp_path / "b", Options(formats=("tiff",)), formats=("png",), slices=(2,), annotate=False)
    assert one[0].read_bytes() == two[0].read_bytes()


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_overwritten_unasked_in_any_format(pair, tmp_path, form):
    options = Options(formats=(form,), slices=(1, 2))
    paths = formats.write(pair, tmp_path, options)
    paths[0].unlink()  # only a later file is in the way
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(TargetExistsError):
        formats.write(pair, tmp_path, options)
    with pytest.raises(TargetExistsError):
        formats.check(pair.aligned.mri.series, pair.aligned.partner.series, tmp_path, options)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert formats.write(pair, tmp_path, options, overwrite=True) == paths
    assert sorted(tmp_path.iterdir()) == sorted(paths)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_cancelling_leaves_nothing_behind(pair, tmp_path, form, call):
    calls = []

    def cancel(fraction, message=""):
        calls.append(fraction)
        if len(calls) == call:
            raise Cancelled

    with pytest.raises(Cancelled):
        formats.write(pair, tmp_path / "new", formats=(form,), progress=cancel)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_a_folder_that_vanishes_is_told_and_leaves_nothing(pair, tmp_path, form):
    def vanish(fraction, message=""):
        shutil.rmtree(tmp_path / "new", ignore_errors=True)

    with pytest.raises(FolderGoneError):
        formats.write(pair, tmp_path / "new", formats=(form,), progress=vanish)
    assert list(tmp_path.iterdir()) == []


def test_progress_rises_to_one(pair, tmp_path):
    fractions = []
    formats.write(pair, tmp_path, formats=FORMATS, progress=lambda fraction, message="": fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(fractions) > 5 * len(FORMATS)


def test_a_slice_that_is_not_fused_is_refused_and_the_others_are_not(pair, tmp_path):
    partly = replace(pair, done=np.array([False, True, True, False, False]))
    with pytest.raises(NotFusedYetError, match=r"3 of the slices .*: 0, 3, 4"):
        formats.write(partly, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(formats.write(partly, tmp_path, formats=("png",), slices=(1, 2))) == 2


def test_unknown_formats_and_palettes_are_refused(pair, tmp_path):
    with pytest.raises(UnknownFormatError, match="gif"):
        formats.write(pair, tmp_path / "x", formats=("gif",))
    with pytest.raises(UnknownPaletteError):
        formats.write(pair, tmp_path / "x", palette="Rainbow")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("prefix", ["", "..", "a/b", "..\\x"])
def test_a_prefix_may_not_leave_the_folder(pair, tmp_path, prefix):
    with pytest.raises(ExportError, match="cannot begin"):
        formats.write(pair, tmp_path / "x", prefix=prefix)


def test_two_patients_are_refused_in_dicom_and_not_elsewhere(pair, tmp_path):
    mixed = relabelled(pair, patient=Patient("PAT-0001", "Someone^Else", "19470601", "F"))
    with pytest.raises(DifferentPatientsExportError, match="patient ID, name") as error:
        formats.write(mixed, tmp_path / "x", formats=("png", "dicom"))
    assert not any(secret in str(error.value) for secret in SECRETS)
    assert not (tmp_path / "x").exists()
    series = mixed.aligned.mri.series, mixed.aligned.partner.series
    with pytest.raises(DifferentPatientsExportError):
        formats.check(*series, tmp_path / "x", Options(formats=("dicom",)))
    assert formats.write(mixed, tmp_path / "x", formats=("png",), slices=(0,))


def test_pictures_and_nifti_hold_nothing_about_the_patient(pair, tmp_path):
    for annotate in (True, False):
        for path in formats.write(pair, tmp_path / str(annotate), formats=("nifti", "png", "tiff"), annotate=annotate):
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
from app.export import formats
from app.base.errors import ExportError
from tests.export.studies import oblique, study
stack = study(Path({str(tmp_path)!r}) / "source", grid=oblique((192, 160, 2)))
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
refused = []
for form in formats.FORMATS:
    try:
        formats.write(stack, Path({str(tmp_path)!r}) / "out", formats=(form,))
    except ExportError as error:
        refused.append((form, type(error).__name__, bool(error.hint)))
print(refused)
"""
    root = ROOT
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == str([(form, "FileTooLargeError", True) for form in FORMATS])
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_every_refusal_has_a_hint(pair, tmp_path):
    for changes in ({"formats": ("gif",)}, {"slices": (99,)}, {"palette": "x"}, {"prefix": "/"}):
        with pytest.raises(AppError) as error:
            formats.write(pair, tmp_path / "x", **changes)
        assert error.value.hint
