"""What the paper says of RefineFuse and a picture of its output cannot show."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from app.fusion.networks.refine_fuse import FIM, PSIM, SFIM, Decoder, Encoder, RefineFuse, interleaved


@pytest.fixture(scope="module")
def network() -> RefineFuse:
    torch.manual_seed(0)
    return RefineFuse().eval()


def pictures(height: int, width: int, batch: int = 1) -> tuple[Tensor, Tensor]:
    mri, partner = torch.rand((2, batch, 1, height, width), generator=torch.Generator().manual_seed(1))
    return mri, partner


def counted(size: int) -> dict[str, float]:
    """Multiply-adds by operation."""
    with torch.device("meta"):
        network = RefineFuse()
        source = torch.zeros(1, 1, size, size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(source, source)
    return {str(name): operations / 2 for name, operations in counter.get_flop_counts()["Global"].items()}


def put(convolution: nn.Conv2d, centre: list[list[float]], bias: float = 0.0) -> None:
    """Make a 3 x 3 convolution a table of factors, output by input channel, at its centre tap."""
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.weight[:, :, 1, 1] = torch.tensor(centre)
        convolution.bias.fill_(bias)


def test_parameters_are_these():
    def convolution(channels: int, out: int, area: int = 9) -> int:
        return (channels * area + 1) * out

    encoder = convolution(1, 64) + 2 * convolution(64, 64) + convolution(64, 128)
    sfim = convolution(2, 2) + convolution(2, 64)  # the second in 64 groups of 2
    psim = sum(5 * convolution(width, width) + convolution(2 * width, width) for width in (64, 128))
    decoders = sum(convolution(width, 256, area=1) + convolution(256, 64) for width in (128, 64, 64))
    last = 2 * convolution(64, 64) + convolution(64, 32) + convolution(32, 1)
    expected = 2 * encoder + 2 * sfim + psim + 3 * convolution(2, 1) + decoders + last
    assert expected == 2_192_134  # the paper: 2.21 M
    assert sum(one.numel() for one in RefineFuse().parameters()) == expected


@pytest.mark.parametrize(("size", "found", "published"), [(256, 12.9817e9, 12.73e9), (512, 49.0955e9, 48.11e9)])
def test_convolutions_cost_what_the_paper_counts(size, found, published):
    operations = counted(size)
    assert operations.pop("aten.convolution") == pytest.approx(found, rel=1e-5) == pytest.approx(published, rel=0.021)
    assert sum(operations.values()) == 2 * 2 * 1024**2 * (64 + 128)  # two products a modality, over 32 x 32 tokens


def test_the_share_that_does_not_grow_with_the_picture_is_the_papers():
    smaller, larger = (counted(size)["aten.convolution"] for size in (256, 512))
    assert (4 * smaller - larger) / 3 == pytest.approx((4 * 12.73e9 - 48.11e9) / 3, rel=0.01)  # 0.94 G


def test_an_encoder_halves_the_picture_three_times():
    found = Encoder()(torch.rand(2, 1, 24, 40))
    assert [tuple(one.shape) for one in found] == [
        (2, 64, 24, 40),
        (2, 64, 12, 20),
        (2, 64, 6, 10),
        (2, 128, 3, 5),
    ]


def test_channels_are_taken_in_turn():
    mri, partner = (torch.tensor(values).view(1, 3, 1, 1) for values in ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]))
    assert interleaved(mri, partner).flatten().tolist() == [1, 10, 2, 20, 3, 30]


def test_sfim_enhances_each_modality_by_its_own_map_and_joins_channel_with_channel():
    block = SFIM(2)
    put(block.attend, [[0, 0], [1, 0]])  # to the MRI 1/2 everywhere, to the partner the sigmoid of the maximum
    put(block.refine, [[1, 100], [2, 200]])  # for each output channel: factors of the MRI's channel and the partner's
    mri = torch.tensor([math.log(3), 2 * math.log(3)]).view(1, 2, 1, 1)
    partner = torch.tensor([3 * math.log(3), -1.0]).view(1, 2, 1, 1)
    of_partner = 1 + 27 / 28  # the maximum over all four channels is 3 ln 3
    expected = [
        math.log(3) * 1.5 + 100 * 3 * math.log(3) * of_partner,
        2 * 2 * math.log(3) * 1.5 - 200 * of_partner,
    ]
    assert block(mri, partner).flatten().tolist() == pytest.approx(expected, rel=1e-6)


def test_sfim_looks_at_the_mean_of_all_channels_too():
    block = SFIM(2)
    put(block.attend, [[0, 1], [0, 0]])
    put(block.refine, [[1, 0], [1, 0]])
    mri = torch.tensor([4 * math.log(3), 0.0]).view(1, 2, 1, 1)
    assert block(mri, torch.zeros(1, 2, 1, 1)).flatten().tolist() == pytest.approx([4 * math.log(3) * 1.75, 0])


def plain_psim() -> PSIM:
    """One channel; all projections the identity; the merged map is the MRI's plus 10 times the partner's."""
    block = PSIM(1)
    for projection in (block.query, *block.keys, *block.values):
        put(projection, [[1]])
    put(block.merge, [[1, 10]])
    return block


def test_psim_asks_with_both_and_each_modality_answers():
    x = math.sqrt(math.log(3))
    mri, partner = torch.tensor([0.0, x]).view(1, 1, 1, 2), torch.zeros(1, 1, 1, 2)
    # the second pixel asks x of keys 0 and x: weights 1/4 and 3/4, as exp(x^2) = 3
    assert plain_psim()(mri, partner).flatten().tolist() == pytest.approx([x / 2, x + 0.75 * x], rel=1e-6)
    # asked by the other modality, the answers are the same, in its place
    assert plain_psim()(partner, mri).flatten().tolist() == pytest.approx([10 * x / 2, 10 * (x + 0.75 * x)], rel=1e-6)


def test_psim_merges_the_two_into_one_query():
    x = math.sqrt(math.log(3) / 2)
    both = torch.tensor([0.0, x]).view(1, 1, 1, 2)
    # the query is 2 x, the keys 0 and x: exp(2 x^2) = 3
    assert plain_psim()(both, both).flatten().tolist() == pytest.approx([11 * x / 2, 11 * 1.75 * x], rel=1e-6)


def test_psim_of_a_large_map_attends_over_32_by_32():
    block = plain_psim()
    put(block.query, [[0]])  # asks nothing: all tokens count alike
    mri, partner = torch.rand((2, 1, 1, 64, 96), generator=torch.Generator().manual_seed(0))
    expected = mri + mri.mean() + 10 * (partner + partner.mean())
    torch.testing.assert_close(block(mri, partner), expected)
    with FlopCounterMode(display=False) as counter:
        block(mri, partner)
    products = counter.get_flop_counts()["Global"]
    convolutions = products[torch.ops.aten.convolution]
    assert convolutions / 2 == 5 * 9 * 32 * 32 + 2 * 9 * 64 * 96


def test_psim_never_enlarges_a_small_map():
    block = plain_psim()
    mri, partner = torch.rand((2, 1, 1, 8, 5), generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        block(mri, partner)
    assert counter.get_flop_counts()["Global"][torch.ops.aten.convolution] / 2 == (5 + 2) * 9 * 8 * 5


def test_fim_weighs_the_shallow_map_by_channel_and_place_and_adds_the_deep_one():
    block = FIM()
    put(block.attend, [[1, 0]])  # the place counts as much as the sigmoid of the deep map's largest channel
    deep = torch.tensor([[[[math.log(3), math.log(3)]], [[0.0, math.log(9)]]]])  # (1, 2, 1, 2)
    shallow = torch.tensor([[[[1.0, -1.0]], [[2 * math.log(4), 0.0]]]])
    # means of the channels: ln 3 and ln 3 (deep: 3/4 and 3/4), 0 and ln 4 (shallow: 1/2 and 4/5)
    # largest by place: ln 3 and ln 9 (3/4 and 9/10)
    expected = [
        [0.75 * 0.5 * 0.75 + math.log(3), -0.75 * 0.5 * 0.9 + math.log(3)],
        [2 * math.log(4) * 0.75 * 0.8 * 0.75, math.log(9)],
    ]
    torch.testing.assert_close(block(deep, shallow)[0, :, 0], torch.tensor(expected))


def test_a_decoder_doubles_the_size():
    assert Decoder(16, 4)(torch.rand(1, 16, 3, 5)).shape == (1, 4, 6, 10)


@pytest.mark.parametrize(("bias", "picture"), [(-20.0, 0.0), (0.0, 0.5), (math.atanh(0.5), 0.75), (20.0, 1.0)])
def test_the_ends_of_tanh_are_black_and_white(bias, picture):
    network = RefineFuse()
    put(network.last[-2], [[0] * 32], bias)
    fused = network(*pictures(16, 16))
    torch.testing.assert_close(fused, torch.full_like(fused, picture), rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8), (64, 72), (136, 264)])
def test_any_multiple_of_8_is_a_size(network, shape):
    with torch.no_grad():
        assert network(*pictures(*shape)).shape == (1, 1, *shape)


def test_a_batch_gives_what_its_slices_give_one_by_one(network):
    mri, partner = pictures(72, 88, batch=3)
    with torch.no_grad():
        alone = [network(mri[i : i + 1], partner[i : i + 1]) for i in range(3)]
        torch.testing.assert_close(network(mri, partner), torch.cat(alone), rtol=0, atol=2e-6)


def vivid() -> RefineFuse:
    """A network whose pictures use the whole range: rounding shows as it would after training."""
    torch.manual_seed(0)
    network = RefineFuse().eval()
    with torch.no_grad():
        network.last[-2].weight.mul_(30)
    return network


def test_half_precision_stays_within_a_hundredth():
    network = vivid()
    mri, partner = pictures(64, 64)
    with torch.no_grad():
        whole = network(mri, partner)
        half = copy.deepcopy(network).half()(mri.half(), partner.half()).float()
    assert whole.std() > 0.05
    torch.testing.assert_close(half, whole, rtol=0, atol=1e-2)


def test_training_under_bfloat16_gives_every_parameter_a_finite_gradient():
    network = vivid().train()
    with torch.autocast("cpu", torch.bfloat16):
        fused = network(*pictures(32, 32, batch=2))
    fused.float().square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_a_new_network_begins_in_the_middle_of_tanh(network):
    with torch.no_grad():
        fused = network(*pictures(64, 64))
    assert fused.min() > 0.2
    assert fused.max() < 0.8
