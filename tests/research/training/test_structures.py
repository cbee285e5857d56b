"""The losses of SSPFusion's structures on maps small enough to reckon by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from app.fusion.networks.ssp_fusion import Explained, SSPFusion, Structures
from app.research.training import published, structures
from app.research.training.losses import loss_of

NAMES = ("structure", "published", "ours")


@pytest.fixture(scope="module")
def network() -> SSPFusion:
    torch.manual_seed(0)
    return SSPFusion()


def pictures(size: int = 16) -> list[Tensor]:
    return list(torch.rand((2, 2, 1, size, size), generator=torch.Generator().manual_seed(0)))


def step_edge(low: float = 0.0, high: float = 1.0) -> Tensor:
    """(1, 1, 4, 6): three columns low, three high."""
    return torch.tensor([low] * 3 + [high] * 3).expand(1, 1, 4, 6)


class Told(nn.Module):
    """Answers as a network that found these structures and fused to this picture."""

    def __init__(self, told: Explained) -> None:
        super().__init__()
        self.told = told

    def forward(self, mri: Tensor, partner: Tensor, *, explain: bool) -> Explained:
        assert explain
        return self.told


def test_the_target_is_1_at_a_step_and_0_on_its_flat_sides():
    expected = [[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]] * 4  # Sobel 4 beside the step, 0 elsewhere; the mean is 0.5
    assert structures.structure_target(step_edge())[0, 0].tolist() == expected


def test_the_target_asks_for_a_step_above_the_mean_of_its_own_channel():
    weak = step_edge(2.0, 2.5)  # Sobel 2, mean 2.25
    strong = step_edge(2.0, 3.0)  # Sobel 4, mean 2.5
    target = structures.structure_target(torch.cat([weak, strong], dim=1))
    assert target.sum((2, 3)).tolist() == [[0.0, 8.0]]
    pair = structures.structure_target(torch.cat([weak, strong], dim=0))  # the same in two pictures of a batch
    assert pair.sum((1, 2, 3)).tolist() == [0.0, 8.0]


def test_a_silent_channel_has_no_edges_and_the_target_no_gradient():
    assert not structures.structure_target(torch.zeros(1, 2, 5, 5)).any()
    assert not structures.structure_target(step_edge().clone().requires_grad_()).requires_grad


def test_distance_is_the_inverse_of_dice():
    predicted, target = torch.tensor([1.0, 0.0, 1.0, 0.5]), torch.tensor([1.0, 0.0, 0.0, 1.0])
    expected = (2.25 + 2 + 1) / (2 * 1.5 + 1)
    assert float(structures.distance(predicted, target)) == pytest.approx(expected)
    assert float(structures.distance(target, target)) == 1
    nothing = torch.zeros(4)
    assert float(structures.distance(nothing, nothing)) == 1
    assert float(structures.distance(target, nothing)) == 3  # finite, though nothing overlaps


def test_charbonnier_rounds_the_corner_of_the_absolute_difference():
    predicted, target = torch.tensor([1.0, 0.25]), torch.tensor([1.0, 1.0])
    expected = (1e-3 + math.sqrt(0.75**2 + 1e-6)) / 2
    assert float(structures.charbonnier(predicted, target)) == pytest.approx(expected)


def test_structure_terms_are_lowest_where_the_maps_are_the_features_edges():
    features = [step_edge(), step_edge(1.0, 0.0), step_edge(0.0, 0.5)]
    edges = [structures.structure_target(one) for one in features]
    perfect = Structures(features, edges)
    terms = structures.structure_terms(perfect, perfect)
    assert float(terms["structure"]) == pytest.approx(3)
    assert float(terms["reconstruction"]) == pytest.approx(0.003)


def test_structure_terms_add_the_scales_and_look_at_both_pictures():
    features = [step_edge()] * 3  # 8 of 24 pixels are edges
    edges = [structures.structure_target(one) for one in features]
    blind = [torch.zeros_like(one) for one in edges]
    terms = structures.structure_terms(Structures(features, edges), Structures(features, blind))
    assert float(terms["structure"]) == pytest.approx(3 * (8 + 16 + 1) / (2 * 8 + 1))
    missed = (8 * math.sqrt(1 + 1e-6) + 40 * 1e-3) / 48
    assert float(terms["reconstruction"]) == pytest.approx(3 * missed)


def test_the_second_stage_adds_structure_terms_of_weight_1_to_what_is_asked_of_the_picture():
    mri, partner = pictures()
    mri[:, :, :4], partner[:, :, :4] = 0, 0  # air, where a network may say what it likes
    features = [step_edge()] * 3
    found = Structures(features, [torch.full_like(one, 0.5) for one in features])
    fused = torch.full_like(mri, 0.5)
    network = Told(Explained(fused, found, found))
    blanked = fused.clone()
    blanked[:, :, :4] = 0
    structure = structures.structure_terms(found, found)
    expected = {"structure": structure, "published": structure | published.sspfusion(blanked, mri, partner)}
    for name, terms in expected.items():
        weighted = loss_of("sspfusion", name)(network, mri, partner)
        assert {term: float(value) for term, value in weighted.items()} == {
            term: pytest.approx(float(value)) for term, value in terms.items()
        }


def test_the_first_stage_trains_the_extractor_alone(network):
    network.zero_grad()
    torch.stack(list(loss_of("sspfusion", "structure")(network, *pictures()).values())).sum().backward()
    with_gradient = {name for name, weight in network.named_parameters() if weight.grad is not None}
    assert with_gradient == {f"extractor.{name}" for name, _ in network.extractor.named_parameters()}


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_on_flat_and_empty_pictures(name, network):
    flat, empty = torch.full((1, 1, 24, 24), 0.5), torch.zeros(1, 1, 24, 24)
    for mri, partner in ((flat, flat), (flat, empty), (empty, empty)):
        network.zero_grad()
        torch.stack(list(loss_of("sspfusion", name)(network, mri, partner).values())).sum().backward()
        assert all(weight.grad is None or weight.grad.isfinite().all() for weight in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_terms_are_float32_though_the_network_answers_in_bfloat16(name, network):
    class Half(nn.Module):
        def forward(self, mri: Tensor, partner: Tensor, *, explain: bool) -> Explained:
            with torch.autocast("cpu", torch.bfloat16):
                return network(mri, partner, explain=explain)

    found = []
    for one in (Half(), network):
        torch.manual_seed(0)  # the same lesions
        with torch.no_grad():
            found.append(loss_of("sspfusion", name)(one, *pictures(24)))
    terms, exact = found
    assert {term.dtype for term in terms.values()} == {torch.float32}
    for term, value in terms.items():
        assert float(value) == pytest.approx(float(exact[term]), rel=0.1, abs=1e-3)


def test_a_few_steps_teach_the_extractor_its_edges():
    torch.manual_seed(0)
    network = SSPFusion()
    optimizer = torch.optim.Adam(network.extractor.parameters(), lr=2e-4)
    seen = []
    for _ in range(8):
        loss = torch.stack(list(loss_of("sspfusion", "structure")(network, *pictures()).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert seen[-1] < seen[0] - 0.3
