"""What a network adds to the brighter source, amplified."""

from __future__ import annotations

import pytest
import torch

from app.fusion import registry, weights
from app.research.evaluation.fusers import from_file
from app.research.training import amplify


@pytest.fixture
def file(tmp_path, request):
    torch.manual_seed(0)
    told = {"large_kernels": False, "from_maximum": getattr(request, "param", True)}
    weights.save(registry.build("lkcfunet", **told), tmp_path / "begun", told)
    return tmp_path / "begun"


def run(file, by: str) -> int:
    return amplify.main([str(file), "--by", by, "--out", str(file.with_name("out"))])


def test_what_is_added_to_the_brighter_source_grows_by_that_number(file):
    assert run(file, "1.5") == 0
    mri, partner = torch.rand(2, 1, 1, 64, 64) * 0.2 + 0.4  # far from what is clipped
    brighter = torch.maximum(mri, partner)
    with torch.no_grad():
        before, after = (from_file("lkcfunet", one)(mri, partner) for one in (file, file.with_name("out")))
    assert (before - brighter).abs().max() > 1e-3
    assert torch.allclose(after - brighter, 1.5 * (before - brighter), atol=1e-6)


@pytest.mark.parametrize("by", ["0", "-1", "nan", "inf"])
def test_what_is_no_factor_is_refused(file, by, capsys):
    assert run(file, by) == 2
    assert f"--by is {float(by)}" in capsys.readouterr().err
    assert not file.with_name("out").exists()


@pytest.mark.parametrize("file", [False], indirect=True)
def test_a_network_that_predicts_the_whole_picture_is_refused(file, capsys):
    assert run(file, "1.2") == 2
    assert "does not begin from the brighter source" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(file, capsys):
    assert amplify.main([str(file), "--by", "1.2", "--out", str(file.with_name("no") / "out")]) == 2
    assert "cannot be written" in capsys.readouterr().err
