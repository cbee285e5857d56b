"""The main job on the demo study, through the command line: fused, exported, opened by other programs."""

import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk
from PIL import Image

from app.cli import main


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
    assert document["alignment"] == "file"
    assert np.shape(document["fixed_to_moving"]) == (4, 4)
    assert len(document["weights_sha256"]) == 64
    assert set(document["metrics"]) == {"EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIFF", "Qabf", "SSIM"}
    outputs = [Path(path) for path in document["outputs"]]
    assert sorted(outputs) == sorted(out.iterdir())

    # the lesion, hot in PET, is bright in the fused volume where the truth says it lies
    image = nib.load(next(path for path in outputs if path.name.endswith("_fused.nii.gz")))
    lesion_ras = np.array(truth["lesion"]["position_lps_mm"]["mr"]) * (-1, -1, 1)
    i, j, k = np.rint(np.linalg.inv(image.affine) @ [*lesion_ras, 1])[:3].astype(int)
    fused = np.asanyarray(image.dataobj)
    head = fused[fused > 0]
    assert fused[i, j, k] > np.percentile(head, 80)

    assert {path.name[-8:-4] for path in outputs if path.suffix == ".png"} == {f"{n:04d}" for n in range(53, 63)}
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


def test_text_shows_the_means_where_they_are_asked_for_and_measures_nothing_else(demo, capsys, tmp_path, monkeypatch):
    from app.case import pipeline

    folder, _ = demo
    words = ("fuse", folder / "nifti" / "mr.nii.gz", folder / "nifti" / "pet.nii.gz", "--network", "average")
    words += ("--transform", "none", "--slices", "44", "--overwrite", "--out", tmp_path / "o")
    assert main([*map(str, words), "--metrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in lines]
    assert names[-10:] == ["EN", "SD", "SF", "AG", "MI", "CC", "SCD", "VIFF", "Qabf", "SSIM"]
    assert 0 < float(lines[-1].split()[1]) <= 1

    monkeypatch.delattr(pipeline, "mean_metrics")  # whoever calls it fails
    assert main([*map(str, words)]) == 0
    assert "SSIM" not in capsys.readouterr().out
