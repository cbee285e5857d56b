"""What the paper says of LightFusionNet and a picture of its output cannot show."""

from __future__ import annotations

import pytest
import torch

from app.fusion.networks.light_fusion_net import ATTENTIONS, LightFusionNet, PredictiveContextAttention


def test_a_prediction_never_sees_the_feature_it_predicts():
    attention = PredictiveContextAttention(16, 4)
    for weight in attention.context.parameters():
        weight.data.abs_()  # so that the ReLU cuts nothing off, whatever the random start
    features = torch.rand(1, 16, 15, 15, generator=torch.Generator().manual_seed(0), requires_grad=True)
    attention.predict(attention.context(features).relu())[0, :, 7, 7].sum().backward()
    seen = features.grad.abs().sum(dim=(0, 1))
    assert seen[7, 7] == 0
    neighbours = seen[4:11, 4:11].flatten()
    assert (neighbours[torch.arange(49) != 24] > 0).all()  # and everything else up to three pixels away


def test_a_feature_that_was_predicted_is_amplified_by_a_constant_and_a_surprise_by_more():
    attention = PredictiveContextAttention(4, 4)
    with torch.no_grad():
        for weight in attention.parameters():
            weight.zero_()
        attention.predict.bias.fill_(1.0)  # expects 1 everywhere
        attention.weigh.weight.copy_(torch.eye(4)[..., None, None])
    features = torch.ones(1, 4, 9, 9)
    features[0, 0, 4, 4] = 3.0
    told = attention(features).detach()
    assert told[0, 0, 0, 0] == pytest.approx(1.5)  # 1 + 1 sigmoid(0)
    assert told[0, 0, 4, 4] == pytest.approx(3 + 3 * 0.880797, abs=1e-5)  # 3 + 3 sigmoid(|3 - 1|)


@pytest.mark.parametrize(
    ("arguments", "low", "high"),
    [  # Tables 3 and 4, in thousands, as rounded there; but for the width of 32, where they have 8
        ({"attention": "conv"}, 1.5, 3.0),
        ({"attention": "ca"}, 1.5, 2.5),
        ({"attention": "sa"}, 1.5, 2.5),
        ({"separable": False}, 8.0, 14.5),
        ({"width": 8}, 1.0, 3.5),
        ({"width": 32}, 16.0, 16.5),
        ({"reduction": 2}, 4.5, 7.0),
        ({"reduction": 8}, 2.5, 3.8),
    ],
)
def test_ablations_cost_about_what_the_paper_prints(arguments, low, high):
    network = LightFusionNet(**arguments).eval()
    assert low <= sum(one.numel() for one in network.parameters()) / 1000 <= high
    source = torch.rand(1, 1, 33, 40)
    assert network(source, source).shape == source.shape


def test_all_attentions_keep_the_shape():
    features = torch.rand(2, 8, 12, 10)
    assert all(kind(8, 4)(features).shape == features.shape for kind in ATTENTIONS.values())
