"""LKC-FUNet: its size to the last parameter, its blocks by hand, and the ablations of its Table 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from app.fusion import infer, large_kernel, registry
from app.fusion.networks.lkc_funet import MPAFM, NORMS, WIDTH, LKCFUNet, LKDCBlock
from app.research.pairs import read_pairs


def counted(**arguments) -> tuple[int, float]:
    """Parameters, and floating-point operations at 256 x 256 (two for a multiply-add)."""
    with torch.device("meta"):
        network = LKCFUNet(**arguments).eval()
        source = torch.zeros(1, 1, 256, 256)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(source, source)
    return sum(one.numel() for one in network.parameters()), counter.get_total_flops()


def test_size_is_the_papers_within_a_percent():
    parameters, operations = counted()
    assert parameters == 41_179_558
    assert parameters == pytest.approx(41.17e6, rel=0.01)
    assert operations == pytest.approx(4050e9, rel=0.01)


def test_small_kernels_and_plain_skips_cost_what_they_save():
    with_all, _ = counted()
    without_mpafm, _ = counted(mpafm=False)
    one_mpafm = 2 * (128 * 16) + 16 + 128 + 3 + 2 + 256 + 258 + (128 * 128 + 128) + 256 + (128 * 256 + 256)
    assert with_all - without_mpafm == 3 * one_mpafm
    assert counted(large_kernels=False)[0] < 5e6


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_every_norm_of_table_2_runs(norm):
    torch.manual_seed(0)
    network = LKCFUNet(norm=norm, large_kernels=False).eval()
    with torch.inference_mode():
        fused = network(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16))
    assert fused.shape == (1, 1, 16, 16)
    assert fused.isfinite().all()


def test_no_two_norms_are_one():
    """With equal weights, in training mode, and two pictures: of one, batch norm would be instance norm."""
    draw = torch.Generator().manual_seed(1)
    mri, partner = torch.rand(2, 2, 1, 16, 16, generator=draw)
    fused = []
    for norm in NORMS:
        torch.manual_seed(0)
        network = LKCFUNet(norm=norm, large_kernels=False, dropout=0.0, drop_path=0.0)
        fused.append(network(mri, partner).detach())
    for number, one in enumerate(fused):
        for other in fused[:number]:
            assert (one - other).abs().max() > 1e-4


def test_a_name_that_mpafm_does_not_know_is_refused():
    with pytest.raises(ValueError, match="neither 'encoder' nor 'decoder'"):
        LKCFUNet(recalibrates="encodr")


def test_unsure_mpafm_halves_both_paths_and_lets_them_gate_each_other():
    """With the selection at a tie (w = 1/2) and the last gate at sigmoid(0) = 1/2, X = widen(e / 2) of Eq. 7."""
    module = MPAFM("encoder").eval()
    with torch.no_grad():
        for layer in (module.select, module.attend[0]):
            layer.weight.zero_()
            layer.bias.zero_()
        e, d = torch.randn(1, WIDTH, 4, 4), torch.randn(1, WIDTH, 4, 4)
        torch.testing.assert_close(module(e, d), module.widen(e / 2))
        module.recalibrates = "decoder"
        torch.testing.assert_close(module(e, d), module.widen(d / 2))


def test_stochastic_depth_leaves_out_whole_pictures_and_keeps_the_mean():
    torch.manual_seed(0)
    block = LKDCBlock(5, NORMS["IN+GN"][1], drop_path=0.25)
    features = torch.randn(400, WIDTH, 2, 2)
    branch = block.eval()(features) - features
    trained = block.train()(features) - features
    left_out = (trained.abs().flatten(1).amax(1) == 0).float().mean()
    assert 0.18 < left_out < 0.32  # 0.25 within three standard deviations of 400 draws
    kept = trained.abs().flatten(1).amax(1) > 0
    torch.testing.assert_close(trained[kept], branch[kept] / 0.75, rtol=1e-4, atol=1e-5)


def test_training_leaves_what_is_out_of_range_to_the_loss():
    torch.manual_seed(0)
    network = LKCFUNet(large_kernels=False)
    with torch.no_grad():
        network.head[2].bias.fill_(3.0)
        source = torch.rand(2, 1, 16, 16)
        assert network.train()(source, source).max() > 1
        assert network.eval()(source, source).max() <= 1


def test_a_network_begun_at_the_maximum_has_learnt_to_change_little_yet():
    torch.manual_seed(0)
    network = LKCFUNet(large_kernels=False, from_maximum=True).eval()
    mri, partner = torch.rand(2, 1, 1, 32, 32)
    with torch.inference_mode():
        apart = network(mri, partner) - torch.maximum(mri, partner)
    assert 0 < apart.abs().max() < 0.05


@pytest.mark.data
@pytest.mark.parametrize("task", ["ct-mri", "pet-mri", "spect-mri"])
def test_products_in_bfloat16_stay_within_one_grey_level_on_real_pairs(task, monkeypatch):
    pair = read_pairs(Path(os.environ["SYNOPTIC_DATA"]) / "pairs", "val", [task])[0]
    mri, partner = (torch.from_numpy(one)[None, None] / 255 for one in (pair.mri, pair.luma))
    network = registry.load("lkcfunet")
    fused = []
    for multiplies in (True, False):
        monkeypatch.setattr(large_kernel, "computes_bfloat16", lambda multiplies=multiplies: multiplies)
        fused.append(infer.fuse_batch(network, mri, partner))
    assert 0 < float((fused[0] - fused[1]).abs().max()) < 1 / 255
