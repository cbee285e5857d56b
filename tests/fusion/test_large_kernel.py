"""Large convolutions through the frequency domain against torch's own, which adds up every product."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from app.fusion import large_kernel
from app.fusion.large_kernel import LargeKernelConv2d


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.detach() - expected.detach()).abs().max() / expected.detach().abs().max())


def directly(layer: LargeKernelConv2d, features: torch.Tensor) -> torch.Tensor:
    return functional.conv2d(features, layer.weight, layer.bias, padding=layer.padding, groups=layer.groups)


@pytest.mark.parametrize("depthwise", [False, True], ids=["dense", "depthwise"])
@pytest.mark.parametrize(
    ("size", "batch", "height", "width"),
    [(15, 1, 33, 50), (15, 2, 64, 64), (11, 3, 16, 16), (7, 1, 9, 70), (11, 1, 5, 3), (15, 1, 130, 40)],
)
def test_result_and_gradients_are_those_of_the_sum_over_the_kernel(size, batch, height, width, depthwise):
    torch.manual_seed(size + height)
    channels, out = (6, 6) if depthwise else (5, 7)
    layer = LargeKernelConv2d(channels, out, size, depthwise=depthwise)
    features = torch.randn(batch, channels, height, width, requires_grad=True)
    expected = directly(layer, features)
    found = layer(features)
    assert found.shape == expected.shape
    assert relative_error(found, expected) < 5e-6
    back = torch.randn_like(expected)
    asked = (features, layer.weight, layer.bias)
    for one, other in zip(
        torch.autograd.grad(found, asked, back), torch.autograd.grad(expected, asked, back), strict=True
    ):
        assert one.shape == other.shape
        assert relative_error(one, other) < 5e-6


def test_autocast_to_bfloat16_costs_as_much_as_its_eight_bits():
    torch.manual_seed(0)
    layer = LargeKernelConv2d(16, 16, 15)
    features = torch.randn(1, 16, 40, 40, requires_grad=True)
    expected = directly(layer, features)
    with torch.autocast("cpu", torch.bfloat16):
        found, of_half = layer(features), layer(features.bfloat16())
    assert found.dtype == of_half.dtype == torch.float32
    assert 1e-5 < relative_error(found, expected) < 1e-2
    assert relative_error(of_half, expected) < 1e-2
    assert torch.equal(found, layer.eval()(features)) == large_kernel.computes_bfloat16()
    back = torch.randn_like(expected)
    asked = (features, layer.weight)
    for one, other in zip(
        torch.autograd.grad(found, asked, back), torch.autograd.grad(expected, asked, back), strict=True
    ):
        assert relative_error(one, other) < 1e-2


def test_a_single_tap_moves_the_picture():
    layer = LargeKernelConv2d(1, 1, 15)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 7 + 3, 7 - 5] = 2.0  # looks three rows down and five columns left
        layer.bias.zero_()
        picture = torch.randn(1, 1, 40, 40)
        moved = layer(picture)
    torch.testing.assert_close(moved[..., :-3, 5:], 2 * picture[..., 3:, :-5], rtol=0, atol=1e-5)
    torch.testing.assert_close(moved[..., -3:, :], torch.zeros(1, 1, 3, 40), rtol=0, atol=1e-5)


def test_memory_layout_changes_nothing():
    torch.manual_seed(0)
    layer = LargeKernelConv2d(4, 4, 11)
    features = torch.randn(2, 4, 30, 30)
    last = layer(features.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(last, layer(features), rtol=0, atol=1e-6)


def test_half_precision_is_computed_in_single_and_rounded_once():
    torch.manual_seed(0)
    layer = LargeKernelConv2d(4, 4, 11).half()
    features = torch.randn(1, 4, 30, 30).half()
    found, expected = layer(features), directly(layer.float(), features.float())
    assert found.dtype == torch.float16
    torch.testing.assert_close(found.float(), expected, rtol=2**-11, atol=1e-5)


def test_double_precision_takes_the_direct_way():
    layer = LargeKernelConv2d(2, 2, 11).double()
    features = torch.randn(1, 2, 20, 20, dtype=torch.float64)
    assert torch.equal(layer(features), directly(layer, features))


@pytest.mark.gpu
@pytest.mark.parametrize("depthwise", [False, True], ids=["dense", "depthwise"])
def test_a_gpu_finds_the_same_sum(depthwise):
    torch.manual_seed(0)
    layer = LargeKernelConv2d(32, 32, 15, depthwise=depthwise)
    features = torch.randn(2, 32, 96, 80)
    expected = directly(layer.double(), features.double())
    assert relative_error(layer.float().cuda()(features.cuda()).cpu(), expected) < 5e-6


@pytest.mark.parametrize(("multiplies", "error"), [(False, 5e-6), (True, 5e-3)], ids=["float32", "bfloat16"])
def test_kernels_are_transformed_once_while_they_are_kept_and_anew_when_they_change(monkeypatch, multiplies, error):
    monkeypatch.setattr(large_kernel, "computes_bfloat16", lambda: multiplies)
    torch.manual_seed(0)
    layer = LargeKernelConv2d(3, 4, 11).eval()
    transformed = []
    monkeypatch.setattr(LargeKernelConv2d, "_transformed", counting(LargeKernelConv2d._transformed, transformed))
    kept: large_kernel.Kept = {}
    for height in (30, 50):  # whatever the picture's size
        with torch.inference_mode(), large_kernel.keeping(kept):
            features = torch.randn(1, 3, height, 40)
            assert relative_error(layer(features), directly(layer, features)) < error
    assert len(transformed) == 1
    with torch.no_grad():
        layer.weight.mul_(2)
    with torch.inference_mode(), large_kernel.keeping(kept):
        assert relative_error(layer(features), directly(layer, features)) < error
    assert len(transformed) == 2
    layer(features)
    with large_kernel.keeping(kept):
        layer.train()(features)
    assert len(transformed) == 4
    assert len(kept) == 1


def counting(function, calls):
    def counted(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return counted
