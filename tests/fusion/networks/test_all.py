"""The contract every fuser keeps, over the registry's list: a new network is tested by being listed."""

from __future__ import annotations

import copy
import math
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from app.base.assets import model_weights
from app.fusion import infer, large_kernel, manifest, registry, weights

NAMES = [spec.name for spec in registry.NETWORKS]
LEARNED = [spec.name for spec in registry.NETWORKS if not spec.classical]
CANCELLED = (  # by the batch norm or softmax that follows, which takes away what it adds everywhere
    "skip.*.channel.2.bias",
    "skip.*.spatial.*.bias",
    "skip.*.attend.0.bias",
    "profound.*.keys.*.bias",
)
PUBLISHED = {  # parameters, multiply-adds at 256 x 256, and how near to be: what each paper states
    "lightfusionnet": (4_300, 0.29e9, 0.16),  # 0.004 M: 3.6 to 5.0 thousand
    "sspfusion": (12_020_000, 284e9, 0.2),
    "refinefuse": (2_210_000, 12.73e9, 0.2),
    "refinefuse-ir-vis": (2_210_000, 12.73e9, 0.2),
    "lkcfunet": (41_170_000, 2025e9, 0.01),
}
SIZES = [(64, 64), (65, 97), (128, 101), (255, 256), (65, 1023), (1024, 64), (511, 509), (1023, 1024)]
LARGEST = {"lkcfunet": 1 << 17, "sspfusion": 1 << 19}  # pixels in these tests; what lies above takes them minutes


