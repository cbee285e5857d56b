"""Our loss: its three parts, and what every loss of every network must hold."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from app.fusion import registry
from app.research.training import losses, terms
from app.research.training.losses import UnknownLossError, loss_of

FIDELITY = {"intensity", "brightness", "ssim", "information", "differences", "bits"}
EDGES = {"gradient", "edges"}
LESIONS = {"lost", "invented"}
NETWORKS = ("lightfusionnet", "sspfusion", "refinefuse", "lkcfunet")
OF_PICTURE = [("refinefuse", "ours")] + [(name, "published") for name in NETWORKS if name != "sspfusion"]


def pictures(count: int = 2, size: int = 32, seed: int = 0) -> list[Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return [torch.rand((2, 1, size, size), generator=draw) for _ in range(count)]


class Maximum(nn.Module):
    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        return torch.maximum(mri, partner)


class Noise(nn.Module):
    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        return torch.rand(mri.shape, generator=torch.Generator().manual_seed(9))


class Flat(nn.Module):
    """One grey value everywhere, which learns."""

    def __init__(self) -> None:
        super().__init__()
        self.grey = nn.Parameter(torch.tensor(0.3))

    def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
        return self.grey.expand_as(mri)


def total(name: str, loss: str, network: nn.Module, *sources: Tensor) -> Tensor:
    torch.manual_seed(0)
    return torch.stack(list(loss_of(name, loss)(network, *sources).values())).sum()


def test_ours_has_its_three_parts_and_sspfusions_structures_beside():
    assert set(loss_of("lightfusionnet", "ours")(Maximum(), *pictures())) == FIDELITY | EDGES | LESIONS
    found = loss_of("sspfusion", "ours")(registry.build("sspfusion"), *pictures())
    assert set(found) == FIDELITY | EDGES | LESIONS | {"structure", "reconstruction"}


def test_fidelity_weighs_what_its_lines_say():
    fused, mri, partner = pictures(3)
    found = losses.fidelity(fused, mri, partner)
    assert float(found["ssim"]) == pytest.approx(0.6 * float(terms.lost_structure(fused, mri, partner)))
    assert float(found["information"]) == pytest.approx(float(terms.lost_information(fused, mri, partner)))
    assert float(found["brightness"]) == pytest.approx(2 * float(terms.maximum_brightness(fused, mri, partner)))


def test_a_picture_with_the_edges_asked_for_leaves_little_of_them():
    mri, _ = pictures()
    steeper, flat = (
        losses.edges(0.5 * losses.STEEPER * mri, 0.5 * mri, 0 * mri),
        losses.edges(0 * mri, 0.5 * mri, 0 * mri),
    )
    assert float(steeper["gradient"]) == pytest.approx(0, abs=1e-6)
    assert float(steeper["edges"]) < 0.1 * float(flat["edges"])


def test_the_emphasis_weighs_the_lesions_alone():
    found = []
    for emphasis in (1.0, 3.0):
        torch.manual_seed(0)
        found.append(loss_of("refinefuse", "ours", emphasis)(Noise(), *pictures(size=64)))
    for name, value in found[0].items():
        factor = 3 if name in LESIONS else 1
        assert float(found[1][name]) == pytest.approx(factor * float(value)), name
    assert float(found[0]["invented"]) > 0


@pytest.mark.parametrize(("name", "loss"), OF_PICTURE)
def test_every_loss_prefers_the_maximum_to_noise(name, loss):
    good, bad = (float(total(name, loss, network, *pictures())) for network in (Maximum(), Noise()))
    assert good < bad


@pytest.mark.parametrize(("name", "loss"), OF_PICTURE)
def test_every_loss_has_a_finite_gradient_on_flat_and_empty_pictures(name, loss):
    flat, empty = torch.full((1, 1, 32, 32), 0.5), torch.zeros(1, 1, 32, 32)
    for mri, partner in ((flat, flat), (flat, empty), (empty, empty)):
        network = Flat()
        total(name, loss, network, mri, partner).backward()
        assert network.grey.grad is not None
        assert math.isfinite(float(network.grey.grad))


def test_the_picture_is_looked_at_in_float32_and_without_what_is_said_of_air():
    class HalfGrey(nn.Module):
        def forward(self, mri: Tensor, partner: Tensor) -> Tensor:
            return torch.full_like(mri, 0.5, dtype=torch.bfloat16)

    mri, partner = torch.tensor([[[[0.0, 1.0, 0.0]]]]), torch.tensor([[[[0.0, 0.0, 1.0]]]])
    fused, beside = losses.picture_alone(HalfGrey(), mri, partner)
    assert fused.dtype == torch.float32
    assert fused.tolist() == [[[[0.0, 0.5, 0.5]]]]
    assert beside == {}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_has_our_loss_and_its_papers(name):
    assert callable(loss_of(name, "ours"))
    assert callable(loss_of(name, "published"))


def test_a_loss_nobody_knows_is_answered_with_those_there_are():
    with pytest.raises(UnknownLossError, match="lightfusionnet has no loss 'structure'") as caught:
        loss_of("lightfusionnet", "structure")
    assert caught.value.hint == "Known are ours, published."
