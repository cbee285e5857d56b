"""The list of formats, and that the command line, the dialog and the writing read it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app import export
from app.cli.manual import manual
from app.cli.parser import parse
from app.export.formats import DERIVED_MR, EXPORT_FORMATS, PLAIN, ExportFormat, Job, Switch, find_format, switches
from tests.export.studies import study
from tests.paths import ROOT


def test_names_follow_the_slices():
    assert {name: entry.file_names("fused", (3, 40)) for name, entry in EXPORT_FORMATS.items()} == {
        "png": ("fused_0004.png", "fused_0041.png"),
        "tiff": ("fused_0004.tif", "fused_0041.tif"),
        "nifti": ("fused.nii.gz", "fused_rgb.nii.gz"),
        "dicom": ("fused_0004.dcm", "fused_0041.dcm"),
    }


def test_a_switch_that_two_formats_share_stands_once():
    assert [(switch, [entry.name for entry in entries]) for switch, entries in switches()] == [
        (PLAIN, ["png", "tiff"]),
        (DERIVED_MR, ["dicom"]),
    ]


def test_to_know_the_formats_nothing_that_writes_them_is_loaded():
    code = "import sys, app.export; print(*sorted({'PIL', 'nibabel', 'pydicom'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def write_digest(job: Job) -> None:
    louder = "loud" in job.switches
    job.write_each_slice(lambda file, k: file.write(f"slice {k}{'!' * louder}".encode()))


LOUD = Switch("loud", "With !", "quiet", "loud")
DIGEST = ExportFormat("digest", "Digests", "a line a slice", (".txt",), write_digest, switches=(LOUD,))


@pytest.fixture
def digest(monkeypatch):
    monkeypatch.setitem(EXPORT_FORMATS, "digest", DIGEST)


def test_a_format_added_to_the_list_is_a_choice_of_the_command_line(digest, capsys):
    args = parse(["fuse", "a", "b", "--network", "x", "--out", "o", "--format", "png,digest", "--loud"])
    assert args.format == ("png", "digest")
    assert args.switches == ["loud"]
    assert "[--format png,tiff,nifti,dicom,digest]" in manual()
    assert "[--loud]" in manual()
    with pytest.raises(SystemExit):
        parse(["fuse", "--help"])
    assert "With !" in capsys.readouterr().out


def test_a_format_added_to_the_list_is_written(digest, tmp_path):
    pair = study(tmp_path / "pair")
    paths = export.write(pair, tmp_path / "out", formats=("digest",), slices=(1, 2), switches=("loud",))
    assert {path.name: path.read_text() for path in paths} == {
        "PAT-4711_fused_0002.txt": "slice 1!", "PAT-4711_fused_0003.txt": "slice 2!",
    }  # fmt: skip
    assert find_format("digest") is DIGEST