def sources(height: int, width: int, batch: int = 1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth pictures with air around them: an MRI and a partner that reaches less far."""
    draw = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    coarse = torch.rand((2, batch, 1, 8, 8), generator=draw)
    mri, partner = (
        torch.nn.functional.interpolate(one, (height, width), mode="bicubic").clamp(0.02, 1) for one in coarse
    )
    return mri * (x.square() + y.square() < 0.8), partner * (x.square() + 2 * y.square() < 0.5)


@pytest.fixture(scope="module", params=NAMES)
def fuser(request: pytest.FixtureRequest) -> torch.nn.Module:
    return registry.load(request.param)


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, size) for name in NAMES for size in SIZES if math.prod(size) <= LARGEST.get(name, 1 << 20)],
)
def test_any_size_gives_a_picture_of_that_size_within_0_and_1(name, shape):
    fuser = registry.load(name)
    mri, partner = sources(*shape)
    fused = infer.fuse_batch(fuser, mri, partner)
    assert fused.shape == (1, 1, *shape)
    assert fused.dtype == torch.float32
    assert fused.min() >= 0
    assert fused.max() <= 1
    assert fused.isfinite().all()


def test_air_is_exactly_zero_and_only_air(fuser):
    mri, partner = sources(96, 80)
    fused = infer.fuse_batch(fuser, mri, partner)
    air = (mri == 0) & (partner == 0)
    assert 0.1 < air.float().mean() < 0.9
    assert (fused[air] == 0).all()
    assert fused[~air].mean() > 0.1


def test_how_much_air_lies_around_does_not_change_the_picture(fuser):
    mri, partner = (functional.pad(one, (32, 32, 32, 32)) for one in sources(96, 112))
    close = infer.fuse_batch(fuser, mri, partner)
    around = infer.fuse_batch(fuser, *(functional.pad(one, (64, 16, 48, 32)) for one in (mri, partner)))
    torch.testing.assert_close(around[..., 48:-32, 64:-16], close, rtol=0, atol=1e-3)


def test_a_batch_gives_what_its_slices_give_one_by_one(fuser):
    mri, partner = sources(72, 88, batch=4)
    together = infer.fuse_batch(fuser, mri, partner)
    alone = [infer.fuse_batch(fuser, mri[i : i + 1], partner[i : i + 1]) for i in range(4)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=2e-6)


def test_the_cpu_gives_the_same_bits_every_time(fuser):
    mri, partner = sources(128, 128)
    first = infer.fuse_batch(fuser, mri, partner)
    assert all(torch.equal(first, infer.fuse_batch(fuser, mri, partner)) for _ in range(3))


@pytest.mark.parametrize("name", LEARNED)  # choosing by strength, as the pyramid does, may flip where both are equal
def test_half_precision_stays_within_a_hundredth(name):
    fuser = registry.load(name)
    mri, partner = sources(96, 96)
    half = infer.fuse_batch(copy.deepcopy(fuser).half(), mri.half(), partner.half())
    torch.testing.assert_close(half.float(), infer.fuse_batch(fuser, mri, partner), rtol=0, atol=1e-2)


def test_what_a_processor_multiplies_in_bfloat16_stays_within_a_grey_level(fuser, monkeypatch):
    mri, partner = sources(128, 128)
    fused = []
    for multiplies in (False, True):
        monkeypatch.setattr(large_kernel, "computes_bfloat16", lambda multiplies=multiplies: multiplies)
        fused.append(infer.fuse_batch(fuser, mri, partner))
    assert (fused[1] - fused[0]).abs().max() < 1 / 255
    has_large_kernels = any(isinstance(layer, large_kernel.LargeKernelConv2d) for layer in fuser.modules())
    assert torch.equal(*fused) != has_large_kernels


def test_both_sources_count(fuser):
    mri, partner = sources(96, 96)
    fused = infer.fuse_batch(fuser, mri, partner)
    inside = (mri > 0) & (partner > 0)
    for changed in (infer.fuse_batch(fuser, mri * 0.5, partner), infer.fuse_batch(fuser, mri, partner * 0.5)):
        assert (changed - fused).abs()[inside].mean() > 0.01


@pytest.mark.parametrize("name", LEARNED)
def test_the_gradient_reaches_every_parameter(name):
    torch.manual_seed(1)  # stochastic depth leaves no block out for both pictures
    network = registry.build(name).double().train()
    mri, partner = (one.double() for one in sources(32, 32, batch=2))
    network(mri, partner).square().mean().backward()
    of_loss = {one: parameter.grad for one, parameter in network.named_parameters()}
    assert [one for one, gradient in of_loss.items() if gradient is None] == []
    largest = {one: gradient.abs().max().item() for one, gradient in of_loss.items()}
    lost = [one for one, gradient in largest.items() if gradient < 1e-12 * max(largest.values())]
    assert [one for one in lost if not any(fnmatchcase(one, pattern) for pattern in CANCELLED)] == []


@pytest.mark.parametrize("name", LEARNED)
def test_size_and_compute_are_the_papers(name):
    parameters, multiply_adds, near = PUBLISHED[name]
    with torch.device("meta"):  # counts without computing
        network = registry.build(name).eval()
        source = torch.zeros(1, 1, 256, 256)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(source, source)
    assert sum(one.numel() for one in network.parameters()) == pytest.approx(parameters, rel=near)
    assert counter.get_total_flops() / 2 == pytest.approx(multiply_adds, rel=near)


@pytest.mark.parametrize("name", LEARNED)
def test_saving_what_was_loaded_gives_the_same_bytes(name, tmp_path: Path):
    folder = model_weights()
    entry = manifest.read_manifest(folder)[name]
    whole, again = tmp_path / "whole.safetensors", tmp_path / "again.safetensors"
    sha256 = weights.save(registry.load(name), whole, entry["arguments"], half=_is_half(folder / entry["file"]))
    if "over" in entry:
        sha256 = weights.save_over(whole, folder / entry["over"]["file"], again)
    else:
        whole.rename(again)
    assert again.read_bytes() == (folder / entry["file"]).read_bytes()
    assert sha256 == entry["sha256"]
    assert weights.arguments_in(again) == entry["arguments"]


def _is_half(path: Path) -> bool:
    return any(one.dtype == torch.float16 for one in weights.read_tensors(path, weights.sha256_of(path)).values())


@pytest.mark.parametrize("name", LEARNED)
def test_a_flat_pair_stays_about_as_bright_as_it_is(name):
    flat = torch.full((1, 1, 64, 64), 0.5)
    fused = infer.fuse_batch(registry.load(name), flat, flat)[..., 16:-16, 16:-16]
    assert abs(float(fused.mean()) - 0.5) < 0.15


@pytest.mark.parametrize("mri_alone", [True, False], ids=["mri", "partner"])
@pytest.mark.parametrize("name", LEARNED)
def test_broad_brightness_of_one_source_alone_is_shown(name, mri_alone):
    """Metrics do not mind its loss: weights that showed a partner's 128 grey levels as 10 ranked higher."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    disc = 0.6 * (torch.hypot(y - 32, x - 32) < 22)[None, None]
    pair = (disc, torch.zeros_like(disc)) if mri_alone else (torch.zeros_like(disc), disc)
    fused = infer.fuse_batch(registry.load(name), *pair)[..., 26:38, 26:38]
    assert 0.7 * 0.6 < float(fused.mean()) < 1.2 * 0.6


def test_every_network_has_a_published_size_to_be_held_to():
    assert set(PUBLISHED) == set(LEARNED)


def test_two_networks_never_share_a_name():
    assert len(set(NAMES)) == len(NAMES)


def test_flat_pictures_of_the_classical_ones_are_known():
    mri, partner = torch.full((1, 1, 64, 64), 0.2), torch.full((1, 1, 64, 64), 0.6)
    for name, value in {"average": 0.4, "maximum": 0.6, "laplacian": 0.4, "salient": 0.6}.items():
        np.testing.assert_allclose(infer.fuse_batch(registry.load(name), mri, partner), value, atol=1e-6)
