"""The losses that the papers print, of (fused, mri, partner); (B, 1, H, W) in [0, 1] -> weighted terms.

RefineFuse's mask (Eqs. 6 to 9) is the union of labelled objects and of high local contrast; our pairs have no labels,
so contrast alone decides. The paper leaves open how contrast becomes 0 or 1 and the size of the surroundings. Taken
here: the partner (the paper's infrared picture) has the pixels where its contrast is the higher one, the MRI (the
visible picture) all others, so that each pixel has one source; 11 x 11 pixels; the 1-norm in Eq. 7, as in Eq. 8.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from app.research.training.terms import Terms, lost_structure, maximum_gradient, maximum_intensity, sobel

SURROUNDINGS = 11  # pixels
MARGIN = 1e-6  # of contrast, a quarter of a grey level: ground that is flat in both is the MRI's
TEXTURE_WEIGHT = 5  # lambda of Eq. 9


def lightfusionnet(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    """With the weights that Table 5 measured: intensity 100, gradient 50, SSIM 20 (Eq. 5 prints 20, 100, 50)."""
    return {
        "intensity": 100 * maximum_intensity(fused, mri, partner),
        "gradient": 50 * maximum_gradient(fused, mri, partner),
        "ssim": 20 * lost_structure(fused, mri, partner),
    }


def lkcfunet(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    """LKC-FUNet, Eqs. 8 to 11, all weights 1; the gradient is |gx| + |gy|, as its authors' release has it."""
    ours, *theirs = (_sum_of_derivatives(image) for image in (fused, mri, partner))
    return {
        "ssim": lost_structure(fused, mri, partner),
        "intensity": maximum_intensity(fused, mri, partner),
        "gradient": (ours - torch.maximum(*theirs)).abs().mean(),
    }


def _sum_of_derivatives(image: Tensor) -> Tensor:
    """|gx| + |gy| of Sobel, (B, 1, H, W)."""
    x, y = sobel(image)
    return x.abs() + y.abs()


def sspfusion(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    """SSPFusion, L_fus of Eqs. 11 to 14; `structures` has the rest of Eq. 9."""
    return {
        "ssim": lost_structure(fused, mri, partner),
        "smooth": maximum_intensity(fused, mri, partner),
        "gradient": maximum_gradient(fused, mri, partner),
    }


def contrast(image: Tensor) -> Tensor:
    """Squared difference of each pixel to the mean around it, within the picture; (B, 1, H, W) -> the same."""
    around = functional.avg_pool2d(
        image, SURROUNDINGS, stride=1, padding=SURROUNDINGS // 2, count_include_pad=False
    )  # the centre counts too: without it, all contrasts of a place grow by the same factor
    return (image - around).square()


def masks(mri: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Eq. 6: 1.0 where that source is to be kept, 0.0 elsewhere, adding up to 1; (B, 1, H, W) each."""
    of_partner = (contrast(partner) > contrast(mri) + MARGIN).to(mri.dtype)
    return 1 - of_partner, of_partner


def masked_intensity(fused: Tensor, mri: Tensor, partner: Tensor) -> Tensor:
    """Eq. 7: mean distance to the source that the masks choose."""
    of_mri, of_partner = masks(mri, partner)
    return (of_mri * (fused - mri).abs() + of_partner * (fused - partner).abs()).mean()


def refinefuse(fused: Tensor, mri: Tensor, partner: Tensor) -> Terms:
    """RefineFuse, Eq. 9: Eq. 7, and 5 times the texture loss, Eq. 8."""
    return {
        "intensity": masked_intensity(fused, mri, partner),
        "texture": TEXTURE_WEIGHT * maximum_gradient(fused, mri, partner),
    }
