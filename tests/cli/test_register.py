"""The register command on the demo study, against the truth the phantom was made with."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.geometry import transform_points
from app.files.tfm import read_tfm


@pytest.mark.parametrize(("partner", "limit_mm"), [("ct", 1.0), ("pet", 2.0)])
def test_register_finds_the_known_transform(demo, run, tmp_path, partner, limit_mm):
    folder, truth = demo
    out = tmp_path / "t.tfm"
    code, document, _ = run("register", folder / "dicom" / "mr-t1", folder / "dicom" / partner, "--out", out)
    assert code == 0
    assert (document["verdict"], document["alignment"]) == ("unverified", "automatic")  # nobody has looked yet
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
