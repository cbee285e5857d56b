"""Parameters, compute, time and memory: known counts, and processes of their own."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from app.base.assets import model_weights
from app.fusion import registry
from app.research import __main__ as research
from app.research.evaluation import efficiency


class Known(nn.Module):
    """3 x 3 from two channels to four, and 1 x 1 to one: 72 + 4 multiply-adds a pixel, 81 parameters."""

    multiple = 8

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 1, 1))

    def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
        return self.layers(torch.cat([mri, partner], dim=1))


def test_multiply_adds_are_those_reckoned_by_hand():
    assert efficiency.multiply_adds(Known(), 32, 40) == 76 * 32 * 40
    assert efficiency.multiply_adds(Known(), 30, 33) == 76 * 32 * 40  # padded to what the network takes
    assert efficiency.multiply_adds(registry.build("maximum"), 64, 64) == 0


@pytest.mark.parametrize(
    ("name", "expected_g"), [("lightfusionnet", 0.285), ("refinefuse", 13.8), ("sspfusion", 254), ("lkcfunet", 2023)]
)
def test_every_network_can_be_counted(name, expected_g):
    with torch.device("meta"):
        network = registry.build(name).eval()
    assert efficiency.multiply_adds(network, 256, 256) / 1e9 == pytest.approx(expected_g, rel=0.01)


def test_the_time_of_a_slice_is_the_best_of_three_at_least():
    class Slow(Known):
        calls = 0

        def forward(self, mri: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward(mri, partner)

    network = Slow().eval()
    assert efficiency.ms_per_slice(network, 64, seconds=0) > 0
    assert network.calls == 3
    assert efficiency.ms_per_slice(network, 64, seconds=100) > 0
    assert network.calls == 103


def test_the_command_measures_each_network_in_a_process_of_its_own(capsys):
    held = torch.ones(100 << 20, dtype=torch.float32)  # 420 MB here are none there
    words = ["--networks", "lightfusionnet,maximum", "--sizes", "64,256", "--devices", "cpu", "--json"]
    assert research.main(["efficiency", *words]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["network"], row["size"]) for row in rows] == [
        ("lightfusionnet", 64), ("maximum", 64), ("lightfusionnet", 256), ("maximum", 256),
    ]  # fmt: skip
    small, _, large, maximum = rows
    assert large["parameters"] == 4467
    assert large["file_mb"] == (model_weights() / "lightfusionnet.safetensors").stat().st_size / 1e6
    assert large["multiply_adds_g"] == pytest.approx(0.285, abs=0.001)  # as its card says
    assert large["flops_g"] == 2 * large["multiply_adds_g"] == 16 * small["flops_g"]
    assert (maximum["parameters"], maximum["file_mb"], maximum["flops_g"]) == (0, 0, 0)
    assert all(row["load_ms"] > 0 and row["ms"] > 0 for row in rows)
    sixteen_channels_mb = 16 * 256 * 256 * 4 / 1e6
    assert large["base_mb"] + sixteen_channels_mb < large["peak_mb"] < large["base_mb"] + 400
    assert small["peak_mb"] < large["peak_mb"]
    assert maximum["peak_mb"] < 100 + maximum["base_mb"] < 1000
    assert held.nbytes > 400e6


def test_refinefuse_fuses_512_by_512_in_two_gigabytes(capsys):
    assert (
        research.main(["efficiency", "--networks", "refinefuse", "--sizes", "512", "--devices", "cpu", "--json"]) == 0
    )
    (row,) = json.loads(capsys.readouterr().out)
    assert row["base_mb"] < row["peak_mb"] < 2000  # of the whole process


def test_the_table_has_a_row_for_each(capsys):
    row = efficiency.Efficiency("a", "cpu", 2, 256, 41_174_000, 82.3, 2025.0, 4050.0, 812.3, 4321.0, 1234.5, None)
    lines = efficiency.as_markdown([row]).splitlines()
    assert lines[2] == "| a | cpu | 256 x 256 | 41,174,000 | 82.3 | 2,025 | 4,050 | 812 | 4,321 | 1,234 | - |"
    assert lines[-1] == "With 2 threads on the CPU."


@pytest.mark.parametrize(
    ("words", "fact"),
    [(["--sizes", "256,x"], "256,x"), (["--sizes", "8"], "8"), (["--networks", "nobody"], "nobody"),
     (["--devices", "tpu"], "tpu")],
)  # fmt: skip
def test_a_bad_request_is_told(words, fact, capsys):
    assert research.main(["efficiency", *words]) == 2
    assert fact in capsys.readouterr().err


def test_a_process_that_ends_without_a_result_is_told_with_its_last_words():
    with pytest.raises(efficiency.NoMeasurementError, match=r"maximum at 8 x 8 on cpu .*--sizes 8"):
        efficiency.measure_apart("maximum", 8, "cpu")


def test_several_sizes_are_measured_in_one_process(capsys):
    words = ["--here", "--networks", "lightfusionnet", "--sizes", "64,96", "--devices", "cpu", "--json"]
    assert research.main(["efficiency", *words]) == 0
    small, large = json.loads(capsys.readouterr().out)
    assert large["flops_g"] == pytest.approx(small["flops_g"] * 96**2 / 64**2)


@pytest.mark.gpu
def test_the_gpus_memory_is_what_tensors_took_there():
    row = efficiency.measure_apart("lightfusionnet", 512, "cuda")
    assert 16 * 512 * 512 * 4 / 1e6 < row.peak_mb < 2000
