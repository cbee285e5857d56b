"""The losses that networks are trained by: one of ours for all of them, and the one that each paper prints.

A loss is a function (network, mri, partner) -> its terms by name, each already weighted; pictures are (B, 1, H, W) in
[0, 1]. It runs the network itself, so that it may ask for more than the fused picture: ours fuses each pair a second
time with lesions planted, and SSPFusion shows its structures. `loop` adds the terms up and writes each to the curve.
Under bfloat16 the network answers in bfloat16 and all after it is float32 arithmetic, so a loss begins with `.float()`.

Ours asks for three things. What they weigh was settled on the validation pairs (see the model cards):

- *fidelity to both sources*: the brighter source's broad brightness, and of each source its structure (SSIM), its
  information (VIF), what the other lacks (SCD) and its grey values (MI). Pixel by pixel the maximum drowns the MRI's
  detail under bright uptake or bone; left out altogether, the partner's broad uptake goes missing, and no measure of
  edges minds. So the maximum counts mostly through its local mean;
- *edges*: those of the stronger source, a little steeper than they are, since what a network averages over its doubts
  is flatter, and edges that Qabf finds again;
- *lesions*: what `evaluation.lesions` measures (`twins`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from app.base.errors import UsageError
from app.fusion import infer
from app.research.training import published, structures
from app.research.training.terms import (
    Terms,
    lost_bits,
    lost_differences,
    lost_edges,
    lost_information,
    lost_structure,
    maximum_brightness,
    maximum_intensity,
    stronger_gradient,
)
from app.research.training.twins import lesions, twins_of

Loss = Callable[[nn.Module, Tensor, Tensor], Terms]
Fuse = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Terms]]  # the fused picture, and terms of what led to it

STEEPER = 1.25  # times the stronger source's edge


def fidelity(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    return {
        "intensity": 0.3 * maximum_intensity(fused, mri, partner),
        "brightness": 2.0 * maximum_brightness(fused, mri, partner),
        "ssim": 0.6 * lost_structure(fused, mri, partner),
        "information": 1.0 * lost_information(fused, mri, partner),
        "differences": 0.3 * lost_differences(fused, mri, partner),
        "bits": 0.05 * lost_bits(fused, mri, partner),
    }


def edges(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    return {
        "gradient": 2.0 * stronger_gradient(fused, mri, partner, STEEPER),
        "edges": 0.5 * lost_edges(fused, mri, partner),
    }


def ours(network: nn.Module, mri: Tensor, partner: Tensor, fuse: Fuse, emphasis: float = 1.0) -> Terms:
    """Of a batch and its twins with lesions planted, which are fused with it; `emphasis` is on the lesions."""
    twins = twins_of(mri, partner)
    fused, of_network = fuse(network, *twins.sources)
    plain, spotted = fused.chunk(2)
    shown = lesions(twins, plain, spotted, emphasis)
    return fidelity(plain, mri, partner) | edges(plain, mri, partner) | shown | of_network


def picture_alone(network: nn.Module, mri: Tensor, partner: Tensor) -> tuple[Tensor, Terms]:
    """The fused picture, air blanked as `infer` does it."""
    return infer.blank_air(network(mri, partner).float(), mri, partner), {}


def of_picture(
    loss: Callable[[Tensor, Tensor, Tensor], Terms], network: nn.Module, mri: Tensor, partner: Tensor, fuse: Fuse
) -> Terms:
    """A loss that looks at (fused, mri, partner) alone."""
    fused, of_network = fuse(network, mri, partner)
    return loss(fused, mri, partner) | of_network


FUSE: dict[str, Fuse] = {"sspfusion": structures.with_structures}  # by network; all others show a picture alone
PUBLISHED: dict[str, Loss] = {
    "lightfusionnet": partial(of_picture, published.lightfusionnet, fuse=picture_alone),
    "lkcfunet": partial(of_picture, published.lkcfunet, fuse=picture_alone),
    "refinefuse": partial(of_picture, published.refinefuse, fuse=picture_alone),
    "sspfusion": partial(of_picture, published.sspfusion, fuse=structures.with_structures),
}


class UnknownLossError(UsageError):
    def __init__(self, network: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"{network} has no loss {name!r}.", hint=f"Known are {', '.join(known)}.")


def loss_of(network: str, name: str, emphasis: float = 1.0) -> Loss:
    """By its name in a recipe: ours, the paper's (published), and of SSPFusion that of its first stage (structure);
    UnknownLossError where the network has no such loss.
    """
    losses: dict[str, Loss] = {"ours": partial(ours, fuse=FUSE.get(network, picture_alone), emphasis=emphasis)}
    if network in PUBLISHED:
        losses["published"] = PUBLISHED[network]
    if network == "sspfusion":
        losses["structure"] = structures.structure_alone
    if name not in losses:
        raise UnknownLossError(network, name, list(losses))
    return losses[name]
