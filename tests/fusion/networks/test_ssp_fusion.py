"""What the paper says of SSPFusion and a picture of its output cannot show."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from app.fusion.networks.ssp_fusion import (
    ResidualBlock,
    ResidualChannelAttentionBlock,
    SSPFusion,
    StructuralFeatureExtractor,
    StructurePreservingFusion,
    WithinUnit,
    enhance,
)


@pytest.fixture(scope="module")
def network() -> SSPFusion:
    torch.manual_seed(0)
    return SSPFusion().eval()


def pictures(size: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    mri, partner = torch.rand((2, batch, 1, size, size), generator=torch.Generator().manual_seed(1))
    return mri, partner


def test_parameters_and_compute_are_these():
    with torch.device("meta"):
        network = SSPFusion()
        source = torch.zeros(1, 1, 256, 256)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(source, source)
    assert sum(one.numel() for one in network.parameters()) == 11_797_465  # the paper: 12,021,649
    assert counter.get_total_flops() / 2 == pytest.approx(253.78e9, rel=1e-4)  # the paper: 284.153 G


def test_compute_is_what_its_convolutions_add_up_to():
    unit = 9 * 64 * 64 * 256 * 256  # a 3 x 3 convolution that keeps its width costs the same at each scale
    blocks = 2 * (3 + 2 + 1)  # convolutions in the residual blocks of one part
    extractor = 2 * (2 * blocks + 2 * 0.5 + 2 * 0.5 + 3)  # both modalities: two parts, down, up, heads
    fusion = 2 * blocks + 3 * 2 + blocks + 2 * 0.5 + 2 * 2  # both sides, merges, decoder, up, skips
    with torch.device("meta"):
        network = SSPFusion()
        source = torch.zeros(1, 1, 256, 256)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(source, source)
    assert counter.get_total_flops() / 2 == pytest.approx((extractor + fusion) * unit, rel=2e-3)  # ends, attention


@pytest.mark.parametrize(
    ("s_mri", "s_partner", "mri", "partner"),
    [  # F of the MRI is 10, of the partner 2
        (1.0, 1.0, 1 + 10, 1 + 2),  # shared: each side keeps its own
        (0.0, 0.0, 0 + 10, 0 + 2),
        (1.0, 0.0, 1 + 10, 0 + 10),  # unique to the MRI: the partner's side takes it over
        (0.0, 1.0, 0 + 2, 1 + 2),  # unique to the partner: the MRI's side takes it over
        (0.5, 0.2, 0.5 + 0.9 * 10 + 0.1 * 2, 0.2 + 0.4 * 10 + 0.6 * 2),  # unique: 0.5 * 0.8 and 0.2 * 0.5
    ],
)
def test_each_side_takes_over_what_is_unique_to_the_other(s_mri, s_partner, mri, partner):
    found = enhance(*(torch.full((1, 1, 1, 1), value) for value in (s_mri, s_partner, 10.0, 2.0)))
    assert [float(one) for one in found] == pytest.approx([mri, partner])


def test_unique_structure_is_chosen_pixel_by_pixel_and_channel_by_channel():
    s_mri = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]]])  # (1, 2, 1, 2)
    s_partner = torch.zeros_like(s_mri)
    f_mri = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    f_partner = torch.tensor([[[[5.0, 6.0]], [[7.0, 8.0]]]])
    mri, partner = enhance(s_mri, s_partner, f_mri, f_partner)
    assert mri.tolist() == [[[[2.0, 2.0]], [[3.0, 5.0]]]]
    assert partner.tolist() == [[[[1.0, 6.0]], [[7.0, 4.0]]]]


def test_the_extractor_tells_features_and_structures_of_three_scales():
    torch.manual_seed(0)
    found = StructuralFeatureExtractor()(pictures(32, batch=2)[0])
    shapes = [(2, 64, 32, 32), (2, 128, 16, 16), (2, 256, 8, 8)]
    assert [one.shape for one in found.features] == [one.shape for one in found.maps] == shapes
    assert all((one >= 0).all() and one.any() for one in found.features)
    assert all((one > 0).all() and (one < 1).all() for one in found.maps)


def test_structures_pass_the_coarsest_scale_as_there_are_no_skips():
    torch.manual_seed(0)
    extractor = StructuralFeatureExtractor()
    with torch.no_grad():
        extractor.entries[2].weight.zero_()  # nothing of the picture gets down to the coarsest scale
        one, other = (extractor(picture) for picture in pictures(16))
    assert not torch.equal(one.features[1], other.features[1])
    assert all(torch.equal(a, b) for a, b in zip(one.maps, other.maps, strict=True))


def test_fusing_has_skips():
    torch.manual_seed(0)
    network = SSPFusion().eval()
    seen: list[Tensor] = []
    network.picture.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    with torch.no_grad():
        network.extractor.entries[2].weight.zero_()
        for picture in pictures(16):
            network(picture, picture)
    assert not torch.allclose(*seen, atol=0.01)  # what the finer scales tell gets past the coarsest


def test_one_extractor_serves_both_modalities(network):
    mri, partner = pictures(16)
    with torch.no_grad():
        told, swapped = network(mri, partner, explain=True), network(partner, mri, explain=True)
        alone = network.extractor(mri)
    for k in range(3):
        torch.testing.assert_close(told.mri.features[k], swapped.partner.features[k], rtol=0, atol=1e-5)
        torch.testing.assert_close(told.mri.maps[k], swapped.partner.maps[k], rtol=0, atol=1e-5)
        torch.testing.assert_close(told.mri.features[k], alone.features[k], rtol=0, atol=1e-5)


def test_explaining_does_not_change_the_picture(network):
    mri, partner = pictures(24)
    with torch.no_grad():
        assert torch.equal(network(mri, partner), network(mri, partner, explain=True).fused)


def test_the_picture_starts_near_the_brighter_source(network):
    mri, partner = pictures(32)
    with torch.no_grad():
        assert (network(mri, partner) - torch.maximum(mri, partner)).abs().max() < 0.06


def test_the_clamp_lets_a_pixel_back_in_but_no_further_out():
    values = torch.tensor([-0.5, -0.5, 0.0, 0.3, 1.0, 1.5, 1.5], requires_grad=True)
    clamped = WithinUnit.apply(values)
    assert clamped.tolist() == pytest.approx([0, 0, 0, 0.3, 1, 1, 1])
    clamped.backward(torch.tensor([1.0, -1.0, 1.0, 2.0, -1.0, 1.0, -1.0]))  # descent goes against these
    assert values.grad.tolist() == [0, -1, 1, 2, -1, 1, 0]


def test_a_block_without_its_body_passes_features_on():
    features = torch.rand(1, 16, 4, 4)
    for block in (ResidualBlock(16), ResidualChannelAttentionBlock(16)):
        with torch.no_grad():
            for weight in block.body.parameters():
                weight.zero_()
        assert torch.equal(block(features), features)


def test_attention_weighs_a_channel_by_the_mean_of_its_residual():
    block = ResidualChannelAttentionBlock(16)
    with torch.no_grad():
        for weight in block.parameters():
            weight.zero_()
        block.body[2].bias[0] = 2.0  # the residual: 2 in the first channel, nothing elsewhere
        block.weigh[0].weight[0, 0] = 0.5  # 2 * 0.5 = 1 goes into the bottleneck
        block.weigh[2].weight[0, 0] = 3.0
    told = block(torch.zeros(1, 16, 4, 4)).detach()
    assert told[0, 0].flatten().tolist() == pytest.approx([2 * 0.9525741] * 16)  # sigmoid(3)
    assert not told[0, 1:].any()


def test_both_sides_go_through_the_same_attention_and_are_told_apart_where_they_merge():
    torch.manual_seed(0)
    fuse = StructurePreservingFusion(0).eval()
    with torch.no_grad():
        fuse.merge.weight[:, 64:] = fuse.merge.weight[:, :64]  # now the merge does not tell them apart
        s_mri, s_partner, f_mri, f_partner = torch.rand(4, 1, 64, 8, 8)
        one, other = fuse(s_mri, s_partner, f_mri, f_partner), fuse(s_partner, s_mri, f_partner, f_mri)
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    assert one.any()


def test_any_batch_of_bfloat16_stays_finite(network):
    mri, partner = pictures(16, batch=1)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        told = network(mri, partner, explain=True)
    assert told.fused.isfinite().all()
    torch.testing.assert_close(told.fused.float(), network(mri, partner).detach(), rtol=0, atol=1e-2)


def test_the_gradient_reaches_every_parameter():
    torch.manual_seed(1)
    network = SSPFusion()
    network(*pictures(32, batch=2)).square().mean().backward()
    lost = [one for one, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert lost == []
