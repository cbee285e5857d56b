"""The main job on the demo study, through the command line, against the truth the phantom was made with."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image

from app.cli import main
from app.core.geometry import transform_points
from app.files.tfm import read_tfm
from app.phantom.study import write_demo
from tests.paths import ROOT


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "demo"
    return folder, write_demo(folder, small=True)


@pytest.fixture
def run(capsys):
    """Run a command with --json: (exit code, document, stderr)."""

    def runner(*words) -> tuple[int, dict, str]:
        code = main([*map(str, words), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out), captured.err

    return runner


def test_info_tells_what_the_study_holds(demo, run):
    folder, _ = demo
    code, document, _ = run("info", folder / "dicom")
    assert code == 0
    (study,) = document["studies"]
    units = {series["modality"]: series["unit"] for series in study["series"]}
    assert units == {"MR": "a.u.", "CT": "HU", "PT": "SUVbw", "NM": "counts"}
    assert len({series["frame_of_reference_uid"] for series in study["series"]}) == 4
    pet = next(series for series in study["series"] if series["modality"] == "PT")
    assert pet["suv"]["factor"] is not None


@pytest.mark.parametrize(("partner", "limit_mm"), [("ct", 1.0), ("pet", 2.0)])
def test_register_finds_the_known_transform(demo, run, tmp_path, partner, limit_mm):
    folder, truth = demo
    out = tmp_path / "t.tfm"
    code, document, _ = run("register", folder / "dicom" / "mr-t1", folder / "dicom" / partner, "--out", out)
    assert code == 0
    assert document["verdict"] == "unverified"  # nobody has looked yet
    assert document["metric_after"] > document["metric_before"]
    marks = np.array([point["mr"] for point in truth["landmarks_lps_mm"].values()])
    found = transform_points(document["fixed_to_moving"], marks)
    wanted = transform_points(truth["fixed_to_moving"][partner], marks)
    assert np.linalg.norm(found - wanted, axis=1).mean() < limit_mm
    np.testing.assert_allclose(read_tfm(out), document["fixed_to_moving"], atol=1e-9)
    point = tuple(marks[0])
    np.testing.assert_allclose(sitk.ReadTransform(str(out)).TransformPoint(point), found[0], atol=1e-6)


def test_a_transform_is_overwritten_only_when_asked(demo, run, tmp_path):
    folder, _ = demo
    out = tmp_path / "t.tfm"
    out.write_text("mine")
    words = ("register", folder / "dicom" / "mr-t1", folder / "dicom" / "spect", "--out", out)
    code, document, _ = run(*words)
    assert code == 2
    assert "exists" in document["error"]
    assert out.read_text() == "mine"
    assert run(*words, "--overwrite")[0] == 0
    assert read_tfm(out).shape == (4, 4)


def test_fuse_exports_what_other_programs_can_open(demo, run, tmp_path):
    folder, truth = demo
    tfm = tmp_path / "truth.tfm"
    turn = sitk.AffineTransform(3)
    matrix = np.array(truth["fixed_to_moving"]["pet"])
    turn.SetMatrix(matrix[:3, :3].ravel().tolist())
    turn.SetTranslation(matrix[:3, 3].tolist())
    sitk.WriteTransform(turn, str(tfm))
    out = tmp_path / "out"
    code, document, _ = run(
        *("fuse", folder / "dicom", folder / "dicom" / "pet", "--network", "lightfusionnet", "--out", out),
        *("--transform", tfm, "--slices", "52:62", "--format", "nifti,png,dicom"),
    )
    assert code == 0
    assert document["slices"] == 10
    assert document["verdict"] == "unverified"
    assert len(document["weights_sha256"]) == 64
    assert set(document["metrics"]) == {"EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIFF", "Qabf", "SSIM"}
    outputs = [Path(path) for path in document["outputs"]]
    assert sorted(outputs) == sorted(out.iterdir())

    # the lesion, hot in PET, is bright in the fused volume where the truth says it lies
    image = nib.load(next(path for path in outputs if path.name == "fused.nii.gz"))
    lesion_ras = np.array(truth["lesion"]["position_lps_mm"]["mr"]) * (-1, -1, 1)
    i, j, k = np.rint(np.linalg.inv(image.affine) @ [*lesion_ras, 1])[:3].astype(int)
    fused = np.asanyarray(image.dataobj)
    head = fused[fused > 0]
    assert fused[i, j, k] > np.percentile(head, 80)

    written = [pydicom.dcmread(path) for path in outputs if path.suffix == ".dcm"]
    assert len(written) == 10
    source = pydicom.dcmread(next((folder / "dicom" / "mr-t1").iterdir()), stop_before_pixels=True)
    assert {one.FrameOfReferenceUID for one in written} == {source.FrameOfReferenceUID}
    assert {one.StudyInstanceUID for one in written} == {source.StudyInstanceUID}
    assert source.SeriesInstanceUID not in {one.SeriesInstanceUID for one in written}
    assert all("NOT FOR DIAGNOSTIC USE" in one.SeriesDescription for one in written)
    for path in outputs:
        if path.suffix == ".dcm":
            verdict = subprocess.run(["dciodvfy", path], capture_output=True, text=True).stderr
            assert "Error" not in verdict
        if path.suffix == ".png":
            assert np.asarray(Image.open(path).convert("RGB")).std() > 10


def test_nothing_is_overwritten_without_asking(demo, run, tmp_path):
    folder, _ = demo
    nifti = folder / "nifti"
    words = ("fuse", nifti / "mr.nii.gz", nifti / "pet.nii.gz", "--network", "average", "--out", tmp_path / "o")
    words += ("--transform", "none", "--slices", "44")
    assert run(*words)[0] == 0
    before = (tmp_path / "o" / "fused.nii.gz").read_bytes()
    code, document, _ = run(*words)
    assert code == 2
    assert "exist" in document["error"]
    assert (tmp_path / "o" / "fused.nii.gz").read_bytes() == before
    assert run(*words, "--overwrite")[0] == 0


def test_a_nifti_mri_has_no_header_for_dicom_to_inherit(demo, run, tmp_path):
    folder, _ = demo
    code, document, _ = run(
        *("fuse", folder / "nifti" / "mr.nii.gz", folder / "nifti" / "ct.nii.gz", "--network", "average"),
        *("--out", tmp_path / "o", "--format", "dicom"),
    )
    assert code == 2
    assert "DICOM" in document["error"]
    assert document["hint"]
    assert not (tmp_path / "o").exists()


def test_several_series_are_asked_about(demo, run, tmp_path):
    folder, _ = demo
    code, document, _ = run(
        "fuse", folder / "dicom" / "mr-t1", folder / "dicom", "--network", "average", "--out", tmp_path / "o"
    )
    assert code == 2
    assert "--partner-series" in document["hint"]


def test_two_patients_stop_unless_said_otherwise(demo, run, tmp_path):
    folder, _ = demo
    other = tmp_path / "other"
    other.mkdir()
    for path in (folder / "dicom" / "pet").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientID = "SOMEONE-ELSE"
        dataset.save_as(other / path.name)
    words = ("fuse", folder / "dicom" / "mr-t1", other, "--network", "average", "--out", tmp_path / "o")
    words += ("--transform", "none", "--slices", "44")
    code, document, _ = run(*words)
    assert code == 2
    assert "patient ID" in document["error"]
    assert run(*words, "--different-patients")[0] == 0
    code, document, _ = run(*words, "--different-patients", "--format", "dicom")
    assert code == 2


def test_metrics_of_the_published_kind(run, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("f", "a", "b"):
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    code, document, _ = run("metrics", *(tmp_path / f"{name}.png" for name in "fab"))
    assert code == 0
    fused = np.asarray(Image.open(tmp_path / "f.png"), dtype=np.float64)
    assert document["SD"] == pytest.approx(fused.std(), rel=1e-12)


def test_networks_lists_what_can_run(run):
    code, document, _ = run("networks")
    assert code == 0
    names = [one["name"] for one in document["networks"]]
    assert {"average", "maximum", "laplacian", "lightfusionnet"} <= set(names)
    light = next(one for one in document["networks"] if one["name"] == "lightfusionnet")
    assert 3600 <= light["parameters"] <= 5000


@pytest.mark.parametrize(
    "words",
    [
        ("info", "/no/such/folder"),
        ("fuse", "a", "b", "--network", "no-such-network", "--out", "o"),
        ("register", "only-one"),
        ("networks", "--js"),
        ("info", ""),
        ("fuse", "a", "b", "--network", "average", "--out", "o", "--format", "gif"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(run, words):
    code, document, stderr = run(*words)
    assert code == 2
    assert document["error"].endswith(".")
    assert document["hint"]
    assert "Traceback" not in stderr


def test_a_seed_is_no_negative_number(run, tmp_path):
    code, document, stderr = run("demo", tmp_path / "demo", "--seed", "-1")
    assert code == 2
    assert "--seed" in document["error"]
    assert "Traceback" not in stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_with_130_and_leave_nothing(demo, tmp_path, capsys, number):
    folder, _ = demo
    out = tmp_path / "t.tfm"
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()  # long before the registration can end
    code = main(["register", str(folder / "dicom" / "mr-t1"), str(folder / "dicom" / "ct"), "--out", str(out)])
    assert code == 130
    assert "cancelled" in capsys.readouterr().err
    assert not out.exists()


def test_the_command_runs_as_a_program(demo):
    folder, _ = demo
    ran = subprocess.run(
        [sys.executable, "-m", "app", "info", folder / "dicom" / "ct", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["studies"][0]["series"][0]["modality"] == "CT"


@pytest.mark.parametrize("words", [("networks", "--json"), ("networks",)])
def test_a_full_disk_behind_stdout_is_told(words):
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "app", *words], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "full" in ran.stderr
