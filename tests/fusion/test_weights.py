"""Weights in half precision: half the bytes, the same bytes again, and float32 networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from app.fusion import registry, weights


def read(path):
    return weights.read_tensors(path, weights.sha256_of(path))


def test_saving_what_was_loaded_from_a_half_file_gives_the_same_bytes(tmp_path):
    torch.manual_seed(0)
    first, again = tmp_path / "first.safetensors", tmp_path / "again.safetensors"
    arguments = {"width": 8}
    sha256 = weights.save(registry.build("lightfusionnet", **arguments), first, arguments, half=True)
    network = registry.build("lightfusionnet", **weights.arguments_in(first))
    weights.put(network, read(first), first)
    assert weights.save(network, again, arguments, half=True) == sha256
    assert again.read_bytes() == first.read_bytes()


def test_half_files_hold_float16_and_fill_float32_networks(tmp_path):
    source = nn.Sequential(nn.Conv2d(1, 8, 15), nn.BatchNorm2d(8))
    with torch.no_grad():
        source[0].weight.fill_(1 / 3)
    source[1].num_batches_tracked.fill_(70_000)  # a count, beyond float16
    path = tmp_path / "half.safetensors"
    weights.save(source, path, {}, half=True)
    stored = read(path)
    assert {name: tensor.dtype for name, tensor in stored.items() if tensor.dtype != torch.float16} == {
        "1.num_batches_tracked": torch.int64
    }
    network = nn.Sequential(nn.Conv2d(1, 8, 15), nn.BatchNorm2d(8))
    weights.put(network, stored, path)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert float(network[0].weight.detach()[0, 0, 0, 0]) == 1365 / 4096  # 1/3 to eleven binary digits
    assert int(network[1].num_batches_tracked) == 70_000


def test_a_value_that_half_precision_has_not_is_refused(tmp_path):
    network = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        network.weight.fill_(65_536)
    with pytest.raises(weights.HalfRangeError, match=r"weight is not finite there"):
        weights.save(network, tmp_path / "half.safetensors", {}, half=True)
    assert not (tmp_path / "half.safetensors").exists()


def test_tamed_batch_norms_change_no_result():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Sigmoid(), nn.BatchNorm2d(4)).eval()
    network[1].running_mean.copy_(torch.tensor([9000.0, 3.0, 0.2, -70.0]))
    network[1].running_var.copy_(torch.tensor([5.6e8, 1.0, 0.25, 400.0]))
    network[3].running_var.fill_(4.0)  # follows no convolution
    given = 1000 * torch.randn(1, 3, 5, 5)
    expected = network(given)
    weights.tame_batch_norms(network)
    assert network[1].running_var.tolist() == [1.0, 1.0, 0.25, 1.0]
    assert network[1].running_mean[3] == -3.5
    assert (network[3].running_var == 4).all()
    torch.testing.assert_close(network(given), expected, rtol=0, atol=1e-5)
