"""All objectives by the name that a TrainConfig gives: of `losses`, of networks that show more, of examples."""

from __future__ import annotations

from functools import partial

from app.research.training import losses, losses_refinefuse, losses_sspfusion
from app.research.training.fitted import following, following_closely
from app.research.training.losses import Objective
from app.research.training.planted import as_tested, with_lesions

FOLLOWING: dict[str, Objective] = {  # of examples, which bring the picture to follow
    "following": losses.of_fused(following),
    "following-closely": losses.of_fused(following_closely),
    "following-and-telling": losses.of_fused(partial(following_closely, bits=0.04)),
    "following-and-telling-0.02": losses.of_fused(partial(following_closely, bits=0.02)),
    "following-and-finding-0.3": losses.of_fused(partial(following_closely, bits=0.02, edges=0.3)),
    "following-lesions-0.05": with_lesions(following, 0.05),
    "following-lesions-0.15": with_lesions(following, 0.15),
    "following-tested-3": as_tested(following, lost=0.6, invented=3.0),
    "following-tested-9": as_tested(following, lost=1.8, invented=9.0),
    "following-tested-30": as_tested(following, lost=4.0, invented=30.0),
}
OF_SSPFUSION: dict[str, Objective] = {  # which shows its structures
    "sspfusion-structure": losses_sspfusion.sspfusion_structure,
    "sspfusion-published": losses_sspfusion.structures_and(losses_sspfusion.fusion_terms),
    "sspfusion-lively": losses_sspfusion.structures_and(losses.OF_FUSED["lively"]),
    "sspfusion-telling": losses_sspfusion.structures_and(losses.OF_FUSED["telling"]),
}
LOSSES: dict[str, Objective] = {
    **{name: losses.of_fused(loss) for name, loss in losses.OF_FUSED.items()},
    **FOLLOWING,
    **OF_SSPFUSION,
    "faithful-lesions": with_lesions(losses.faithful, 0.22),
    "lively-tested": as_tested(losses.OF_FUSED["lively"], lost=8.0, invented=40.0),
    "refinefuse-published": losses.of_fused(losses_refinefuse.refinefuse_published),
}
