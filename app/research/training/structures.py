"""What SSPFusion's structures learn from: the paper's losses of them (Eqs. 2 to 4 and 9 to 10).

Both modalities' structures go into one distance per scale. The paper takes a ratio per map (Eq. 4), which is infinite
where a map has no edges, as in a crop of air or a channel that is silent there; over all maps of a batch it is not.
Weights are 1, as the paper measured (its Table 6).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from app.fusion import infer
from app.fusion.networks.ssp_fusion import Explained, Structures
from app.research.training.terms import Terms, sobel

CHARBONNIER = 1e-3  # the constant of Eq. 10


def structure_target(features: Tensor) -> Tensor:
    """Eq. 2 with the edges as 1: where the Sobel magnitude of F_k exceeds the mean of that channel.

    features (B, C, H, W) at or above 0 -> 0.0 or 1.0, same shape, without a gradient
    """
    features = features.detach()
    x, y = (one.view_as(features) for one in sobel(features.flatten(0, 1)[:, None]))
    return (x.square() + y.square() > features.mean((2, 3), keepdim=True).square()).to(features.dtype)


def distance(predicted: Tensor, target: Tensor) -> Tensor:
    """Eq. 4 over all elements: 1 where both agree, more the less they overlap; finite even without overlap."""
    squares = predicted.square().sum() + target.square().sum()
    return (squares + 1) / (2 * (predicted * target).sum() + 1)


def charbonnier(predicted: Tensor, target: Tensor) -> Tensor:
    """Eq. 10 element by element, then the mean; CHARBONNIER where both agree."""
    return ((predicted - target).square() + CHARBONNIER**2).sqrt().mean()


def structure_terms(mri: Structures, partner: Structures) -> Terms:
    """L_str (Eqs. 3 and 4) and L_rec (Eq. 10), each the sum over the scales; lowest at 3 and 0.003."""
    apart: list[Tensor] = []
    missed: list[Tensor] = []
    scales = zip(mri.features, partner.features, mri.maps, partner.maps, strict=True)
    for features_mri, features_partner, map_mri, map_partner in scales:
        predicted = torch.cat([map_mri, map_partner]).float()
        target = structure_target(torch.cat([features_mri, features_partner]).float())
        apart.append(distance(predicted, target))
        missed.append(charbonnier(predicted, target))
    return {"structure": torch.stack(apart).sum(), "reconstruction": torch.stack(missed).sum()}


def structure_alone(network: nn.Module, mri: Tensor, partner: Tensor) -> Terms:
    """The paper's first stage: the extractor alone, on its own edges."""
    explained: Explained = network(mri, partner, explain=True)
    return structure_terms(explained.mri, explained.partner)


def with_structures(network: nn.Module, mri: Tensor, partner: Tensor) -> tuple[Tensor, Terms]:
    """The second stage's picture, air blanked as `infer` does it, and the terms of its structures (Eq. 9, alpha = beta
    = 1).

    What is asked of the picture besides must lead away from the pixel maximum, where this network begins.
    """
    explained: Explained = network(mri, partner, explain=True)
    fused = infer.blank_air(explained.fused.float(), mri, partner)
    return fused, structure_terms(explained.mri, explained.partner)
