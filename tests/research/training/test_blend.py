"""Weights between two files."""

from __future__ import annotations

import pytest
import torch

from app.fusion import registry, weights
from app.research.evaluation.fusers import from_file
from app.research.training import blend


@pytest.fixture
def files(tmp_path):
    for name, value in (("begun", 1.0), ("run", 3.0)):
        network = registry.build("lightfusionnet", width=8)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.fill_(value)
        weights.save(network, tmp_path / name, {"width": 8})
    return tmp_path


def run(files, share: str) -> int:
    words = [files / "begun", files / "run", "--network", "lightfusionnet", "--share", share, "--out", files / "out"]
    return blend.main([str(one) for one in words])


@pytest.mark.parametrize(("share", "expected"), [("0", 1.0), ("0.25", 1.5), ("1", 3.0)])
def test_each_weight_lies_on_the_line_between_both(files, share, expected):
    assert run(files, share) == 0
    network = from_file("lightfusionnet", files / "out")
    assert all(torch.equal(one, torch.full_like(one, expected)) for one in network.parameters())
    assert weights.arguments_in(files / "out") == {"width": 8}


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan"])
def test_what_is_no_share_is_refused(files, share, capsys):
    assert run(files, share) == 2
    assert "from 0 to 1" in capsys.readouterr().err
    assert not (files / "out").exists()


def test_weights_of_two_networks_are_refused(files, capsys):
    weights.save(registry.build("lightfusionnet"), files / "run", {})
    assert run(files, "0.5") == 2
    assert "does not fit the network" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(files, capsys):
    (files / "run").unlink()
    assert run(files, "0.5") == 2
    assert f"{files / 'run'} cannot be read: No such file" in capsys.readouterr().err
